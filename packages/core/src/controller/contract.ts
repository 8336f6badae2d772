import type { Observable } from 'rxjs';
import type { Informer } from '../informer/index.ts';
import type { ObjectKey } from '../machinery/index.ts';
import { tokenList } from '../plugin/index.ts';

/** Keys to reconcile, drawn from an informer's events, and the informer that must have synced before the first reconcile. */
export interface Watch {
  readonly informer: Informer;
  readonly keys$: Observable<ObjectKey>;
}

export interface ReconcileContext {
  /** Aborted at stop and when the reconcile exceeds its time limit. */
  readonly signal: AbortSignal;
}

/** Nothing: done until the next event. `requeueAfter` in milliseconds: once more then. A throw: again with back-off. */
export type ReconcileResult = undefined | { readonly requeueAfter: number };

/** Level-triggered: brings the world for one key to what is desired, whatever happened in between. Never runs twice at once for a key. */
export interface Controller {
  readonly name: string;
  /** Keys reconciled at once. Default 4. */
  readonly concurrency?: number;
  readonly watches: readonly Watch[];
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult | void>;
}

/** Every controller that the manager runs. */
export const Controllers = tokenList<Controller>('Controllers');
