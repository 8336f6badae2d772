import { setMaxListeners } from 'node:events';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { Subscription } from 'rxjs';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { type Clock, isStatusError, type ObjectKey, type Random } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { type WaitingKey, WorkQueue, type WorkQueueMetrics } from '../workqueue/index.ts';
import {
  type Controller,
  type Leadership,
  type ReconcileResult,
  RetryLaterError,
  type Sharding,
  TerminalError,
  type Trigger,
  type Watch,
} from './contract.ts';
import { OwnWrites } from './own-writes.ts';
import type { ObservedReconcile, ReconcileObserver } from './reconcile-observer.ts';
import { CauseBook, ReconcileRun } from './reconcile-run.ts';
import type { Cause, ReconcileTrace } from './trace.ts';
import type { TraceBuffer } from './trace-buffer.ts';

export interface ControllerEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** After so long a reconcile's signal is aborted. */
  readonly reconcileTimeoutMs: number;
  readonly traces: TraceBuffer;
  readonly observers: readonly ReconcileObserver[];
  /** In development: where a call comes from. */
  readonly place: (() => string | undefined) | undefined;
  /** Without it this process leads from the start. */
  readonly leadership?: Leadership;
  /** Without it every key is this process's. */
  readonly sharding?: Sharding;
}

/** Counters since the start; times in milliseconds. */
export interface ControllerMetrics {
  readonly synced: boolean;
  /** Whether keys are worked on; a standby only keeps its caches and its queue. */
  readonly leading: boolean;
  readonly concurrency: number;
  /** Reconciles under way. */
  readonly active: number;
  /** How long these run already, all together, and the one that began first. */
  readonly unfinishedMs: number;
  readonly longestUnfinishedMs: number;
  readonly reconciles: number;
  readonly errors: number;
  /** Errors after which a key is not tried again by itself. */
  readonly terminalErrors: number;
  readonly timeouts: number;
  readonly totalMs: number;
  readonly longestMs: number;
  readonly queue: WorkQueueMetrics;
}

const defaultConcurrency = 4;
/** Events of a key that is worked on, held until it is known which of them it caused; more mean that it runs again anyway. */
const mostHeld = 64;
/** Reconciles that wait for nothing would hold the event loop as long as there are keys: after so many others get a turn. */
const reconcilesPerTurn = 128;
/** A cache that is so long in seeing a write deserves a line in the log. */
const slowCacheMs = 10_000;

interface Subscribed {
  readonly watch: Watch;
  subscription: Subscription | undefined;
}

/** One controller with its queue and workers. */
export class RunningController {
  readonly name: string;
  readonly #controller: Controller;
  readonly #environment: ControllerEnvironment;
  readonly #logger: Logger;
  readonly #queue: WorkQueue<ObjectKey>;
  readonly #watches = new Set<Subscribed>();
  readonly #ownWrites: OwnWrites;
  readonly #causes: CauseBook;
  /** Before the start what waited at the predecessor; after the stop what waited here. */
  #handedOn: readonly WaitingKey<ObjectKey>[];
  readonly #active = new Map<ObjectKey, ReconcileRun>();
  /** Aborted at stop: no more waiting. */
  readonly #stopping = new AbortController();
  /** Aborted when the reconciles under way have had their time. */
  readonly #aborting = new AbortController();
  #workers: Promise<unknown> = Promise.resolve();
  #sinceTurn = 0;
  /** While others have their turn: all workers wait for it. */
  #turn: Promise<void> | undefined;
  #leaveSharding: () => void = () => undefined;
  #synced = false;
  #leading = false;
  #reconciles = 0;
  #errors = 0;
  #terminalErrors = 0;
  #timeouts = 0;
  #totalMs = 0;
  #longestMs = 0;

  /** @param predecessor stopped; its keys are worked on here, and its writes are waited for */
  constructor(controller: Controller, environment: ControllerEnvironment, predecessor?: RunningController) {
    this.name = controller.name;
    this.#controller = controller;
    this.#environment = environment;
    this.#logger = environment.logger.named(controller.name);
    const { backOff, concurrency } = controller;
    if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
      throw new RangeError(`controller "${this.name}": concurrency is a whole number from 1 on, not ${concurrency}`);
    }
    this.#queue = new WorkQueue<ObjectKey>({
      ...environment,
      ...(backOff && { firstBackOffMs: backOff.firstMs, longestBackOffMs: backOff.longestMs }),
      onRoom: () => this.#beginAnew(),
    });
    const before = predecessor ? predecessor.#ownWrites : undefined;
    this.#ownWrites = new OwnWrites(() => [...this.#watches].map((each) => each.watch), before);
    this.#causes = predecessor ? predecessor.#causes : new CauseBook();
    this.#handedOn = predecessor ? predecessor.#handedOn : [];
    setMaxListeners(0, this.#stopping.signal, this.#aborting.signal);
  }

  get metrics(): ControllerMetrics {
    const now = this.#environment.clock.now();
    const ages = [...this.#active.values()].map((each) => now - each.startedAt);
    return {
      active: ages.length,
      unfinishedMs: ages.reduce((sum, each) => sum + each, 0),
      longestUnfinishedMs: ages.reduce((longest, each) => Math.max(longest, each), 0),
      synced: this.#synced,
      leading: this.#leading,
      concurrency: this.#concurrency,
      reconciles: this.#reconciles,
      errors: this.#errors,
      terminalErrors: this.#terminalErrors,
      timeouts: this.#timeouts,
      totalMs: this.#totalMs,
      longestMs: this.#longestMs,
      queue: this.#queue.metrics,
    };
  }

  get #concurrency(): number {
    return this.#controller.concurrency ?? defaultConcurrency;
  }

  /** Takes in keys at once; works on them as soon as every informer has synced, while this process leads. */
  start(): void {
    this.#leaveSharding =
      this.#environment.sharding?.onGained((gained) => this.#beginAnew(gained)) ?? this.#leaveSharding;
    this.#queue.takeOver(this.#handedOn);
    this.#handedOn = [];
    for (const each of this.#controller.watches) this.addWatch(each);
    this.#workers = this.#run();
  }

  /** From now on the watch's keys are reconciled as well, those of what is there first; until the function returned is called. */
  addWatch(watch: Watch): () => void {
    const added: Subscribed = { watch, subscription: undefined };
    this.#watches.add(added);
    this.#subscribe(added, 0);
    return () => {
      this.#watches.delete(added);
      added.subscription?.unsubscribe();
    };
  }

  /** A key that waits for a retry or for the time it asked for is reconciled now; `false` where it does not wait. */
  hasten(key: ObjectKey): boolean {
    return this.#queue.hasten(key);
  }

  /** Takes no more keys; resolves when the reconciles under way have finished. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.name} is stopped`));
    this.#leaveSharding();
    for (const each of this.#watches) each.subscription?.unsubscribe();
    // What comes for keys that are worked on, and when these are to run again, is known when they have ended.
    if (!this.#aborting.signal.aborted) await Promise.race([this.#workers, aborted(this.#aborting.signal)]);
    this.#handedOn = this.#queue.waiting;
    this.#queue.shutDown();
    await this.#workers;
  }

  /** Aborts the reconciles under way. */
  abort(reason: unknown): void {
    this.#aborting.abort(reason);
  }

  /** @param matters which of the keys of what is there from the start */
  #subscribe(subscribed: Subscribed, failures: number, matters: (key: ObjectKey) => boolean = always): void {
    if (this.#stopping.signal.aborted || !this.#watches.has(subscribed)) return;
    const { watch } = subscribed;
    // What is there from the start must not keep waiting what changes now.
    let replaying = true;
    const subscription = watch.triggers$.subscribe({
      next: (trigger) => {
        if (!replaying || matters(trigger.key)) this.#triggered(trigger, watch, replaying);
      },
      error: (error: unknown) => {
        const waitMs = this.#queue.backOffMs(failures + 8);
        this.#logger.error('a watch failed and is taken up again', { watch: watch.name, waitMs, error });
        this.#environment.clock.after(waitMs, () => this.#subscribe(subscribed, failures + 1));
      },
    });
    replaying = false;
    subscribed.subscription = subscription;
  }

  /** Keys were refused, and there is room now, or they have come to this process: they are told once more. */
  #beginAnew(matters?: (key: ObjectKey) => boolean): void {
    for (const each of this.#watches) {
      each.subscription?.unsubscribe();
      this.#subscribe(each, 0, matters);
    }
  }

  #triggered(trigger: Trigger, watch: Watch, replaying: boolean): void {
    const { key, event } = trigger;
    if (this.#environment.sharding?.has(key) === false) return;
    const active = this.#active.get(key);
    // It has not read anything yet, and will see this.
    if (active?.catchingUp) return;
    if (active && !replaying && active.held.length < mostHeld) {
      active.held.push({ trigger, watch });
      return;
    }
    if (!replaying && event && this.#ownWrites.isEcho(key, event, watch)) return;
    this.#enqueue(trigger, watch, replaying || !watch.informer.synced ? 'low' : 'normal');
  }

  #enqueue({ key, event, priority }: Trigger, { name, informer, cluster }: Watch, usual: 'low' | 'normal'): void {
    if (!this.#queue.add(key, priority ?? usual)) return;
    const at = this.#environment.clock.now();
    if (!event) {
      this.#causes.note(key, { type: 'signal', watch: name, at });
      return;
    }
    const { resourceVersion } = event.object.metadata;
    this.#causes.note(key, {
      type: event.type,
      watch: name,
      kind: informer.type.kind,
      object: event.key,
      ...(cluster !== undefined && { cluster }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      at,
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await Promise.all(this.#controller.watches.map((each) => each.informer.waitForSync(signal)));
      this.#synced = true;
      const { leadership } = this.#environment;
      if (!leadership) return await this.#workAll(signal);
      while (!signal.aborted) {
        const lost = await leadership.lead(signal);
        const ended = leadership.acting?.();
        await this.#workAll(AbortSignal.any([signal, lost]), lost).finally(ended);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }

  /** @param lost aborts what is under way as well: somebody else may act by now */
  async #workAll(until: AbortSignal, lost?: AbortSignal): Promise<void> {
    this.#leading = true;
    setMaxListeners(0, until);
    try {
      await Promise.all(Array.from({ length: this.#concurrency }, () => this.#work(until, lost)));
    } finally {
      this.#leading = false;
    }
  }

  async #work(until: AbortSignal, lost: AbortSignal | undefined): Promise<void> {
    const { sharding } = this.#environment;
    for (let key = await this.#queue.get(until); key !== undefined; key = await this.#queue.get(until)) {
      await (sharding ? this.#workOnMine(key, sharding) : this.#reconcile(key, lost));
      this.#queue.done(key);
      this.#sinceTurn += 1;
      if (this.#sinceTurn === reconcilesPerTurn) {
        this.#sinceTurn = 0;
        this.#turn = turnOfEventLoop().then(() => {
          this.#turn = undefined;
        });
      }
      if (this.#turn) await this.#turn;
    }
  }

  async #workOnMine(key: ObjectKey, sharding: Sharding): Promise<void> {
    const share = sharding.enter(key);
    if (!share) {
      // It went to another process while it waited.
      this.#queue.forget(key);
      this.#causes.take(key, this.#environment.clock.now());
      return;
    }
    await this.#reconcile(key, share.lost).finally(() => share.done());
  }

  async #reconcile(key: ObjectKey, lost: AbortSignal | undefined): Promise<void> {
    const { clock, traces, observers, place } = this.#environment;
    const timeoutMs = this.#controller.reconcileTimeoutMs ?? this.#environment.reconcileTimeoutMs;
    const startedAt = clock.now();
    const abort = new AbortController();
    // A reconcile may well send fifty requests at once.
    setMaxListeners(0, abort.signal);
    const stop = () => abort.abort(this.#aborting.signal.aborted ? this.#aborting.signal.reason : lost?.reason);
    this.#aborting.signal.addEventListener('abort', stop, { once: true });
    lost?.addEventListener('abort', stop, { once: true });
    // Between the moment when the key was handed out and this one.
    if (lost?.aborted || this.#aborting.signal.aborted) stop();
    let timedOut = false;
    const cancelTimer = clock.after(timeoutMs, () => {
      timedOut = true;
      this.#timeouts += 1;
      abort.abort(new Error(`the reconcile did not end within ${timeoutMs} ms`));
    });
    const id = traces.nextId();
    const observed: ObservedReconcile[] = [];
    const run = new ReconcileRun({
      key,
      clock,
      signal: abort.signal,
      ownWrites: this.#ownWrites,
      startedAt,
      known: (type, of, cluster) => this.#known(type, of, cluster),
      wrote: (write) => traces.wrote(id, write),
      send: (act) => sentThrough(observed, act),
      place,
    });
    const causes = this.#causes.take(key, startedAt);
    const taken = this.#queue.taken(key);
    const begun = { id, controller: this.name, key, addedAt: taken?.addedAt ?? startedAt, startedAt };
    let outcome: ReconcileTrace['outcome'] = 'success';
    let failure: unknown;
    this.#active.set(key, run);
    try {
      for (const each of observers) observed.push(each.began(begun));
      await this.#catchUp(run, key);
      const act = async () => this.#controller.reconcile(key, run);
      const result = await observed.reduce<typeof act>((inner, each) => () => each.run(inner), act)();
      const requeueAfter = result && millisecondsOf(result);
      this.#queue.forget(key);
      if (requeueAfter !== undefined) {
        outcome = 'requeueAfter';
        this.#requeue(key, requeueAfter);
      }
    } catch (error) {
      failure = error;
      outcome = this.#failed(key, error, timedOut, lost);
    } finally {
      cancelTimer();
      this.#aborting.signal.removeEventListener('abort', stop);
      lost?.removeEventListener('abort', stop);
      this.#active.delete(key);
      this.#release(run, key, outcome);
      const tookMs = clock.now() - startedAt;
      this.#reconciles += 1;
      this.#totalMs += tookMs;
      this.#longestMs = Math.max(this.#longestMs, tookMs);
      const about = {
        id,
        controller: this.name,
        startedAt,
        outcome,
        failures: this.#queue.failures(key),
      };
      const first = causes.first.map((each) => this.#led(each));
      const failed = failure !== undefined && { error: failure };
      this.#tell(run.trace({ ...about, ...failed }, taken, { first, more: causes.more }), observed);
    }
  }

  /** Who only looks on must not keep the controller from its work. */
  #tell(trace: ReconcileTrace, observed: readonly ObservedReconcile[]): void {
    const told = [() => this.#environment.traces.add(trace), ...observed.map((each) => () => each.ended(trace))];
    for (const each of told) {
      try {
        each();
      } catch (error) {
        this.#logger.error('a reconcile could not be told of', { key: trace.key, error });
      }
    }
  }

  #known({ group, plural }: ResourceType, key: ObjectKey, cluster: string | undefined): KubernetesObject | undefined {
    for (const { watch } of this.#watches) {
      const { type, lister } = watch.informer;
      if (watch.cluster !== cluster || type.group !== group || type.plural !== plural) continue;
      const object = lister.get(key);
      if (object) return object;
    }
    return undefined;
  }

  /** With the reconcile that caused it, where it was one. */
  #led(cause: Cause): Cause {
    if (!('object' in cause)) return cause;
    const writtenBy = this.#environment.traces.writerOf(cause);
    return writtenBy === undefined ? cause : { ...cause, writtenBy };
  }

  /** Read your own writes: what this key's reconciles have written must be in the caches before the next one reads them. */
  async #catchUp(run: ReconcileRun, key: ObjectKey): Promise<void> {
    const { clock } = this.#environment;
    const from = clock.now();
    const cancelWarning = clock.after(slowCacheMs, () =>
      this.#logger.warn('a reconcile waits for the caches to see what the last one wrote', {
        key,
        failing: [...this.#watches]
          .filter(({ watch }) => watch.informer.health.phase === 'failing')
          .map((each) => each.watch.name),
      }),
    );
    try {
      run.signal.throwIfAborted();
      await this.#ownWrites.caughtUp(key, run.signal);
    } finally {
      cancelWarning();
      run.catchingUp = false;
      run.caughtUpMs = clock.now() - from;
    }
  }

  /** Events that came during the reconcile: those that tell of nothing but its own quiet writes cause no other one. */
  #release(run: ReconcileRun, key: ObjectKey, outcome: ReconcileTrace['outcome']): void {
    // One that failed runs again when its back-off is over: a status that says why must not cut that short.
    const settled = outcome !== 'aborted';
    for (const { trigger, watch } of run.held) {
      if (settled && trigger.event && this.#ownWrites.isEcho(key, trigger.event, watch)) run.echoes += 1;
      else this.#enqueue(trigger, watch, 'normal');
    }
  }

  #requeue(key: ObjectKey, afterMs: number): void {
    if (!this.#queue.addAfter(key, afterMs)) return;
    const at = this.#environment.clock.now();
    this.#causes.noteLater(key, { type: 'requeueAfter', at }, at + afterMs);
  }

  #failed(key: ObjectKey, error: unknown, timedOut: boolean, lost: AbortSignal | undefined): ReconcileTrace['outcome'] {
    if (this.#aborting.signal.aborted) return 'aborted';
    if (lost?.aborted) {
      // Whoever leads next begins with everything; so does this process, should it be that one.
      this.#queue.add(key);
      return 'aborted';
    }
    this.#errors += 1;
    const fields = { key, failures: this.#queue.failures(key) + 1, error };
    if (error instanceof TerminalError) {
      this.#terminalErrors += 1;
      this.#queue.forget(key);
      this.#logger.error('reconcile failed for good', fields);
      return 'terminal';
    }
    const later = error instanceof RetryLaterError && !Number.isNaN(error.afterMs);
    if (later) {
      this.#logger.warn('reconcile failed, and is tried again when it was asked to', fields);
      this.#queue.forget(key);
      this.#queue.addAfter(key, error.afterMs);
    } else this.#queue.retry(key);
    this.#causes.note(key, { type: 'retry', at: this.#environment.clock.now() });
    if (later) return 'error';
    // Written from a cache that was a moment behind: the event that is on its way sets it right.
    if (isStatusError(error, 'Conflict')) this.#logger.debug('reconcile met a newer version', fields);
    else this.#logger.error('reconcile failed', fields);
    return timedOut ? 'timeout' : 'error';
  }
}

function sentThrough<R>(observed: readonly ObservedReconcile[], act: () => Promise<R>): Promise<R> {
  return observed.reduce((inner, each) => (each.send ? () => each.send?.(inner) ?? inner() : inner), act)();
}

function millisecondsOf({ requeueAfter }: NonNullable<ReconcileResult>): number {
  if (typeof requeueAfter === 'number' && !Number.isNaN(requeueAfter)) return requeueAfter;
  throw new TypeError(`requeueAfter is a number of milliseconds, not ${String(requeueAfter)}`);
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

const always = () => true;
