import type {
  BegunReconcile,
  Clock,
  ControllerManager,
  ObjectKey,
  ObservedReconcile,
  ReconcileObserver,
} from '@keelson/core';
import { groupBy } from '@keelson/core/machinery';
import type { RecordedReconcile } from './history.ts';

/** A reconcile that then looked within this time waits for it; one that did not look so soon is taken for another. */
const longestWaitMs = 1_000;
/** One that is so much late is still taken for it. */
const latestMs = 50;

interface Look {
  readonly at: number;
  readonly controller: string;
  readonly key: ObjectKey;
  /** No event led to it, but a timer. */
  readonly timed: boolean;
}

/**
 * Lets reconciles look into the caches when they did then. What is simulated takes no time, and back-off depends on chance:
 * else a reconcile might miss what had been seen meanwhile, or see what had not.
 */
export class RecordedPace {
  readonly #looks: readonly Look[];
  readonly #byKey: ReadonlyMap<string, Look[]>;

  constructor(reconciles: readonly RecordedReconcile[]) {
    this.#looks = reconciles.map(lookOf).sort((left, right) => left.at - right.at);
    this.#byKey = groupBy(this.#looks, idOf);
  }

  /** For one process. @param clock its own: with it ends whoever waits */
  observer(clock: Clock): ReconcileObserver {
    return { began: (reconcile) => this.#begun(reconcile, clock) };
  }

  /** Retries, and what asked for another time, come when they came then. */
  hasten(manager: Pick<ControllerManager, 'hasten'>, clock: Clock): void {
    const timed = this.#looks.filter((each) => each.timed && each.at >= clock.now());
    const next = (index: number) => {
      const look = timed[index];
      if (!look) return;
      clock.after(look.at - clock.now(), () => {
        manager.hasten(look.controller, look.key);
        next(index + 1);
      });
    };
    next(0);
  }

  #begun(reconcile: BegunReconcile, clock: Clock): ObservedReconcile {
    return {
      run: async (act) => {
        const ms = this.#waitOf(idOf(reconcile), clock.now());
        if (ms > 0) await clock.sleep(ms);
        return act();
      },
      ended: () => undefined,
    };
  }

  #waitOf(of: string, now: number): number {
    const looks = this.#byKey.get(of) ?? [];
    const next = looks.findIndex(({ at }) => at >= now - latestMs);
    looks.splice(0, next < 0 ? looks.length : next);
    const [first] = looks;
    if (!first || first.at > now + longestWaitMs) return 0;
    looks.shift();
    return first.at - now;
  }
}

const idOf = ({ controller, key }: Pick<Look, 'controller' | 'key'>) => `${controller} ${key}`;

function lookOf({ trace, lookedAt: at }: RecordedReconcile): Look {
  const { controller, key, causes } = trace;
  const timed = causes.length > 0 && !causes.some((each) => 'watch' in each);
  return { controller, key, timed, at };
}
