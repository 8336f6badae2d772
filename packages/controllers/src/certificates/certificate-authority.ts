import { token } from '@keelson/core';

/** Who a certificate signing request says its owner is. */
export interface RequestedIdentity {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** The cluster's own authority, as far as the signer needs it. */
export interface CertificateAuthority {
  /** @param pem of a request. Rejects where it cannot be read or its signature is wrong. */
  read(pem: string): Promise<RequestedIdentity>;
  /** The certificate for a request, as PEM. Times in milliseconds since the epoch; usages as `certificates.k8s.io` names them. */
  sign(request: {
    readonly request: string;
    readonly usages: readonly string[];
    readonly notBefore: number;
    readonly notAfter: number;
  }): Promise<string>;
}

export const CertificateAuthority = token<CertificateAuthority>('CertificateAuthority');
