import { CertificateSigningRequest } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { refuse } from './refuse.ts';
import { maySign, requests } from './signer-permission.ts';

/** Only who may `approve` for a signer approves or denies requests to it. */
export function certificateApproval({ authorizer }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    resources: [CertificateSigningRequest],
    async validate(attributes) {
      const found = requests(attributes, 'approval');
      if (!found || (await maySign(authorizer, attributes, 'approve', found.old.spec.signerName))) return;
      throw refuse(attributes, `user not permitted to approve requests with signerName "${found.old.spec.signerName}"`);
    },
  };
}
