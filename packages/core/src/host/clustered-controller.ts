import { Observable as ObservableClass } from 'rxjs/internal/Observable';
import type { Controller, ReconcileContext, ReconcileResult, Watch } from '../controller/index.ts';
import { clusterKey, type ObjectKey, splitClusterKey } from '../machinery/index.ts';

/**
 * One controller for many clusters, with one queue: the cluster is part of each key, and clusters take turns as
 * namespaces do. Each cluster's objects are reconciled by a controller of its own, with that cluster's caches.
 */
export class ClusteredController implements Controller {
  readonly name: string;
  readonly concurrency?: number;
  readonly reconcileTimeoutMs?: number;
  readonly backOff?: { readonly firstMs: number; readonly longestMs: number };
  /** They come with the clusters, so that one which is away keeps none waiting. */
  readonly watches: readonly Watch[] = [];
  readonly #members = new Map<string, Controller>();

  /** @param like what all of them have in common */
  constructor({ name, concurrency, reconcileTimeoutMs, backOff }: Controller) {
    this.name = name;
    if (concurrency !== undefined) this.concurrency = concurrency;
    if (reconcileTimeoutMs !== undefined) this.reconcileTimeoutMs = reconcileTimeoutMs;
    if (backOff !== undefined) this.backOff = backOff;
  }

  /** From now on keys of the cluster are reconciled by this controller. The watches are those that bring them. */
  join(cluster: string, controller: Controller): readonly Watch[] {
    this.#members.set(cluster, controller);
    return controller.watches.map((each) => inCluster(cluster, each));
  }

  /** Keys of the cluster that still wait are passed over. */
  leave(cluster: string): void {
    this.#members.delete(cluster);
  }

  async reconcile(placed: ObjectKey, context: ReconcileContext): Promise<ReconcileResult | void> {
    const { cluster, key } = splitClusterKey(placed);
    return this.#members.get(cluster)?.reconcile(key, contextIn(cluster, context));
  }
}

function inCluster(cluster: string, { informer, name, triggers$, placed }: Watch): Watch {
  return {
    informer,
    cluster,
    name: `${cluster}: ${name}`,
    triggers$: new ObservableClass((subscriber) =>
      triggers$.subscribe({
        next: (trigger) => subscriber.next(placed ? trigger : { ...trigger, key: clusterKey(cluster, trigger.key) }),
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    ),
  };
}

function contextIn(cluster: string, context: ReconcileContext): ReconcileContext {
  return {
    signal: context.signal,
    track: (client, options) => context.track(client, { cluster, ...options }),
    read: (kind, key) => context.read(kind, clusterKey(cluster, key)),
  };
}
