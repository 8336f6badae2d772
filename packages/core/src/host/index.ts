export { controllerManagerPlugin, Manager } from './controller-manager-plugin.ts';
export { createHost, type Host, type HostOptions, userOf } from './create-host.ts';
export { eventRecorderPlugin } from './event-recorder-plugin.ts';
export { informersPlugin } from './informers-plugin.ts';
export { type LeaderElectionSettings, leaderElectionPlugin } from './leader-election-plugin.ts';
export { HostError } from './registration.ts';
export { type RunOperatorOptions, runOperator } from './run-operator.ts';
export type { AnyPlugin } from './select-plugins.ts';
export { createLogger, type LoggerOptions, type LogLevel } from './text-logger.ts';
