import { type Clock, StatusError } from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';
import type { RequestInfo } from './request-info.ts';

export type RequestKind = 'readOnly' | 'mutating';

export interface GateLimits {
  /** Handled at once. Default 400, as Kubernetes' `--max-requests-inflight`. */
  readonly readOnly: number;
  /** Default 200, as `--max-mutating-requests-inflight`. */
  readonly mutating: number;
  /** How many of a kind may wait for their turn. Default 2000. */
  readonly waiting: number;
  /** How long one may wait, in milliseconds. Default 15 s, a quarter of what a request may take. */
  readonly waitMs: number;
}

const defaultLimits: GateLimits = { readOnly: 400, mutating: 200, waiting: 2000, waitMs: 15_000 };

interface Lane {
  inside: number;
  readonly most: number;
  /** In the order in which they came. */
  readonly waiting: Set<() => void>;
}

/** Lets in so many requests at once; further ones wait for their turn, and too many or too long ones are sent away. */
export class RequestGate {
  readonly #clock: Clock;
  readonly #limits: GateLimits;
  readonly #lanes: Readonly<Record<RequestKind, Lane>>;

  constructor(clock: Clock, limits: Partial<GateLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...defaultLimits, ...limits };
    const lane = (most: number): Lane => ({ inside: 0, most, waiting: new Set() });
    this.#lanes = { readOnly: lane(this.#limits.readOnly), mutating: lane(this.#limits.mutating) };
  }

  /** How many of a kind wait for their turn. */
  waiting(kind: RequestKind): number {
    return this.#lanes[kind].waiting.size;
  }

  /** Whether a request may go on at once; if so, `leave` must be called when it has been answered. */
  tryEnter(kind: RequestKind): boolean {
    const lane = this.#lanes[kind];
    if (lane.inside >= lane.most) return false;
    lane.inside++;
    return true;
  }

  /** Waits for a turn. Rejects with 429, or with the reason of `signal`. */
  async enter(kind: RequestKind, signal: AbortSignal): Promise<void> {
    const lane = this.#lanes[kind];
    if (lane.waiting.size >= this.#limits.waiting) throw tooMany();
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const settle = (outcome: () => void) => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        lane.waiting.delete(turn);
        outcome();
      };
      const turn = () => settle(resolve);
      const onAbort = () => settle(() => reject(signal.reason));
      const cancel = this.#clock.after(this.#limits.waitMs, () => settle(() => reject(tooMany())));
      signal.addEventListener('abort', onAbort, { once: true });
      lane.waiting.add(turn);
    });
  }

  /** Gives the turn to who waits longest. */
  leave(kind: RequestKind): void {
    const lane = this.#lanes[kind];
    const [next] = lane.waiting;
    if (next) next();
    else lane.inside--;
  }
}

const tooMany = () =>
  StatusError.of(429, 'TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });

const mastersGroup = 'system:masters';
const probes = /^\/(?:healthz|livez|readyz)(?:\/|$)/;
const readOnly: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options']);

/**
 * As which kind a request counts. `undefined`: not at all, as of Kubernetes' exempt priority level: administrators and
 * probes; and what stays open for long.
 */
export function kindOf(user: UserInfo, info: RequestInfo, stays: boolean): RequestKind | undefined {
  if (stays || user.groups.includes(mastersGroup) || (!info.isResource && probes.test(info.path))) return undefined;
  return readOnly.has(info.verb) ? 'readOnly' : 'mutating';
}
