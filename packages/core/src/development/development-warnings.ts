import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { BegunReconcile, ObservedReconcile, ReconcileObserver, ReconcileTrace } from '../controller/index.ts';
import type { CacheReads, Lister, ReadObserver } from '../informer/index.ts';
import { AsyncScope, type Clock } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { TurnWatch } from './blocked-loop.ts';
import { CacheUse } from './cache-use.ts';
import { HotLoops } from './hot-loop.ts';
import { NoOpWrites, singleReads } from './trace-warnings.ts';
import type { DevelopmentWarning } from './warning.ts';

export interface DevelopmentWarningsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
}

interface Running {
  /** Turns of the event loop that took too long, in milliseconds, and when they ended. */
  readonly blocked: { readonly ms: number; readonly at: number }[];
}

const mostWarnings = 200;
const mostBlocked = 16;
/** Caches are looked at so often; in milliseconds. */
const judgeEveryMs = 10_000;

/**
 * Looks on while reconciles run, and tells of mistakes that work: loops that feed themselves, writes that change nothing,
 * reads one by one, caches of which nothing is read, a blocked event loop. Each place once, with what to do.
 */
export class DevelopmentWarnings implements ReconcileObserver, CacheReads {
  readonly #options: DevelopmentWarningsOptions;
  readonly #found = new Map<string, DevelopmentWarning>();
  readonly #running = new AsyncScope<Running | undefined>();
  readonly #hotLoops = new HotLoops();
  readonly #noOps = new NoOpWrites();
  readonly #caches = new CacheUse();
  readonly #cachedKinds = new Set<string>();
  readonly #turns = new TurnWatch((ms) => this.#tooLong(this.#running.current, ms));
  #active = 0;
  #judgedAt = 0;

  constructor(options: DevelopmentWarningsOptions) {
    this.#options = options;
  }

  /** What was found, in order; at most 200. */
  list(): readonly DevelopmentWarning[] {
    return [...this.#found.values()];
  }

  observe({ type, lister }: { readonly type: ResourceType; readonly lister: Lister<KubernetesObject> }): ReadObserver {
    this.#cachedKinds.add(type.kind);
    const read = this.#caches.add(type, lister);
    // What the SDK itself does to begin, such as telling everything to a new watch, is no use of a cache.
    return (objects) => {
      if (this.#running.current) read(objects);
    };
  }

  began(_: BegunReconcile): ObservedReconcile {
    const running: Running = { blocked: [] };
    if (this.#active++ === 0) this.#turns.start();
    return {
      run: (act) =>
        this.#turns.measured(
          () => this.#running.run(running, act),
          (ms) => this.#tooLong(running, ms),
        ),
      // Whoever answers in the same process does not do the reconcile's work.
      send: (act) => this.#turns.excluded(() => this.#running.run(undefined, act)),
      ended: (trace) => {
        if (--this.#active === 0) this.#turns.stop();
        this.#ended(trace, running);
      },
    };
  }

  #tooLong(running: Running | undefined, ms: number): void {
    if (running && running.blocked.length < mostBlocked) {
      running.blocked.push({ ms, at: this.#options.clock.now() });
    }
  }

  #ended(trace: ReconcileTrace, { blocked }: Running): void {
    const loop = this.#hotLoops.add(trace);
    if (loop) this.#tell(loop);
    for (const each of this.#noOps.add(trace)) this.#tell(each);
    for (const each of singleReads(trace, (kind) => this.#cachedKinds.has(kind))) this.#tell(each);
    for (const { ms, at } of blocked) this.#tell(blockedWarning(trace, ms, at));
    const now = this.#options.clock.now();
    if (now - this.#judgedAt < judgeEveryMs) return;
    this.#judgedAt = now;
    for (const each of this.#caches.judge(now)) this.#tell(each);
  }

  #tell(warning: DevelopmentWarning): void {
    const { kind, place, message, advice } = warning;
    const id = `${kind}\n${place}`;
    if (this.#found.has(id) || this.#found.size >= mostWarnings) return;
    this.#found.set(id, warning);
    this.#options.logger.warn(`${message}. ${advice[0]?.toUpperCase()}${advice.slice(1)}.`, { kind, place });
  }
}

/** Which code it was cannot be told, only after and before which calls. */
function blockedWarning(
  { controller, key, reads, writes }: ReconcileTrace,
  ms: number,
  at: number,
): DevelopmentWarning {
  const began = at - ms;
  const calls = [...reads, ...writes]
    .filter((each) => each.line !== undefined)
    .toSorted((one, other) => one.at - other.at);
  // Times are whole milliseconds.
  const before = calls.findLast((each) => each.at + (each.tookMs ?? 0) <= began + 1);
  const after = calls.find((each) => each.at >= at - 1);
  const where = [before && `after ${before.line}`, after && `before ${after.line}`].filter(Boolean).join(' and ');
  return {
    kind: 'blocked-event-loop',
    place: where === '' ? controller : where,
    message: `${controller} held the event loop for ${Math.round(ms)} ms in a reconcile of ${key}${where === '' ? '' : `, ${where}`}`,
    advice:
      'meanwhile nothing else ran, neither watches nor the renewal of a lease: do it in slices, in a worker, or by asynchronous calls',
  };
}
