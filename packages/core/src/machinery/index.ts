export { type Clock, microTimestamp, type Random, timestamp } from './clock.ts';
export { keyOf, type ObjectKey, type ObjectRef, objectKey, refOf } from './object-key.ts';
export { type FieldError, isStatusError, type ResourceName, StatusError, type StatusReason } from './status-error.ts';
export { sleepOn, systemClock, systemRandom } from './system-clock.ts';
