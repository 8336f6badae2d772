export { type Controller, Controllers, type ReconcileContext, type ReconcileResult, type Watch } from './contract.ts';
export { EventRecorder } from './event-recorder.ts';
