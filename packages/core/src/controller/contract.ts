import type { Observable } from 'rxjs';
import type { KubernetesObject } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Informer, InformerEvent } from '../informer/index.ts';
import type { ObjectKey } from '../machinery/index.ts';
import { token, tokenList } from '../plugin/index.ts';
import type { Priority } from '../workqueue/index.ts';

/** A key to reconcile, and the event that concerns it; none where something else does. */
export interface Trigger {
  readonly key: ObjectKey;
  readonly event?: InformerEvent<KubernetesObject>;
  /** Default: `low` for what is there when the watch begins, `normal` for what changes. */
  readonly priority?: Priority;
}

/** Keys to reconcile, drawn from an informer's events, and the informer that must have synced before the first reconcile. */
export interface Watch {
  readonly informer: Informer;
  /** Says in traces and logs how events become keys: `Pod → its owner`. */
  readonly name: string;
  /** Whose objects these are, where a controller works on several clusters: their versions are not compared. */
  readonly cluster?: string;
  /** Its keys name their clusters themselves: they are those of objects in other ones. */
  readonly placed?: true;
  /** What is there when somebody subscribes, then every event. */
  readonly triggers$: Observable<Trigger>;
}

/** What every reconcile is given beside its key. */
export interface ReconcileContext {
  /** Aborted at stop and when the reconcile exceeds its time limit. */
  readonly signal: AbortSignal;
  /**
   * A client whose writes are remembered with the key: the next reconcile of the key waits until the informers of the
   * controller's watches have seen them. Once `signal` is aborted it sends nothing any more. `quiet`: their events, and nothing else, do not cause that reconcile.
   * `cluster`: to which the client speaks, as the watches name it.
   */
  track(client: Client, options?: { readonly quiet?: boolean; readonly cluster?: string }): Client;
  /** Notes in the reconcile's trace that an object was read from a cache. */
  read(kind: string, key: ObjectKey): void;
}

/** Nothing: done until the next event. `requeueAfter` in milliseconds: once more then. A throw: again with back-off. */
export type ReconcileResult = undefined | { readonly requeueAfter: number };

/** A reconcile that fails with this is not tried again before the next event: the same would come of it. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** Level-triggered: brings the world for one key to what is desired, whatever happened in between. Never runs twice at once for a key. */
export interface Controller {
  readonly name: string;
  /** Keys reconciled at once. Default 4. */
  readonly concurrency?: number;
  /** In milliseconds, instead of the manager's. */
  readonly reconcileTimeoutMs?: number;
  /** Back-off of a key that fails, in milliseconds: doubled from the first to the longest. Default 5 and 1,000,000. */
  readonly backOff?: { readonly firstMs: number; readonly longestMs: number };
  readonly watches: readonly Watch[];
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult | void>;
}

/**
 * A reconcile that fails with this is tried again after so long, and not with back-off: for what something outside asks
 * for, such as `429` with `Retry-After`.
 */
export class RetryLaterError extends Error {
  override readonly name = 'RetryLaterError';
  /** In milliseconds. */
  readonly afterMs: number;

  constructor(message: string, afterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.afterMs = afterMs;
  }
}

/** Every controller that the manager runs. */
export const Controllers = tokenList<Controller>('Controllers');

/** Who of several processes may act. */
export interface Leadership {
  /** Resolves when this process leads, to a signal that is aborted when it no longer does; rejects when `signal` is aborted. */
  lead(signal: AbortSignal): Promise<AbortSignal>;
  /** Something is done in this process until the function returned is called: before that nobody else is let lead. */
  acting?(): () => void;
}

/** Without it this process acts from the start. */
export const Leadership = token<Leadership>('Leadership');

/** One key, worked on by this process alone. */
export interface Share {
  /** Aborted when somebody else may work on it. */
  readonly lost: AbortSignal;
  /** To be called when the work has ended, however it did: the key may go to somebody else only then. */
  done(): void;
}

/** Which keys are worked on by this one of several processes, each of which works on some. */
export interface Sharding {
  /** Whether the key is this process's now. */
  has(key: ObjectKey): boolean;
  /** Begins work on a key; `undefined`: it is not this process's. */
  enter(key: ObjectKey): Share | undefined;
  /** Calls back when keys have come to this process; `gained` tells which. Until the function returned is called. */
  onGained(listener: (gained: (key: ObjectKey) => boolean) => void): () => void;
}

/** Without it every key is this process's. */
export const Sharding = token<Sharding>('Sharding');
