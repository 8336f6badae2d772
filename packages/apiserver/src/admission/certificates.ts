import { CertificateSigningRequest, deepEqual, StatusError } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import type { Authorizer } from '../registry/contract.ts';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';
import { refuse } from './refuse.ts';

/** Whether a user may `approve` or `sign` for a signer: by its name, or for all of its domain (`example.com/*`). */
function maySign(authorizer: Authorizer, { user }: AdmissionAttributes, verb: string, signerName: string): boolean {
  const signer = { user, verb, group: 'certificates.k8s.io', version: '*', resource: 'signers' };
  const domain = `${signerName.split('/')[0]}/*`;
  return [signerName, domain].some((name) => authorizer.authorize({ ...signer, name }).allowed);
}

/** The old and new state of a request, where one of its subresources is written. */
function requests(attributes: AdmissionAttributes, subresource: string) {
  const { operation, group, resource, object, oldObject } = attributes;
  if (operation !== 'UPDATE' || group !== CertificateSigningRequest.group || attributes.subresource !== subresource)
    return undefined;
  if (resource !== CertificateSigningRequest.plural || !object || !oldObject) return undefined;
  // The registry has decoded both by the schema of this very kind.
  return { next: object as CertificateSigningRequest, old: oldObject as CertificateSigningRequest };
}

/** Only who may `approve` for a signer approves or denies requests to it. */
export function certificateApproval({ authorizer }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    validate(attributes) {
      const found = requests(attributes, 'approval');
      if (!found || maySign(authorizer, attributes, 'approve', found.old.spec.signerName)) return;
      throw refuse(attributes, `user not permitted to approve requests with signerName "${found.old.spec.signerName}"`);
    },
  };
}

/** Only who may `sign` for a signer issues its certificates, or says that it will not. */
export function certificateSigning({ authorizer }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    validate(attributes) {
      const found = requests(attributes, 'status');
      if (!found) return;
      const { next, old } = found;
      const same =
        next.status?.certificate === old.status?.certificate &&
        deepEqual(next.status?.conditions ?? [], old.status?.conditions ?? []);
      if (same || maySign(authorizer, attributes, 'sign', old.spec.signerName)) return;
      throw refuse(attributes, `user not permitted to sign requests with signerName "${old.spec.signerName}"`);
    },
  };
}

const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** Nobody gets a client certificate of the group that may do everything. */
export function certificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    async validate(attributes) {
      const request = attributes.operation === 'CREATE' ? objectAs(attributes, CertificateSigningRequest) : undefined;
      if (request?.spec.signerName !== clientSigner) return;
      for (const group of await organizationsOf(request.spec.request)) {
        if (group !== 'system:masters') continue;
        throw refuse(attributes, `use of ${clientSigner} signer with system:masters group is not allowed`);
      }
    },
  };
}

/** @param encoded base64 of PEM, as `spec.request` has it */
async function organizationsOf(encoded: string): Promise<readonly string[]> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509');
  try {
    const parsed = new Pkcs10CertificateRequest(Buffer.from(encoded, 'base64').toString());
    return parsed.subjectName.getField('O');
  } catch (error) {
    throw StatusError.internal(`unable to parse csr: ${error instanceof Error ? error.message : String(error)}`);
  }
}
