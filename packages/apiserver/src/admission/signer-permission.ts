import { CertificateSigningRequest } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import type { Authorizer } from '../registry/contract.ts';

/** Whether a user may `approve` or `sign` for a signer: by its name, or for all of its domain (`example.com/*`). */
export async function maySign(
  authorizer: Authorizer,
  { user }: AdmissionAttributes,
  verb: string,
  signerName: string,
): Promise<boolean> {
  const signer = { user, verb, group: 'certificates.k8s.io', version: '*', resource: 'signers' };
  const domain = `${signerName.split('/')[0]}/*`;
  for (const name of [signerName, domain]) {
    if ((await authorizer.authorize({ ...signer, name })).allowed) return true;
  }
  return false;
}

/** The old and new state of a request, where one of its subresources is written. */
export function requests(attributes: AdmissionAttributes, subresource: string) {
  const { operation, group, resource, object, oldObject } = attributes;
  if (operation !== 'UPDATE' || group !== CertificateSigningRequest.group || attributes.subresource !== subresource)
    return undefined;
  if (resource !== CertificateSigningRequest.plural || !object || !oldObject) return undefined;
  // The registry has decoded both by the schema of this very kind.
  return { next: object as CertificateSigningRequest, old: oldObject as CertificateSigningRequest };
}
