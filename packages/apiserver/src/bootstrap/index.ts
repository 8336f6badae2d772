export { type BootstrapOptions, bootstrap } from './bootstrap.ts';
export { ClusterRoleAggregator } from './cluster-role-aggregator.ts';
export type { ServerAddress } from './objects.ts';
