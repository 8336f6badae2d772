import { CertificateSigningRequest, deepEqual } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { refuse } from './refuse.ts';
import { maySign, requests } from './signer-permission.ts';

/** Only who may `sign` for a signer issues its certificates, or says that it will not. */
export function certificateSigning({ authorizer }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    resources: [CertificateSigningRequest],
    async validate(attributes) {
      const found = requests(attributes, 'status');
      if (!found) return;
      const { next, old } = found;
      const same =
        next.status?.certificate === old.status?.certificate &&
        deepEqual(next.status?.conditions ?? [], old.status?.conditions ?? []);
      if (same || (await maySign(authorizer, attributes, 'sign', old.spec.signerName))) return;
      throw refuse(attributes, `user not permitted to sign requests with signerName "${old.spec.signerName}"`);
    },
  };
}
