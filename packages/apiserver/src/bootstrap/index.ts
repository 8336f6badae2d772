export { ApiServiceController } from './api-service-controller.ts';
export { type BootstrapOptions, bootstrap } from './bootstrap.ts';
export { ClusterRoleAggregator } from './cluster-role-aggregator.ts';
export { FlowControlController } from './flow-control-controller.ts';
export type { ServerAddress } from './objects.ts';
export { PolicyStatusController } from './policy-status-controller.ts';
