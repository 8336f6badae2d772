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
      /** Where a controller works on several. */
      readonly cluster?: string;
      /** By it the write is found that caused the event. */
      readonly resourceVersion?: string;
      /** The number of the reconcile whose write caused the event, as far as it is remembered. */
      readonly writtenBy?: number;
      readonly at: number;
    }
  | { readonly type: 'signal'; readonly watch: string; readonly at: number }
  | { readonly type: 'retry' | 'requeueAfter'; readonly at: number };

/** A read of a reconcile. */
export interface TracedRead {
  readonly kind: string;
  readonly key: ObjectKey;
  /** Why it failed; that an object is not there is a failure too. */
  readonly error?: string;
  /** From a cache, or from the server. */
  readonly from: 'cache' | 'server';
  readonly at: number;
  /** Until the server answered. */
  readonly tookMs?: number;
  /** In development: the line that reads, such as `operator.ts:34`. */
  readonly line?: string;
}

/** A write of a reconcile, and what came of it. */
export interface TracedWrite {
  readonly verb: string;
  readonly kind: string;
  readonly key: ObjectKey;
  /** Where a controller works on several. */
  readonly cluster?: string;
  readonly at: number;
  readonly tookMs: number;
  /** Of what came of it. Absent after a deletion, and where it failed. */
  readonly resourceVersion?: string;
  /** In development: the fields that it changed, as far as the cache knew them before. */
  readonly changes?: readonly string[];
  /** It changed nothing: the object has the version that the cache already knew. */
  readonly noOp?: true;
  /** In development: the line that writes, such as `operator.ts:34`. */
  readonly line?: string;
  readonly error?: string;
}

/** Why a reconcile ran, and what it did. Times are milliseconds since the epoch. */
export interface ReconcileTrace {
  /** Counts from 1 within the process, in the order in which reconciles begin. */
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
