// `Event` is that of the core group, by which most of Kubernetes tells; this one counts in series.
export { Event as EventsV1Event } from './generated/events-v1.ts';
export * from './generated/index.ts';
// A container's claim by name (`resources.claims`) has the short name; this is the object of resource.k8s.io.
export { ResourceClaim as DeviceClaimObject } from './generated/resource-v1.ts';
export { apiVersionOf, type KubernetesObject, type ResourceType } from './resource-type.ts';
export { wellKnown } from './well-known.ts';
