import type { Clock } from '@keelson/core';
import type { AuthorizationDecision } from '../../registry/contract.ts';

/** How many decisions are remembered, as by Kubernetes; beyond, the oldest is forgotten. */
const size = 8192;

/** Remembers decisions for a while. */
export class DecisionCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { readonly until: number; readonly decision: AuthorizationDecision }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): AuthorizationDecision | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (this.#clock.now() < entry.until) return entry.decision;
    this.#entries.delete(key);
    return undefined;
  }

  /** `ttlMs`: in milliseconds. */
  set(key: string, decision: AuthorizationDecision, ttlMs: number): void {
    if (ttlMs <= 0) return;
    this.#entries.delete(key);
    const oldest = this.#entries.size >= size ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { until: this.#clock.now() + ttlMs, decision });
  }
}
