import type { ObjectKey } from '../machinery/index.ts';
import type { Priority } from '../workqueue/index.ts';

/** What made a key be reconciled: an event, as a watch saw it, or the queue itself. */
export type Cause =
  | {
      readonly type: 'added' | 'updated' | 'deleted';
      /** The watch's name. */
      readonly watch: string;
      readonly kind: string;
      readonly object: ObjectKey;
      /** By it the write is found that caused the event. */
      readonly resourceVersion?: string;
      readonly at: number;
    }
  | { readonly type: 'signal'; readonly watch: string; readonly at: number }
  | { readonly type: 'retry' | 'requeueAfter'; readonly at: number };

export interface TracedRead {
  readonly kind: string;
  readonly key: ObjectKey;
  /** From a cache, or from the server. */
  readonly from: 'cache' | 'server';
}

export interface TracedWrite {
  readonly verb: string;
  readonly kind: string;
  readonly key: ObjectKey;
  readonly at: number;
  readonly tookMs: number;
  /** Of what came of it. Absent after a deletion, and where it failed. */
  readonly resourceVersion?: string;
  /** It changed nothing: the object has the version that the cache already knew. */
  readonly noOp?: true;
  readonly error?: string;
}

/** Why a reconcile ran, and what it did. Times are milliseconds since the epoch. */
export interface ReconcileTrace {
  /** Counts from 1 within the process. */
  readonly id: number;
  readonly controller: string;
  readonly key: ObjectKey;
  /** The first of them; `moreCauses` tells how many others came while the key waited. */
  readonly causes: readonly Cause[];
  readonly moreCauses: number;
  readonly priority: Priority;
  readonly addedAt: number;
  readonly startedAt: number;
  /** Until the caches had seen what the key's reconciles wrote before. */
  readonly caughtUpMs: number;
  readonly endedAt: number;
  /** The first hundred. */
  readonly reads: readonly TracedRead[];
  /** The first hundred. */
  readonly writes: readonly TracedWrite[];
  /** Events of the reconcile's own writes that did not make it run again. */
  readonly echoes: number;
  readonly outcome: 'success' | 'requeueAfter' | 'error' | 'terminal' | 'timeout' | 'aborted';
  readonly error?: unknown;
  readonly failures: number;
}

/** The latest traces, oldest first; older ones are forgotten. */
export class TraceBuffer {
  readonly #capacity: number;
  readonly #traces: ReconcileTrace[] = [];
  /** Where the next one goes, once it is full. */
  #next = 0;
  #count = 0;
  readonly #listeners = new Set<(trace: ReconcileTrace) => void>();

  /** @param capacity default 1,000 */
  constructor(capacity = 1_000) {
    this.#capacity = capacity;
  }

  nextId(): number {
    this.#count += 1;
    return this.#count;
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
