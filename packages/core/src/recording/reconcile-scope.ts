import { AsyncLocalStorage } from 'node:async_hooks';
import type { BegunReconcile, ObservedReconcile, ReconcileObserver, ReconcileTrace } from '../controller/index.ts';
import { namedMessageOf } from '../machinery/index.ts';
import type { RecordingSink } from './recorded-transport.ts';

/** Knows which reconcile is under way wherever it is asked, and tells of each that has ended. */
export class ReconcileScope implements ReconcileObserver {
  readonly #running = new AsyncLocalStorage<number>();
  readonly #sink: RecordingSink;

  constructor(sink: RecordingSink) {
    this.#sink = sink;
  }

  /** The number of the reconcile that has called, through whatever. */
  get current(): number | undefined {
    return this.#running.getStore();
  }

  began({ id }: BegunReconcile): ObservedReconcile {
    return {
      run: (act) => this.#running.run(id, act),
      ended: (trace) => this.#sink({ is: 'reconcile', at: trace.endedAt, trace: told(trace) }),
    };
  }
}

/** With the text of its error, as `/debug/traces` has it. */
function told({ error, ...trace }: ReconcileTrace): ReconcileTrace {
  return error === undefined ? trace : { ...trace, error: namedMessageOf(error) };
}
