export * from './generated/index.ts';
export { apiVersionOf, type KubernetesObject, type ResourceType } from './resource-type.ts';
export { wellKnown } from './well-known.ts';
