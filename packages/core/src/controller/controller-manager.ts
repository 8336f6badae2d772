import type { Clock, ObjectKey, Random } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { placeOfCall } from './call-place.ts';
import type { Controller, Leadership, Sharding, Watch } from './contract.ts';
import type { ReconcileObserver } from './reconcile-observer.ts';
import { type ControllerMetrics, RunningController } from './running-controller.ts';
import { TraceBuffer } from './trace-buffer.ts';

/** What a manager of controllers runs, and with which time and chance. */
export interface ControllerManagerOptions {
  readonly controllers: readonly Controller[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default 2 minutes. */
  readonly reconcileTimeoutMs?: number;
  /** Where every reconcile is noted; default: a buffer of the last thousand. */
  readonly traces?: TraceBuffer;
  /** Who may reconcile, where several processes run the same controllers; default: this one. */
  readonly leadership?: Leadership;
  /** Which keys this process works on, where several share them; default: all. */
  readonly sharding?: Sharding;
  /**
   * A manager that was stopped, and whose place this one takes over living caches, with other code: what waited there
   * waits here, for the controller of the same name; its writes are waited for; its traces go on.
   */
  readonly predecessor?: ControllerManager;
  /** They follow each reconcile while it runs. */
  readonly observers?: readonly ReconcileObserver[];
  /** Notes in traces which line of code reads and writes, which takes time. Default `false`. */
  readonly lines?: boolean;
}

/**
 * Runs controllers: each waits for its informers, then works on its keys with `concurrency` workers, never twice at
 * once on one key. A reconcile that throws is tried again after 5 ms, 10 ms … 1,000 s. Without leadership caches and
 * queues are kept up, ready to go on.
 */
export class ControllerManager {
  readonly traces: TraceBuffer;
  readonly #running: ReadonlyMap<string, RunningController>;
  #started = false;

  /** @throws Error when two controllers have one name */
  constructor({
    controllers,
    reconcileTimeoutMs = 120_000,
    predecessor,
    traces = new TraceBuffer(undefined, predecessor?.traces),
    observers = [],
    lines = false,
    ...environment
  }: ControllerManagerOptions) {
    this.traces = traces;
    const place = lines ? placeOfCall : undefined;
    const running = new Map<string, RunningController>();
    for (const each of controllers) {
      if (running.has(each.name)) throw new Error(`there are two controllers with the name "${each.name}"`);
      const options = { ...environment, reconcileTimeoutMs, traces, observers, place };
      const before = predecessor ? predecessor.#running.get(each.name) : undefined;
      running.set(each.name, new RunningController(each, options, before));
    }
    this.#running = running;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const each of this.#running.values()) each.start();
  }

  /**
   * From now on the watch's keys are reconciled by the controller as well, until the function returned is called.
   * @throws Error when there is no controller of that name
   */
  addWatch(controller: string, watch: Watch): () => void {
    const running = this.#running.get(controller);
    if (!running) {
      throw new Error(`there is no controller "${controller}"; there are ${[...this.#running.keys()].join(', ')}`);
    }
    return running.addWatch(watch);
  }

  /**
   * A key that waits for a retry or for the time it asked for is reconciled now. `false` where it does not wait, or there
   * is no such controller.
   */
  hasten(controller: string, key: ObjectKey): boolean {
    return this.#running.get(controller)?.hasten(key) ?? false;
  }

  /** Takes no more keys; reconciles under way may finish until `signal` is aborted. */
  async stop(signal: AbortSignal): Promise<void> {
    const abort = () => {
      for (const each of this.#running.values()) each.abort(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.all([...this.#running.values()].map((each) => each.stop()));
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** By controller. */
  get metrics(): Readonly<Record<string, ControllerMetrics>> {
    return Object.fromEntries([...this.#running].map(([name, each]) => [name, each.metrics]));
  }
}
