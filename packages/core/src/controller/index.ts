export { type Controller, Controllers, type ReconcileContext, type ReconcileResult, type Watch } from './contract.ts';
export { ControllerManager, type ControllerManagerOptions } from './controller-manager.ts';
export {
  createEventRecorder,
  type EventRecorderOptions,
  type StoppableEventRecorder,
} from './create-event-recorder.ts';
export { EventRecorder } from './event-recorder.ts';
export { addFinalizer, hasFinalizer, removeFinalizer } from './finalizers.ts';
export type { ControllerMetrics } from './running-controller.ts';
export { type WatchBuilder, watch } from './watch.ts';
