import { setMaxListeners } from 'node:events';
import { hintFor } from '../client/index.ts';
import { type Clock, messageOf } from '../machinery/index.ts';
import { type Lifecycle, type Logger, phases } from '../plugin/index.ts';
import { HostError } from './registration.ts';

/** A lifecycle and the plugin that it came from. */
export interface OwnedLifecycle {
  readonly plugin: string;
  readonly lifecycle: Lifecycle;
}

const defaultStartDeadlineMs = 30_000;
const defaultStopDeadlineMs = 10_000;

/** Starts lifecycles by phase, then by order; stops in reverse whatever `start` was called on. */
export class LifecycleRunner {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #begun: OwnedLifecycle[] = [];

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Rejects at the first that fails, with the plugin's name; what was started is left for `stop`. */
  async start(lifecycles: readonly OwnedLifecycle[], signal: AbortSignal): Promise<void> {
    const order = lifecycles.toSorted(
      (left, right) => phases.indexOf(left.lifecycle.phase) - phases.indexOf(right.lifecycle.phase),
    );
    for (const each of order) {
      signal.throwIfAborted();
      this.#begun.push(each);
      const { lifecycle, plugin } = each;
      const began = this.#clock.now();
      try {
        await this.#withDeadline(
          (inner) => lifecycle.start(inner),
          lifecycle.startDeadlineMs ?? defaultStartDeadlineMs,
          'start',
          signal,
        );
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        const hint = hintFor(error);
        const why = hint === undefined ? messageOf(error) : `${messageOf(error)} (${hint})`;
        throw new HostError(`plugin "${plugin}": ${lifecycle.name} did not start: ${why}`, { cause: error });
      }
      this.#logger.debug(`${lifecycle.name} is up`, {
        plugin,
        phase: lifecycle.phase,
        tookMs: this.#clock.now() - began,
      });
    }
  }

  /** Stops everything, also when one of them fails; the failures are logged and returned. */
  async stop(): Promise<readonly Error[]> {
    const errors: Error[] = [];
    for (let each = this.#begun.pop(); each; each = this.#begun.pop()) {
      const { lifecycle, plugin } = each;
      if (!lifecycle.stop) continue;
      const began = this.#clock.now();
      try {
        await this.#withDeadline(
          async (signal) => lifecycle.stop?.(signal),
          lifecycle.stopDeadlineMs ?? defaultStopDeadlineMs,
          'stop',
        );
        this.#logger.debug(`${lifecycle.name} is down`, { plugin, tookMs: this.#clock.now() - began });
      } catch (error) {
        this.#logger.error(`${lifecycle.name} did not stop`, { plugin, error });
        errors.push(
          new HostError(`plugin "${plugin}": ${lifecycle.name} did not stop: ${messageOf(error)}`, { cause: error }),
        );
      }
    }
    return errors;
  }

  async #withDeadline(
    act: (signal: AbortSignal) => Promise<void>,
    ms: number,
    what: string,
    outer?: AbortSignal,
  ): Promise<void> {
    const abort = new AbortController();
    setMaxListeners(0, abort.signal);
    const follow = () => abort.abort(outer?.reason);
    outer?.addEventListener('abort', follow, { once: true });
    const cancelTimer = this.#clock.after(ms, () => abort.abort(new Error(`no ${what} within ${ms / 1_000} s`)));
    let leave: () => void = () => undefined;
    // An act that ignores its signal must not hold up the others for ever.
    const aborted = new Promise<never>((_, reject) => {
      leave = () => reject(abort.signal.reason);
      abort.signal.addEventListener('abort', leave, { once: true });
    });
    try {
      await Promise.race([act(abort.signal), aborted]);
    } finally {
      cancelTimer();
      abort.signal.removeEventListener('abort', leave);
      outer?.removeEventListener('abort', follow);
    }
  }
}
