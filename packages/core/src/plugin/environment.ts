import type { Clock as ClockContract, Random as RandomContract } from '../machinery/clock.ts';
import { token } from './token.ts';

/** Structured logging as a contract: message first, then fields. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger whose every line carries `name`. */
  named(name: string): Logger;
}

/** The time, as a host hands it to plugins: a test may move it. */
export type Clock = ClockContract;
/** Chance, as a host hands it to plugins: a number from 0 up to, but not including, 1. */
export type Random = RandomContract;
export const Clock = token<ClockContract>('Clock');
export const Random = token<RandomContract>('Random');
export const Logger = token<Logger>('Logger');
