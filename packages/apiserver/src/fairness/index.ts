export { type Classified, FlowControl, type FlowControlOptions, type FlowLimits } from './flow-control.ts';
export { FlowDump } from './flow-dump.ts';
export { FlowRefusal, RefusalPace, refusalText, retryAfterSeconds } from './flow-refusal.ts';
export { ObjectSizes } from './object-sizes.ts';
export { Stay } from './stay.ts';
