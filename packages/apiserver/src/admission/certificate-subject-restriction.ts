import { CertificateSigningRequest, StatusError } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import { objectAs } from './narrow.ts';
import { refuse } from './refuse.ts';

const clientSigner = 'kubernetes.io/kube-apiserver-client';

/** Nobody gets a client certificate of the group that may do everything. */
export function certificateSubjectRestriction(): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    resources: [CertificateSigningRequest],
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
