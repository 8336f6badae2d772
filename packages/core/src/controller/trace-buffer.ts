import type { ObjectKey } from '../machinery/index.ts';
import type { Cause, ReconcileTrace, TracedWrite } from './trace.ts';
import { WriteIndex } from './write-index.ts';

/** The latest traces, oldest first; older ones are forgotten. */
export class TraceBuffer {
  readonly #capacity: number;
  readonly #traces: ReconcileTrace[] = [];
  /** Where the next one goes, once it is full. */
  #next = 0;
  #count = 0;
  readonly #writes: WriteIndex;
  readonly #listeners = new Set<(trace: ReconcileTrace) => void>();

  /**
   * @param capacity default 1,000
   * @param predecessor whose traces are kept, and counted on from; who listens to it does not hear of what comes here
   */
  constructor(capacity = 1_000, predecessor?: TraceBuffer) {
    this.#capacity = capacity;
    this.#writes = predecessor ? predecessor.#writes : new WriteIndex(capacity * 10);
    if (!predecessor) return;
    this.#traces.push(...predecessor.list().slice(-capacity));
    this.#count = predecessor.#count;
  }

  nextId(): number {
    this.#count += 1;
    return this.#count;
  }

  /** Notes a write as soon as it is answered: the event that it causes may run another reconcile before this one has ended. */
  wrote(id: number, write: TracedWrite): void {
    this.#writes.record(id, write);
  }

  /** The number of the reconcile whose write caused an event. */
  writerOf(cause: Cause): number | undefined {
    return this.#writes.writerOf(cause);
  }

  add(trace: ReconcileTrace): void {
    if (this.#traces.length < this.#capacity) this.#traces.push(trace);
    else {
      this.#traces[this.#next] = trace;
      this.#next = (this.#next + 1) % this.#capacity;
    }
    for (const each of this.#listeners) each(trace);
  }

  list(filter: { readonly controller?: string; readonly key?: ObjectKey } = {}): readonly ReconcileTrace[] {
    const { controller, key } = filter;
    return [...this.#traces.slice(this.#next), ...this.#traces.slice(0, this.#next)].filter(
      (each) => (controller === undefined || each.controller === controller) && (key === undefined || each.key === key),
    );
  }

  /** Called with every trace from now on; the function returned ends it. */
  listen(listener: (trace: ReconcileTrace) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
