export { deploymentPlugin } from './deployment/plugin.ts';
export { replicaSetPlugin } from './replicaset/plugin.ts';
