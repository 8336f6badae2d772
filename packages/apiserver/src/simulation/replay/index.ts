export type { ReplayDifference } from './differences.ts';
export { ReplayError, type ReplayOptions, type ReplayReport, replay } from './replay.ts';
export type { Replayed } from './replay-run.ts';
