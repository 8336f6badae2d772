export {
  algorithm,
  type CertificateRequest,
  derOf,
  extendedKeyUsages,
  type KeyPair,
  makeCertificate,
  type Subject,
} from './certificate.ts';
export { dueForRenewal, renewalTime } from './renewal.ts';
