import { NumberText } from './number-text.ts';

/** A JSON object: no list, no null, and no number that keeps its text. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText);
