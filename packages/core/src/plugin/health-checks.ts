import { tokenList } from './token.ts';

/** Something that says whether the process is well; it stands on the health endpoints under its name. */
export interface HealthCheck {
  /** A part of a path, such as `informer-sync`. */
  readonly name: string;
  /** `healthz`: a process that fails it had better be started anew. `readyz`: it is not to be relied upon yet. Default both. */
  readonly endpoints?: readonly ('healthz' | 'readyz')[];
  /** Throws, or rejects, with what is wrong. Given up after five seconds. */
  check(signal: AbortSignal): void | Promise<void>;
}

/** All that the health endpoints ask; any plugin may add to it. */
export const HealthChecks = tokenList<HealthCheck>('HealthChecks');
