import type { Clock, Random } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { Controller } from './contract.ts';
import { type ControllerMetrics, RunningController } from './running-controller.ts';

export interface ControllerManagerOptions {
  readonly controllers: readonly Controller[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default 2 minutes. */
  readonly reconcileTimeoutMs?: number;
}

/**
 * Runs controllers: each waits for its informers, then works on its keys with `concurrency` workers, never twice at
 * once on one key. A reconcile that throws is tried again after 5 ms, 10 ms … 1,000 s.
 */
export class ControllerManager {
  readonly #running: readonly RunningController[];
  #started = false;

  /** @throws Error when two controllers have one name */
  constructor({ controllers, reconcileTimeoutMs = 120_000, ...environment }: ControllerManagerOptions) {
    const names = new Set<string>();
    for (const { name } of controllers) {
      if (names.has(name)) throw new Error(`there are two controllers with the name "${name}"`);
      names.add(name);
    }
    this.#running = controllers.map((each) => new RunningController(each, { ...environment, reconcileTimeoutMs }));
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const each of this.#running) each.start();
  }

  /** Takes no more keys; reconciles under way may finish until `signal` is aborted. */
  async stop(signal: AbortSignal): Promise<void> {
    const abort = () => {
      for (const each of this.#running) each.abort(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.all(this.#running.map((each) => each.stop()));
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** By controller. */
  get metrics(): Readonly<Record<string, ControllerMetrics>> {
    return Object.fromEntries(this.#running.map((each) => [each.name, each.metrics]));
  }
}
