import type { Clock } from '@keelson/core/machinery';

interface Entry {
  readonly delayMs: number;
  readonly updatedAt: number;
}

export interface BackOffOptions {
  /** Default 10 s. */
  readonly initialMs?: number;
  /** Default 5 min. An entry is forgotten after twice this time without a failure. */
  readonly maxMs?: number;
}

/**
 * Doubling delays by key, as Kubernetes keeps them for restarts and image pulls: 10 s, 20 s, … 5 min; forgotten when
 * what failed had been well for 10 min (kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle#restart-policy).
 */
export class BackOff {
  readonly #clock: Clock;
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, options: BackOffOptions = {}) {
    this.#clock = clock;
    this.#initialMs = options.initialMs ?? 10_000;
    this.#maxMs = options.maxMs ?? 300_000;
  }

  /** Milliseconds that are left to wait for a failure at `failedAt`; 0 when the next try may start. */
  remaining(key: string, failedAt: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || failedAt - entry.updatedAt > this.#maxMs * 2) return 0;
    return Math.max(0, entry.delayMs - (this.#clock.now() - failedAt));
  }

  /** The delay in force, for messages. */
  delay(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Counts one more try after a failure at `failedAt`. */
  next(key: string, failedAt: number): void {
    const entry = this.#entries.get(key);
    const fresh = entry === undefined || failedAt - entry.updatedAt > this.#maxMs * 2;
    const delayMs = fresh ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.set(key, { delayMs, updatedAt: this.#clock.now() });
  }

  /** Forgets every key that begins with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
