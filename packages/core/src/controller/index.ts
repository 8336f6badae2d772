export {
  type Controller,
  Controllers,
  Leadership,
  type ReconcileContext,
  type ReconcileResult,
  RetryLaterError,
  Sharding,
  type Share,
  TerminalError,
  type Trigger,
  type Watch,
} from './contract.ts';
export { ControllerManager, type ControllerManagerOptions } from './controller-manager.ts';
export {
  createEventRecorder,
  type EventRecorderOptions,
  type StoppableEventRecorder,
} from './create-event-recorder.ts';
export { type EventOptions, EventRecorder } from './event-recorder.ts';
export { explain } from './explain.ts';
export { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
export { type LeaderElectionOptions, LeaderElector } from './leader-election.ts';
export {
  allOf,
  annotationsChanged,
  anyOf,
  generationChanged,
  labelsChanged,
  not,
  type Predicate,
} from './predicates.ts';
export {
  type BegunReconcile,
  type ObservedReconcile,
  type ReconcileObserver,
  ReconcileObservers,
} from './reconcile-observer.ts';
export type { ControllerMetrics } from './running-controller.ts';
export { SharedWork, type SharedWorkOptions } from './shared-work.ts';
export type { Cause, ReconcileTrace, TracedRead, TracedWrite } from './trace.ts';
export { TraceBuffer } from './trace-buffer.ts';
export { type WatchBuilder, watch, watchKeys } from './watch.ts';
