import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '@keelson/core';
import type { AuthenticatedToken, TokenAuthenticator } from './contract.ts';

/** What a cache of tokens tells of itself. */
export interface TokenCacheObserver {
  /** A question was answered; `miss`: not from memory. */
  answered(status: 'hit' | 'miss', seconds: number): void;
  fetched(status: 'ok' | 'error'): void;
  /** How many questions are being looked up, and how many wait for one that already is: these many more or fewer. */
  active(status: 'in_flight' | 'blocked', change: 1 | -1): void;
}

export interface TokenCacheOptions {
  readonly clock: Clock;
  readonly observer?: TokenCacheObserver;
  /** How long a token that was good is remembered, in milliseconds. Default 10 s, as by Kubernetes. */
  readonly ttlMs?: number;
  /** How long one that nobody knows is, and one that is wrong. Default: not at all. */
  readonly failureTtlMs?: number;
  /** How many are remembered; beyond, the oldest is forgotten. Default 4096. */
  readonly size?: number;
}

interface Entry {
  readonly until: number;
  readonly found: AuthenticatedToken | undefined;
}

/**
 * Remembers whose tokens are, so that not every request costs a signature or a question to somebody else. Tokens that
 * say what they hang on are asked about that all the same. Tokens themselves are not kept, only digests under a key of
 * this process.
 */
export class TokenCache implements TokenAuthenticator {
  readonly #inner: TokenAuthenticator;
  readonly #clock: Clock;
  readonly #observer: TokenCacheObserver | undefined;
  readonly #ttlMs: number;
  readonly #failureTtlMs: number;
  readonly #size: number;
  readonly #key = randomBytes(32);
  readonly #entries = new Map<string, Entry>();
  readonly #pending = new Map<string, Promise<AuthenticatedToken | undefined>>();
  #epoch = 0;

  constructor(inner: TokenAuthenticator, options: TokenCacheOptions) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#ttlMs = options.ttlMs ?? 10_000;
    this.#failureTtlMs = options.failureTtlMs ?? 0;
    this.#size = options.size ?? 4096;
  }

  /** Forgets all, and what is being looked up when it comes. */
  clear(): void {
    this.#epoch++;
    this.#entries.clear();
    this.#pending.clear();
  }

  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const begun = this.#clock.now();
    const key = createHmac('sha256', this.#key)
      .update(audiences === undefined ? token : JSON.stringify([token, audiences]))
      .digest('base64');
    const entry = this.#entries.get(key);
    if (entry && begun < entry.until) {
      this.#observer?.answered('hit', 0);
      await entry.found?.recheck?.();
      return entry.found;
    }
    try {
      return await this.#once(key, token, audiences);
    } finally {
      this.#observer?.answered('miss', (this.#clock.now() - begun) / 1000);
    }
  }

  /** Who asks for what is being looked up waits for that. */
  async #once(key: string, token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const pending = this.#pending.get(key);
    const status = pending ? 'blocked' : 'in_flight';
    let asked: Promise<AuthenticatedToken | undefined> | undefined;
    this.#observer?.active(status, 1);
    try {
      if (pending) return await pending;
      asked = this.#fetch(key, token, audiences);
      this.#pending.set(key, asked);
      return await asked;
    } finally {
      if (asked !== undefined && this.#pending.get(key) === asked) this.#pending.delete(key);
      this.#observer?.active(status, -1);
    }
  }

  async #fetch(key: string, token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    let found: AuthenticatedToken | undefined;
    const epoch = this.#epoch;
    try {
      found = await this.#inner.authenticateToken(token, audiences);
    } catch (error) {
      this.#observer?.fetched('error');
      throw error;
    }
    this.#observer?.fetched('ok');
    if (epoch !== this.#epoch) return found;
    const now = this.#clock.now();
    const until = Math.min(
      now + (found ? this.#ttlMs : this.#failureTtlMs),
      found?.goodUntil ?? Number.POSITIVE_INFINITY,
    );
    this.#entries.delete(key);
    if (until > now) {
      const oldest = this.#entries.size >= this.#size ? this.#entries.keys().next().value : undefined;
      if (oldest !== undefined) this.#entries.delete(oldest);
      this.#entries.set(key, { until, found });
    }
    return found;
  }
}
