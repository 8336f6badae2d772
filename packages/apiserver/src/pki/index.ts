export { type CertificateRequest, type KeyPair, makeCertificate, type Subject } from '@keelson/core/certificates';
export { type KubeconfigOptions, kubeconfigYaml, writeKubeconfig } from './kubeconfig.ts';
export { type FrontProxyPki, openPki, Pki, type PkiOptions, serverHosts } from './pki.ts';
export { rotateServiceAccountKey, type ServiceAccountKeyRing } from './service-account-key-files.ts';
export { type RequestedIdentity, readRequest, type SigningOptions } from './sign-request.ts';
