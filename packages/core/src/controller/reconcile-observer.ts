import type { ObjectKey } from '../machinery/index.ts';
import { tokenList } from '../plugin/index.ts';
import type { ReconcileTrace } from './trace.ts';

/** A reconcile that begins. */
export interface BegunReconcile {
  /** The number of its trace. */
  readonly id: number;
  readonly controller: string;
  readonly key: ObjectKey;
  /** When the key was queued; milliseconds since the epoch. */
  readonly addedAt: number;
  readonly startedAt: number;
}

/** Follows one reconcile. */
export interface ObservedReconcile {
  /** Calls `act` once, in whatever surroundings the observer wants it in, and gives back what that gives. */
  run<R>(act: () => Promise<R>): Promise<R>;
  /** Calls `act` once, which sends a request of the reconcile, and gives back what that gives. */
  send?<R>(act: () => Promise<R>): Promise<R>;
  ended(trace: ReconcileTrace): void;
}

/** Follows reconciles while they run. What `began` and `run` throw fails the reconcile. */
export interface ReconcileObserver {
  began(reconcile: BegunReconcile): ObservedReconcile;
}

/** Everybody who follows reconciles; any plugin may add to it. */
export const ReconcileObservers = tokenList<ReconcileObserver>('ReconcileObservers');
