import type { Clock } from '@keelson/core';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../registry/contract.ts';
import { dealHand } from './shuffle-sharding.ts';
import type { WorkEstimate } from './work-estimate.ts';

/** Why a request was not handled, in the words of Kubernetes' metrics. */
export type RefusalReason = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled';

export interface QueueSetConfig {
  /** 0: who finds no seat is refused. */
  readonly queues: number;
  readonly handSize: number;
  /** Requests that may wait in one queue. */
  readonly queueLengthLimit: number;
}

/** Who asks for what. */
export interface FlowSubject {
  readonly user: UserInfo;
  readonly info: RequestInfo;
}

/** A request on its way through a queue set. Only the queue set changes it. */
export interface QueuedRequest {
  readonly schema: string;
  readonly distinguisher: string;
  readonly subject: FlowSubject;
  readonly work: WorkEstimate;
  /** The most seats that it takes at once. */
  readonly seats: number;
  readonly arrived: number;
  state: 'waiting' | 'executing' | 'finishing' | 'done';
  started: number;
  queue: Queue | undefined;
  /** Tells who waits that it may go on. */
  decided: (() => void) | undefined;
}

export interface Queue {
  readonly index: number;
  /** In the order in which they came. */
  readonly waiting: QueuedRequest[];
  executing: number;
  /** Where in virtual time the oldest one that waits begins, in seat-milliseconds, were the guesses right. */
  virtualStart: number;
  /** Of those that execute: seats, the sum of seats by the time of their start, and what was guessed of them. */
  seatsBegun: number;
  begunAt: number;
  guessed: number;
  seatsWaiting: number;
  seatsInUse: number;
}

/** How long requests are thought to take before one knows, in milliseconds. */
const guessMs = 3;
/** What long lists may take of all seats: the rest is for what is soon done. */
const widePart = 0.75;
/** Virtual time is taken back to its origin before it grows so large that it becomes inexact. */
const rebaseAt = 1e12;

/**
 * The queues of one priority level and the seats that they share: fair queuing for server requests (KEP-1040). Virtual
 * time passes by as many seat-milliseconds as each queue that has anything to do would get were all served at once; the
 * next seat goes to the queue whose oldest request would there be done first. What a request really took is put right
 * when it is done.
 */
export class QueueSet {
  readonly #clock: Clock;
  /** Times are told from here on, lest products of them become inexact. */
  readonly #origin: number;
  readonly #changed: (seatsAsked: number, now: number) => void;
  #config: QueueSetConfig;
  #limit: number;
  /** Queues that have anything waiting or executing, by their index; an idle one has nothing to be known of. */
  readonly #busy = new Map<number, Queue>();
  readonly #executing = new Set<QueuedRequest>();
  #virtualTime = 0;
  #advanced: number;
  #waiting = 0;
  #seatsWaiting = 0;
  #seatsInUse = 0;
  /** Of those, what long lists have. */
  #wideInUse = 0;
  #robin = 0;

  /** @param changed is told how many seats are asked for, waiting and in use, whenever that changes */
  constructor(
    clock: Clock,
    config: QueueSetConfig,
    limit: number,
    changed: (seatsAsked: number, now: number) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#config = config;
    this.#limit = limit;
    this.#changed = changed;
    this.#origin = clock.now();
    this.#advanced = this.#origin;
  }

  get waiting(): number {
    return this.#waiting;
  }
  /** Those whose seats are taken, answered or not. */
  get executing(): ReadonlySet<QueuedRequest> {
    return this.#executing;
  }
  get seatsInUse(): number {
    return this.#seatsInUse;
  }
  get seatsWaiting(): number {
    return this.#seatsWaiting;
  }
  get limit(): number {
    return this.#limit;
  }
  /** In seat-milliseconds. */
  get virtualTime(): number {
    return this.#virtualTime;
  }
  get config(): QueueSetConfig {
    return this.#config;
  }
  /** Those that have anything to do, by their index. */
  get queues(): ReadonlyMap<number, Queue> {
    return this.#busy;
  }

  /** Queues that are no more go on until they are empty. */
  configure(config: QueueSetConfig): void {
    this.#config = config;
  }

  setLimit(limit: number): void {
    this.#advance(this.#clock.now());
    this.#limit = limit;
    this.#dispatch();
  }

  /**
   * Takes a request in. `executing`: it may go on, and `finish` must be told when it is done; `waiting`: `decided` is
   * going to be called; otherwise why it is refused.
   */
  arrive(
    schema: string,
    distinguisher: string,
    work: WorkEstimate,
    subject: FlowSubject,
  ): QueuedRequest | RefusalReason {
    const now = this.#clock.now();
    this.#advance(now);
    const seats = Math.max(work.initialSeats, work.finalSeats);
    const request: QueuedRequest = {
      schema,
      distinguisher,
      subject,
      work,
      seats,
      arrived: now,
      state: 'waiting',
      started: now,
      queue: undefined,
      decided: undefined,
    };
    if (this.#config.queues === 0) {
      if (!this.#fits(request)) return 'concurrency-limit';
      this.#start(request, now);
      return request;
    }
    const queue = this.#choose(schema, distinguisher);
    if (queue.waiting.length >= this.#config.queueLengthLimit && !(this.#waiting === 0 && this.#fits(request))) {
      return 'queue-full';
    }
    request.queue = queue;
    this.#busy.set(queue.index, queue);
    if (this.#waiting === 0 && this.#fits(request)) {
      this.#start(request, now);
      return request;
    }
    queue.waiting.push(request);
    queue.seatsWaiting += seats;
    this.#waiting++;
    this.#seatsWaiting += seats;
    this.#changed(this.#seatsInUse + this.#seatsWaiting, now);
    this.#dispatch();
    return request;
  }

  /** Takes a request that waits away; false if it does not wait any more. */
  remove(request: QueuedRequest): boolean {
    if (request.state !== 'waiting' || !request.queue) return false;
    const now = this.#clock.now();
    this.#advance(now);
    const { queue } = request;
    const at = queue.waiting.indexOf(request);
    if (at < 0) return false;
    queue.waiting.splice(at, 1);
    this.#leftWaiting(request, queue);
    request.state = 'done';
    this.#rest(queue);
    this.#changed(this.#seatsInUse + this.#seatsWaiting, now);
    // What stood behind a wide one may fit.
    this.#dispatch();
    return true;
  }

  /** The request has been answered; its seats are free now, or when the events of what it wrote are sent. */
  finish(request: QueuedRequest): void {
    if (request.state !== 'executing') return;
    const now = this.#clock.now();
    const { finalSeats, additionalMs } = request.work;
    if (additionalMs <= 0 || finalSeats === 0) {
      this.#release(request, now, now);
      return;
    }
    request.state = 'finishing';
    this.#advance(now);
    const freed = request.seats - finalSeats;
    if (freed > 0) {
      this.#seatsInUse -= freed;
      if (isWide(request.work)) this.#wideInUse -= freed;
      if (request.queue) request.queue.seatsInUse -= freed;
    }
    this.#clock.after(additionalMs, () => this.#release(request, this.#clock.now(), now));
    if (freed > 0) this.#dispatch();
  }

  #release(request: QueuedRequest, now: number, answered: number): void {
    this.#advance(now);
    const { queue, work, seats } = request;
    const held = request.state === 'finishing' ? Math.min(seats, work.finalSeats) : seats;
    request.state = 'done';
    this.#executing.delete(request);
    this.#seatsInUse -= held;
    if (isWide(work)) this.#wideInUse -= held;
    if (queue) {
      queue.executing--;
      queue.seatsInUse -= held;
      const took = work.initialSeats * (answered - request.started) + work.finalSeats * work.additionalMs;
      queue.virtualStart += took - guess(work);
      queue.guessed -= guess(work);
      queue.seatsBegun -= work.initialSeats;
      queue.begunAt -= work.initialSeats * (request.started - this.#origin);
      this.#rest(queue);
    }
    this.#changed(this.#seatsInUse + this.#seatsWaiting, now);
    this.#dispatch();
  }

  /** Whether a request has to wait for others that are wide, and for no one else. */
  #tooWide({ work, seats }: QueuedRequest): boolean {
    return isWide(work) && this.#wideInUse > 0 && this.#wideInUse + seats > this.#limit * widePart;
  }

  #fits(request: QueuedRequest): boolean {
    if (this.#tooWide(request)) return false;
    const { seats } = request;
    // What is wider than all there is has to have a turn too.
    return this.#seatsInUse + seats <= this.#limit || this.#executing.size === 0;
  }

  /** Of the flow's hand the queue with the least to do. */
  #choose(schema: string, distinguisher: string): Queue {
    const { queues, handSize } = this.#config;
    let best: Queue | undefined;
    for (const index of dealHand(schema, distinguisher, queues, handSize)) {
      const queue = this.#queue(index);
      if (!best || load(queue) < load(best)) best = queue;
    }
    return best ?? this.#queue(0);
  }

  #queue(index: number): Queue {
    return this.#busy.get(index) ?? newQueue(index, this.#virtualTime);
  }

  #start(request: QueuedRequest, now: number): void {
    request.state = 'executing';
    request.started = now;
    this.#executing.add(request);
    this.#seatsInUse += request.seats;
    if (isWide(request.work)) this.#wideInUse += request.seats;
    const { queue } = request;
    if (queue) {
      queue.executing++;
      queue.seatsInUse += request.seats;
      const guessed = guess(request.work);
      queue.virtualStart += guessed;
      queue.guessed += guessed;
      queue.seatsBegun += request.work.initialSeats;
      queue.begunAt += request.work.initialSeats * (now - this.#origin);
      this.#robin = queue.index + 1;
    }
    this.#changed(this.#seatsInUse + this.#seatsWaiting, now);
  }

  #dispatch(): void {
    const now = this.#clock.now();
    while (this.#waiting > 0) {
      let queue = this.#next(now, false);
      if (queue?.waiting[0] && this.#tooWide(queue.waiting[0])) queue = this.#next(now, true);
      const [request] = queue?.waiting ?? [];
      // Nobody else passes by: a wide request that waits for its seats would starve.
      if (!queue || !request || !this.#fits(request)) return;
      queue.waiting.shift();
      this.#leftWaiting(request, queue);
      this.#start(request, now);
      request.decided?.();
    }
  }

  /** The queue whose oldest request would be done first in virtual time; among equals the next in the round. */
  #next(now: number, narrow: boolean): Queue | undefined {
    let best: Queue | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    let bestTurn = 0;
    for (const queue of this.#busy.values()) {
      const [oldest] = queue.waiting;
      if (!oldest || (narrow && isWide(oldest.work))) continue;
      const done = startOf(queue, now - this.#origin) + guess(oldest.work);
      const turn = queue.index >= this.#robin ? queue.index - this.#robin : queue.index + 1e6;
      if (done > soonest || (done === soonest && turn >= bestTurn)) continue;
      best = queue;
      soonest = done;
      bestTurn = turn;
    }
    return best;
  }

  #leftWaiting(request: QueuedRequest, queue: Queue): void {
    queue.seatsWaiting -= request.seats;
    this.#waiting--;
    this.#seatsWaiting -= request.seats;
  }

  #rest(queue: Queue): void {
    if (queue.waiting.length === 0 && queue.executing === 0) this.#busy.delete(queue.index);
  }

  #advance(now: number): void {
    const passed = Math.max(0, now - this.#advanced);
    this.#advanced = now;
    if (passed === 0 || this.#busy.size === 0) return;
    this.#virtualTime +=
      (passed * Math.min(this.#seatsInUse + this.#seatsWaiting, Math.max(1, this.#limit))) / this.#busy.size;
    if (this.#virtualTime < rebaseAt) return;
    for (const queue of this.#busy.values()) queue.virtualStart -= this.#virtualTime;
    this.#virtualTime = 0;
  }
}

/**
 * Where a queue stands in virtual time. What executes for longer than was guessed counts for as long as it does: else a
 * flow of long requests would seem to have had nothing until they are done, and go before everybody else.
 */
const startOf = ({ virtualStart, seatsBegun, begunAt, guessed }: Queue, now: number) =>
  virtualStart + Math.max(0, seatsBegun * now - begunAt - guessed);

const isWide = ({ initialSeats }: WorkEstimate) => initialSeats > 1;

const newQueue = (index: number, virtualStart: number): Queue => ({
  index,
  waiting: [],
  executing: 0,
  virtualStart,
  seatsBegun: 0,
  begunAt: 0,
  guessed: 0,
  seatsWaiting: 0,
  seatsInUse: 0,
});

const load = ({ seatsWaiting, seatsInUse }: Queue) => seatsWaiting + seatsInUse;

const guess = ({ initialSeats, finalSeats, additionalMs }: WorkEstimate) =>
  initialSeats * guessMs + finalSeats * additionalMs;
