import type { CertificateSigningRequest, ResourceSlice } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import { refuse } from '../refuse.ts';
import type { Restrict } from './restrict.ts';

const leaseNamespace = 'kube-node-lease';

/** The lease of a node has its name. */
export const restrictLease: Restrict = (node, attributes) => {
  if (attributes.namespace !== leaseNamespace) {
    throw refuse(attributes, `can only access leases in the "${leaseNamespace}" system namespace`);
  }
  if (nameIn(attributes) === node) return;
  throw refuse(attributes, 'can only access node lease with the same name as the requesting node');
};

/** So has its CSINode. */
export const restrictCsiNode: Restrict = (node, attributes) => {
  if (nameIn(attributes) === node) return;
  throw refuse(attributes, 'can only access CSINode with the same name as the requesting node');
};

const nameIn = ({ operation, object, name }: AdmissionAttributes) =>
  operation === 'CREATE' ? object?.metadata.name : name;

/** A driver on a node tells of the devices of that node; whose a slice is cannot change afterwards. */
export const restrictSlice: Restrict = (node, attributes) => {
  const { operation, object, oldObject } = attributes;
  if (operation !== 'CREATE' && operation !== 'DELETE') return;
  // The resource is resourceslices: the registry has decoded it as one.
  const slice = (operation === 'CREATE' ? object : oldObject) as ResourceSlice | undefined;
  if (!slice || slice.spec.nodeName === node) return;
  const verb = operation === 'CREATE' ? 'create' : 'delete';
  throw refuse(attributes, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`);
};

const signers: ReadonlySet<string> = new Set([
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
]);

/** A kubelet asks for certificates of its own node only. */
export const restrictSigningRequest: Restrict = async (node, attributes) => {
  if (attributes.operation !== 'CREATE' || attributes.subresource) return;
  // The resource is certificatesigningrequests: the registry has decoded it as one.
  const request = attributes.object as CertificateSigningRequest | undefined;
  if (!request || !signers.has(request.spec.signerName)) return;
  const wanted = `system:node:${node}`;
  if ((await commonNameOf(attributes, request.spec.request)) === wanted) return;
  throw refuse(attributes, `can only create a node CSR with CN=${wanted}`);
};

/** @param encoded base64 of PEM, as `spec.request` has it */
async function commonNameOf(attributes: AdmissionAttributes, encoded: string): Promise<string> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509');
  const pem = Buffer.from(encoded, 'base64').toString();
  if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) {
    throw refuse(attributes, 'unable to parse csr: PEM block type must be CERTIFICATE REQUEST');
  }
  try {
    return new Pkcs10CertificateRequest(pem).subjectName.getField('CN')[0] ?? '';
  } catch (error) {
    throw refuse(attributes, `unable to parse csr: ${error instanceof Error ? error.message : String(error)}`);
  }
}
