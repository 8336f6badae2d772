import type { Clock, PriorityLevelConfiguration } from '@keelson/core';
import type { Flow } from './flow-index.ts';
import { FlowRefusal } from './flow-refusal.ts';
import {
  type FlowSubject,
  type QueuedRequest,
  QueueSet,
  type QueueSetConfig,
  type RefusalReason,
} from './queue-set.ts';
import { SeatDemand, smoothed } from './seat-demand.ts';
import type { SeatBounds, SeatShare, SeatWish } from './seat-limits.ts';
import type { WorkEstimate } from './work-estimate.ts';

/** What happens in a level, for those who count it. Times are in milliseconds. */
export interface LevelObserver {
  arrived(flow: Flow, level: string, work: WorkEstimate): void;
  /** Of a level with queues. `length` of its queue counts the request itself. */
  joined(flow: Flow, level: string, length: number): void;
  queued(flow: Flow, level: string, seats: number): void;
  unqueued(flow: Flow, level: string, seats: number): void;
  /** `waited` is undefined where nobody ever waits. */
  started(flow: Flow, level: string, seats: number, waited: number | undefined): void;
  finished(flow: Flow, level: string, seats: number, took: number, watch: boolean): void;
  refused(flow: Flow, level: string, reason: RefusalReason, waited: number): void;
}

/** A seat in a level. Whoever got one says when it is done, once or more often. */
export interface Seat {
  finish(): void;
}

export interface LevelCounts {
  dispatched: number;
  refused: number;
  timedOut: number;
  cancelled: number;
}

/** How long a request may wait for its seat: a quarter of what a request may take. */
export const longestWaitMs = 15_000;

type Spec = PriorityLevelConfiguration['spec'];

/** One priority level at work: its queues, and what was asked of it lately. */
export class PriorityLevel {
  readonly name: string;
  readonly counts: LevelCounts = { dispatched: 0, refused: 0, timedOut: 0, cancelled: 0 };
  readonly #clock: Clock;
  readonly #observer: LevelObserver;
  readonly #demand: SeatDemand;
  readonly #set: QueueSet;
  readonly #waitMs: number;
  #spec: Spec;
  #uid: string;
  #bounds: SeatBounds = { nominal: 0, lower: 0, upper: 0 };
  #smoothed = 0;
  #last = { average: 0, deviation: 0, highest: 0 };
  #share: SeatShare = { target: 0, current: 0 };

  constructor(level: PriorityLevelConfiguration, clock: Clock, observer: LevelObserver, waitMs = longestWaitMs) {
    this.name = level.metadata.name ?? '';
    this.#clock = clock;
    this.#observer = observer;
    this.#waitMs = waitMs;
    this.#spec = level.spec;
    this.#uid = level.metadata.uid ?? '';
    this.#demand = new SeatDemand(clock.now());
    this.#set = new QueueSet(clock, configOf(level.spec), 0, (seats, now) => this.#demand.set(seats, now));
  }

  get uid(): string {
    return this.#uid;
  }
  get exempt(): boolean {
    return this.#spec?.type === 'Exempt';
  }
  get spec(): Spec {
    return this.#spec;
  }
  get bounds(): SeatBounds {
    return this.#bounds;
  }
  get share(): SeatShare {
    return this.#share;
  }
  get smoothed(): number {
    return this.#smoothed;
  }
  /** Of the last period. */
  get demand() {
    return this.#last;
  }
  get queues(): QueueSet {
    return this.#set;
  }
  get idle(): boolean {
    return this.#set.waiting === 0 && this.#set.executing.size === 0;
  }

  configure(level: PriorityLevelConfiguration, bounds: SeatBounds): void {
    this.#spec = level.spec;
    this.#uid = level.metadata.uid ?? '';
    this.#bounds = bounds;
    this.#set.configure(configOf(level.spec));
  }

  /** What was asked for since this was last asked, and what it may have. */
  wish(): SeatWish {
    this.#last = this.#demand.take(this.#clock.now());
    this.#smoothed = smoothed(this.#smoothed, this.#last);
    return { ...this.#bounds, exempt: this.exempt, highest: this.#last.highest, smoothed: this.#smoothed };
  }

  grant(share: SeatShare): void {
    this.#share = share;
    this.#set.setLimit(this.exempt ? Number.POSITIVE_INFINITY : share.current);
  }

  /** A seat, or a promise of one that rejects with `FlowRefusal`, or with the reason of the signal. Throws `FlowRefusal`. */
  enter(
    flow: Flow,
    distinguisher: string,
    work: WorkEstimate,
    subject: FlowSubject,
    signal: () => AbortSignal,
  ): Seat | Promise<Seat> {
    const { name } = this;
    this.#observer.arrived(flow, name, work);
    const request = this.#set.arrive(flow.name, distinguisher, work, subject);
    const watch = subject.info.verb === 'watch';
    if (typeof request === 'string') {
      this.counts.refused++;
      this.#observer.refused(flow, name, request, 0);
      throw new FlowRefusal(request);
    }
    if (request.queue) this.#observer.joined(flow, name, Math.max(1, request.queue.waiting.length));
    if (request.state !== 'waiting') return this.#seat(flow, request, watch);
    return this.#wait(flow, request, signal(), watch);
  }

  #seat(flow: Flow, request: QueuedRequest, watch: boolean): Seat {
    const { seats, started } = request;
    this.counts.dispatched++;
    this.#observer.started(flow, this.name, seats, this.exempt ? undefined : started - request.arrived);
    return {
      finish: () => {
        if (request.state !== 'executing') return;
        this.#set.finish(request);
        this.#observer.finished(flow, this.name, seats, this.#clock.now() - started, watch);
      },
    };
  }

  #wait(flow: Flow, request: QueuedRequest, signal: AbortSignal, watch: boolean): Promise<Seat> {
    const { name } = this;
    this.#observer.queued(flow, name, request.seats);
    return new Promise<Seat>((resolve, reject) => {
      const settle = () => {
        cancel();
        signal.removeEventListener('abort', onAbort);
        this.#observer.unqueued(flow, name, request.seats);
      };
      const leave = (reason: RefusalReason) => {
        if (!this.#set.remove(request)) return;
        settle();
        this.counts[reason === 'time-out' ? 'timedOut' : 'cancelled']++;
        this.#observer.refused(flow, name, reason, this.#clock.now() - request.arrived);
        reject(reason === 'time-out' ? new FlowRefusal(reason) : signal.reason);
      };
      const onAbort = () => leave('cancelled');
      const cancel = this.#clock.after(this.#waitMs, () => leave('time-out'));
      signal.addEventListener('abort', onAbort, { once: true });
      request.decided = () => {
        settle();
        resolve(this.#seat(flow, request, watch));
      };
      if (signal.aborted) onAbort();
    });
  }
}

const noQueues: QueueSetConfig = { queues: 0, handSize: 0, queueLengthLimit: 0 };

function configOf(spec: Spec): QueueSetConfig {
  if (spec?.type === 'Exempt') return noQueues;
  const { limitResponse } = spec?.limited ?? {};
  if (limitResponse?.type !== 'Queue') return noQueues;
  const { queues = 64, handSize = 8, queueLengthLimit = 50 } = limitResponse.queuing ?? {};
  return { queues, handSize, queueLengthLimit };
}
