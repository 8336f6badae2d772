import type { BegunReconcile, ObservedReconcile, ReconcileObserver, ReconcileTrace } from '../controller/index.ts';
import { AsyncScope, type Clock, namedMessageOf } from '../machinery/index.ts';
import type { RecordingSink } from './recorded-transport.ts';

/** Knows which reconcile is under way wherever it is asked, and tells of each when it begins and when it has ended. */
export class ReconcileScope implements ReconcileObserver {
  readonly #running = new AsyncScope<number>();
  readonly #sink: RecordingSink;
  readonly #clock: Clock;

  constructor(sink: RecordingSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  /** The number of the reconcile that has called, through whatever. */
  get current(): number | undefined {
    return this.#running.current;
  }

  began({ id }: BegunReconcile): ObservedReconcile {
    return {
      run: (act) => {
        this.#sink({ is: 'reconcile-begun', at: this.#clock.now(), id });
        return this.#running.run(id, act);
      },
      ended: (trace) => this.#sink({ is: 'reconcile', at: trace.endedAt, trace: told(trace) }),
    };
  }
}

/** With the text of its error, as `/debug/traces` has it. */
function told({ error, ...trace }: ReconcileTrace): ReconcileTrace {
  return error === undefined ? trace : { ...trace, error: namedMessageOf(error) };
}
