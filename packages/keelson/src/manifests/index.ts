export { dockerfile, type Files, helmFiles, kustomizeFiles, plainYaml } from './layouts.ts';
export { loadModule, loadOperators } from './load-operators.ts';
export { allManifests, type ManifestOptions, type OperatorManifests, operatorManifests } from './operator-manifests.ts';
export type { CertificateAuthority } from './webhook-manifests.ts';
