export { type CertificateRequest, type KeyPair, makeCertificate, type Subject } from './certificate.ts';
export { type KubeconfigOptions, kubeconfigYaml, writeKubeconfig } from './kubeconfig.ts';
export { openPki, Pki, type PkiOptions, serverHosts } from './pki.ts';
export { type RequestedIdentity, readRequest, type SigningOptions } from './sign-request.ts';
