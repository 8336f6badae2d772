// Of admission only what a webhook says: what serves it is loaded where it is served.
export {
  type AdmissionDecision,
  allow,
  change,
  deny,
  type Remarks,
  type WrongField,
} from './admission/decision.ts';
export * from './api/index.ts';
export * from './client/index.ts';
export * from './controller/index.ts';
export * from './crd/index.ts';
// Of the host only this, which loads the rest when it is called: importing the SDK must not load the container.
export type { ClusterConnection, ClusterSource } from './host/cluster-set.ts';
export { type RunOperatorOptions, runOperator } from './host/run-operator.ts';
export { createLogger, type LoggerOptions, type LogLevel } from './host/text-logger.ts';
export * from './informer/index.ts';
export * from './machinery/index.ts';
export * from './plugin/index.ts';
// Both a type and a token here, only a type in `machinery`.
export { Clock, Random } from './plugin/index.ts';
export * from './workqueue/index.ts';
