import type { Phase } from './contract.ts';
import { tokenList } from './token.ts';

/** Something that is started and stopped with the host. */
export interface Lifecycle {
  readonly name: string;
  readonly phase: Phase;
  /** Resolves when the part is ready. Default deadline 30 s. */
  start(signal: AbortSignal): Promise<void>;
  /** Called once if `start` was called. Default deadline 10 s. */
  stop?(signal: AbortSignal): Promise<void>;
  readonly startDeadlineMs?: number;
  readonly stopDeadlineMs?: number;
}

/** Everything that the host starts and stops. */
export const Lifecycles = tokenList<Lifecycle>('Lifecycles');
