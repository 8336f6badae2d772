export { KindCatalog } from './catalog.ts';
export type * from './contract.ts';
export { type InProcessTransportOptions, inProcessTransport } from './in-process-transport.ts';
export { ResourceRegistry, type ResourceRegistryOptions } from './resource-registry.ts';
