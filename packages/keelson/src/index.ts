export { type Cluster, type ClusterOptions, createCluster } from './cluster.ts';
export { type ResolvedConfig, resolveConfig } from './commands/cluster-options.ts';
export { loadConfig, parseConfig } from './config/load.ts';
export { type ClusterConfig, clusterConfigSchema } from './config/schema.ts';
export { createLogger, type LogFormat, type LogLevel } from './logger.ts';
export { Progress } from './progress.ts';
export { runUntilSignal } from './run-until-signal.ts';
export { UserError } from './user-error.ts';
