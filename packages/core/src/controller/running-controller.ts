import { setMaxListeners } from 'node:events';
import type { Subscription } from 'rxjs';
import type { Clock, Random } from '../machinery/index.ts';
import { isStatusError, type ObjectKey } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { WorkQueue, type WorkQueueMetrics } from '../workqueue/index.ts';
import type { Controller, Watch } from './contract.ts';

export interface ControllerEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** After so long a reconcile's signal is aborted. */
  readonly reconcileTimeoutMs: number;
}

/** Counters since the start; times in milliseconds. */
export interface ControllerMetrics {
  readonly synced: boolean;
  readonly reconciles: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly totalMs: number;
  readonly longestMs: number;
  readonly queue: WorkQueueMetrics;
}

const defaultConcurrency = 4;

/** One controller with its queue and workers. */
export class RunningController {
  readonly name: string;
  readonly #controller: Controller;
  readonly #environment: ControllerEnvironment;
  readonly #logger: Logger;
  readonly #queue: WorkQueue<ObjectKey>;
  readonly #subscriptions = new Set<Subscription>();
  /** Aborted at stop: no more waiting. */
  readonly #stopping = new AbortController();
  /** Aborted when the reconciles under way have had their time. */
  readonly #aborting = new AbortController();
  #workers: Promise<unknown> = Promise.resolve();
  #synced = false;
  #reconciles = 0;
  #errors = 0;
  #timeouts = 0;
  #totalMs = 0;
  #longestMs = 0;

  constructor(controller: Controller, environment: ControllerEnvironment) {
    this.name = controller.name;
    this.#controller = controller;
    this.#environment = environment;
    this.#logger = environment.logger.named(controller.name);
    this.#queue = new WorkQueue<ObjectKey>(environment);
    setMaxListeners(0, this.#stopping.signal, this.#aborting.signal);
  }

  get metrics(): ControllerMetrics {
    return {
      synced: this.#synced,
      reconciles: this.#reconciles,
      errors: this.#errors,
      timeouts: this.#timeouts,
      totalMs: this.#totalMs,
      longestMs: this.#longestMs,
      queue: this.#queue.metrics,
    };
  }

  /** Takes in keys at once; works on them as soon as every informer has synced. */
  start(): void {
    for (const each of this.#controller.watches) this.#subscribe(each, 0);
    this.#workers = this.#run();
  }

  /** Takes no more keys; resolves when the reconciles under way have finished. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.name} is stopped`));
    for (const each of this.#subscriptions) each.unsubscribe();
    this.#queue.shutDown();
    await this.#workers;
  }

  /** Aborts the reconciles under way. */
  abort(reason: unknown): void {
    this.#aborting.abort(reason);
  }

  #subscribe(source: Watch, failures: number): void {
    if (this.#stopping.signal.aborted) return;
    // What is there from the start must not keep waiting what changes now.
    let replaying = true;
    const subscription = source.keys$.subscribe({
      next: (key) => this.#queue.add(key, replaying || !source.informer.synced ? 'low' : 'normal'),
      error: (error: unknown) => {
        const waitMs = this.#queue.backOffMs(failures + 8);
        this.#logger.error('a watch failed and is taken up again', {
          resource: source.informer.type.plural,
          waitMs,
          error,
        });
        this.#environment.clock.after(waitMs, () => this.#subscribe(source, failures + 1));
      },
    });
    replaying = false;
    subscription.add(() => this.#subscriptions.delete(subscription));
    if (!subscription.closed) this.#subscriptions.add(subscription);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await Promise.all(this.#controller.watches.map((each) => each.informer.waitForSync(signal)));
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.#synced = true;
    const workers = Array.from({ length: this.#controller.concurrency ?? defaultConcurrency }, () => this.#work());
    await Promise.all(workers);
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.get(); key !== undefined; key = await this.#queue.get()) {
      await this.#reconcile(key);
      this.#queue.done(key);
    }
  }

  async #reconcile(key: ObjectKey): Promise<void> {
    const { clock, reconcileTimeoutMs } = this.#environment;
    const started = clock.now();
    const abort = new AbortController();
    // A reconcile may well send fifty requests at once.
    setMaxListeners(0, abort.signal);
    const stop = () => abort.abort(this.#aborting.signal.reason);
    this.#aborting.signal.addEventListener('abort', stop, { once: true });
    const cancelTimer = clock.after(reconcileTimeoutMs, () => {
      this.#timeouts += 1;
      abort.abort(new Error(`the reconcile did not end within ${reconcileTimeoutMs} ms`));
    });
    try {
      const result = await this.#controller.reconcile(key, { signal: abort.signal });
      this.#queue.forget(key);
      if (result) this.#queue.addAfter(key, result.requeueAfter);
    } catch (error) {
      this.#failed(key, error);
    } finally {
      cancelTimer();
      this.#aborting.signal.removeEventListener('abort', stop);
      const tookMs = clock.now() - started;
      this.#reconciles += 1;
      this.#totalMs += tookMs;
      this.#longestMs = Math.max(this.#longestMs, tookMs);
    }
  }

  #failed(key: ObjectKey, error: unknown): void {
    if (this.#aborting.signal.aborted) return;
    this.#errors += 1;
    this.#queue.retry(key);
    const fields = { key, failures: this.#queue.failures(key), error };
    // Written from a cache that was a moment behind: the event that is on its way sets it right.
    if (isStatusError(error, 'Conflict')) this.#logger.debug('reconcile met a newer version', fields);
    else this.#logger.error('reconcile failed', fields);
  }
}
