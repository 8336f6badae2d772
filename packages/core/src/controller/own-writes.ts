import type { Subscription } from 'rxjs';
import type { KubernetesObject } from '../api/index.ts';
import type { Informer, InformerEvent } from '../informer/index.ts';
import { compareResourceVersions, hasReached, type ObjectKey } from '../machinery/index.ts';
import type { Watch } from './contract.ts';
import type { Written } from './tracked-client.ts';

/** Where it was written. */
export interface PlacedWrite extends Written {
  readonly cluster?: string | undefined;
}

interface Pending extends PlacedWrite {
  readonly quiet: boolean;
  /** Versions that its writes before the last one made. */
  readonly earlier: readonly string[];
  /** Of what is gone: as it was written before. */
  readonly previous: KubernetesObject | undefined;
}

/** Of one object, between two reconciles. */
const mostEarlier = 16;

/** Keys whose writes are remembered without having been asked for, before those that were seen long since are cleared away. */
const sweepAfter = 1_024;

/**
 * What the reconciles of each key have written, until the caches have seen it: a reconcile must not decide by a cache
 * that is older than its own last write, and need not run for what it did itself.
 */
export class OwnWrites {
  readonly #watches: () => readonly Pick<Watch, 'informer' | 'cluster'>[];
  readonly #pending: Map<ObjectKey, Map<string, Pending>> = new Map();
  #sweepAt = sweepAfter;

  /**
   * @param watches whose informers' caches reconciles read
   * @param predecessor whose writes these same caches may not have seen yet
   */
  constructor(watches: () => readonly Pick<Watch, 'informer' | 'cluster'>[], predecessor?: OwnWrites) {
    this.#watches = watches;
    if (predecessor) this.#pending = new Map(predecessor.#pending);
  }

  record(key: ObjectKey, written: PlacedWrite, quiet: boolean): void {
    let writes = this.#pending.get(key);
    if (!writes) {
      if (this.#pending.size >= this.#sweepAt) this.#sweep();
      writes = new Map();
      this.#pending.set(key, writes);
    }
    const id = identity(written.cluster, written.type.group, written.type.plural, written.key);
    const before = writes.get(id);
    // Of two writes that were under way at once the answers may come in the other order.
    const late = before !== undefined && isLater(before, written);
    const [last, first] = late ? [before, written] : [written, before];
    const version = first?.object?.metadata.resourceVersion;
    const earlier = [...(before?.earlier ?? []), ...(version === undefined ? [] : [version])].slice(-mostEarlier);
    const previous = last.object ? undefined : (before?.object ?? before?.previous);
    writes.set(id, { ...last, quiet: quiet && (before === undefined || before.quiet), earlier, previous });
  }

  /** Resolves when the caches hold all that the key's reconciles wrote. Rejects with `signal.reason`. */
  async caughtUp(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const writes = this.#pending.get(key);
    if (!writes) return;
    for (const written of writes.values()) {
      for (const watch of this.#watches()) {
        if (!isSeen(watch, written)) await seen(watch.informer, written, signal);
      }
    }
    this.#pending.delete(key);
  }

  /** Whether the event tells of nothing but what a reconcile of this key itself has written, and quietly. */
  isEcho(
    key: ObjectKey,
    event: InformerEvent<KubernetesObject>,
    { informer, cluster }: Pick<Watch, 'informer' | 'cluster'>,
  ): boolean {
    const { group, plural } = informer.type;
    const written = this.#pending.get(key)?.get(identity(cluster, group, plural, event.key));
    if (!written?.quiet) return false;
    const { uid, resourceVersion } = event.object.metadata;
    if (!written.object) return event.type === 'deleted' && written.uid !== undefined && written.uid === uid;
    return (
      event.type !== 'deleted' &&
      // Else others may have changed it before, and their events are not told one by one.
      !event.listed &&
      resourceVersion !== undefined &&
      (written.object.metadata.resourceVersion === resourceVersion || written.earlier.includes(resourceVersion))
    );
  }

  #sweep(): void {
    for (const [key, writes] of this.#pending) {
      const open = [...writes.values()].some((each) => this.#watches().some((watch) => !isSeen(watch, each)));
      if (!open) this.#pending.delete(key);
    }
    this.#sweepAt = Math.max(sweepAfter, this.#pending.size * 2);
  }
}

const identity = (cluster: string | undefined, group: string, plural: string, key: ObjectKey) =>
  `${cluster ?? ''}:${plural}.${group}/${key}`;

function isLater({ object: left }: Written, { object: right }: Written): boolean {
  const [earlier, later] = [right?.metadata.resourceVersion, left?.metadata.resourceVersion];
  if (earlier === undefined || later === undefined) return false;
  return (compareResourceVersions(later, earlier) ?? 0) > 0;
}

/** Whether the informer's cache holds the write, or has nothing to do with it. */
function isSeen({ informer, cluster: watched }: Pick<Watch, 'informer' | 'cluster'>, written: Pending): boolean {
  const { type, key, object, uid, cluster, previous } = written;
  if (watched !== cluster) return true;
  if (informer.type.group !== type.group || informer.type.plural !== type.plural) return true;
  if (informer.health.phase === 'stopped') return true;
  if (object) return hasSeen(informer, key, object);
  // A cache that has yet to learn that it came would show it for a moment, after it went.
  return isGone(informer, key, uid) && (!previous || hasSeen(informer, key, previous));
}

function hasSeen(informer: Informer, key: ObjectKey, object: KubernetesObject): boolean {
  const { resourceVersion: known } = informer;
  const version = object.metadata.resourceVersion;
  if (version === undefined || (known !== undefined && hasReached(known, version))) return true;
  // What the informer does not select is in its cache only until it learns of this very write.
  return informer.lister.get(key) === undefined && !informer.selects(object);
}

async function seen(informer: Informer, written: Pending, signal: AbortSignal): Promise<void> {
  const { key, object, uid, previous } = written;
  const last = object ?? previous;
  const version = last?.metadata.resourceVersion;
  if (last && version !== undefined && !hasSeen(informer, key, last)) await informer.waitForVersion(version, signal);
  if (object || isGone(informer, key, uid)) return;
  await new Promise<void>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    let subscription: Subscription | undefined;
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', abort);
      subscription?.unsubscribe();
      settle();
    };
    const abort = () => end(() => reject(signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    subscription = informer.events$.subscribe({
      next: () => {
        if (isGone(informer, key, uid)) end(resolve);
      },
      // At once, where the informer has stopped.
      complete: () => end(resolve),
    });
  });
}

/** The object that was deleted is no longer in the cache; another one of its name may be. */
function isGone({ lister }: Informer, key: ObjectKey, uid: string | undefined): boolean {
  const metadata = lister.get(key)?.metadata;
  return (
    metadata === undefined || metadata.deletionTimestamp !== undefined || (uid !== undefined && metadata.uid !== uid)
  );
}
