import { token } from '@keelson/core/plugin';

/** What a kubelet's HTTPS server needs, each in PEM. */
export interface NodeCertificate {
  readonly cert: string;
  readonly key: string;
  /** The authority that signed the API server's client certificate: only its bearers may read logs or exec. */
  readonly ca: string;
}

/** Issues serving certificates for nodes out of the cluster's PKI. */
export interface NodeCertificates {
  /** @param hosts the host names and IP addresses that the certificate is for */
  issue(nodeName: string, hosts: readonly string[]): Promise<NodeCertificate>;
}

export const NodeCertificates = token<NodeCertificates>('NodeCertificates');
