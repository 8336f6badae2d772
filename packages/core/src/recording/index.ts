export { type Recording, readRecording } from './read-recording.ts';
export { ReconcileScope } from './reconcile-scope.ts';
export { type RecordedTransportOptions, type RecordingSink, recordedTransport } from './recorded-transport.ts';
export { type RecordedCache, Recorder, type RecorderOptions, type RecordSettings } from './recorder.ts';
export { isRecordingOf } from './recording-files.ts';
export {
  type RecordedFailure,
  type RecordedHead,
  type RecordedRequest,
  type RecordedSight,
  type RecordingLine,
  recordingLine,
} from './recording-line.ts';
export type { RedactedFields } from './redaction.ts';
export { toldTrace } from './told-trace.ts';
