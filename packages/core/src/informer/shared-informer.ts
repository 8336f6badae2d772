import type { Observable } from 'rxjs';
// The package's index loads two hundred modules, which would be most of the time it takes to import the SDK.
import { Subject } from 'rxjs/internal/Subject';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { compareResourceVersions, hasReached, isStatusError, keyOf, type ObjectKey } from '../machinery/index.ts';
import type {
  CacheReads,
  Informer,
  InformerEvent,
  InformerHealth,
  InformerStatus,
  Lister,
  LiveQuery,
  Query,
} from './contract.ts';
import { type KeptPart, keeper } from './kept-part.ts';
import { StoreQuery } from './live-query.ts';
import { ObservedLister } from './observed-lister.ts';
import { prepareQuery, selectionOf } from './query.ts';
import { type ReflectorEnvironment, type ReflectorScope, reflect, type Sink } from './reflector.ts';
import { Store } from './store.ts';

export interface SharedInformerOptions<T extends KubernetesObject> extends ReflectorEnvironment {
  readonly scope: Omit<ReflectorScope, 'metadataOnly' | 'withoutManagedFields'>;
  readonly kept: KeptPart<T>;
  readonly optional?: boolean;
  /** In development: told what is read, unless the informer is of a part only. */
  readonly reads?: CacheReads | undefined;
}

const timesGone = 3;

interface Waiter {
  /** `undefined` waits for the first list. */
  readonly resourceVersion: string | undefined;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
}

/** One store, kept by one reflector, for everybody in the process who asks for this kind and scope. */
export class SharedInformer<T extends KubernetesObject> implements Informer<T> {
  readonly type: ResourceType<T>;
  readonly #options: SharedInformerOptions<T>;
  readonly #store = new Store<T>((index, object, error) =>
    this.#options.logger.error('an index cannot file an object, which is not found by it', {
      resource: this.type.plural,
      index,
      object: keyOf(object),
      error,
    }),
  );
  readonly #events = new Subject<InformerEvent<T>>();
  readonly #waiting = new Set<Waiter>();
  readonly #lister: Lister<T>;
  #resourceVersion: string | undefined;
  /** It is optional, and not served. */
  #absent = false;
  #freshAt: number | undefined;
  #failingSince: number | undefined;
  #health: InformerHealth = { phase: 'waiting', failures: 0 };
  #running: Promise<void> | undefined;
  #selection: ((object: KubernetesObject) => boolean) | undefined;

  constructor(type: ResourceType<T>, options: SharedInformerOptions<T>) {
    this.type = type;
    this.#options = options;
    const { scope, kept, reads } = options;
    const whole = !kept.metadataOnly && Object.keys(scope).length === 0;
    this.#lister =
      reads && whole ? new ObservedLister(this.#store, reads.observe({ type, lister: this.#store })) : this.#store;
  }

  get lister(): Lister<T> {
    return this.#lister;
  }

  get events$(): Observable<InformerEvent<T>> {
    return this.#events;
  }

  get synced(): boolean {
    return this.#absent || this.#resourceVersion !== undefined;
  }

  get health(): InformerHealth {
    return this.#health;
  }

  get status(): InformerStatus {
    const { scope, kept } = this.#options;
    return {
      type: this.type,
      scope,
      metadataOnly: kept.metadataOnly,
      synced: this.synced,
      objects: this.#store.size,
      health: this.#health,
      freshAt: this.#freshAt,
      failingSince: this.#failingSince,
    };
  }

  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  waitForSync(signal?: AbortSignal): Promise<void> {
    return this.synced ? Promise.resolve() : this.#wait(undefined, signal);
  }

  waitForVersion(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    const known = this.#resourceVersion;
    if (this.#absent || (known !== undefined && hasReached(known, resourceVersion))) return Promise.resolve();
    return this.#wait(resourceVersion, signal);
  }

  selects(object: KubernetesObject): boolean {
    this.#selection ??= selectionOf(this.#options.scope);
    return this.#selection(object);
  }

  where(query: Query<T> = {}): LiveQuery<T> {
    const store = this.#store;
    const prepared = prepareQuery(query, store, (index, object) => store.valuesOf(index, object));
    return new StoreQuery(prepared, this.#events);
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    this.#store.addIndex(name, values);
  }

  /** Runs until the signal is aborted; then `events$` completes. A second call joins the first. */
  run(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#run(signal);
    return this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { scope, kept, ...environment } = this.#options;
    const { metadataOnly, managedFields } = kept;
    this.#health = { phase: 'syncing', failures: 0 };
    try {
      await reflect(
        {
          ...environment,
          type: this.type,
          scope: {
            ...scope,
            ...(metadataOnly && { metadataOnly }),
            ...(!managedFields && { withoutManagedFields: true }),
          },
          sink: this.#sink(keeper(this.type, kept)),
        },
        signal,
      );
    } finally {
      this.#health = { phase: 'stopped', failures: 0 };
      for (const each of this.#waiting) each.fail(new Error(`the informer of ${this.type.plural} is stopped`));
      this.#waiting.clear();
      this.#events.complete();
    }
  }

  #sink(keep: ((object: T) => T) | undefined): Sink<T> {
    const store = this.#store;
    const emit = (event: InformerEvent<T> | undefined) => {
      if (event) this.#events.next(event);
    };
    return {
      put: (object, listed) => {
        const key = keyOf(object);
        const known = store.get(key);
        // Another object of the same name is no update: the one that was known went away while nobody watched.
        if (known && known.metadata.uid !== object.metadata.uid) emit(store.delete(key));
        // What is known already is not made a second time.
        else if (known && known.metadata.resourceVersion === object.metadata.resourceVersion) return;
        const event = store.set(keep ? keep(object) : object);
        emit(event && listed && event.type !== 'deleted' ? { ...event, listed } : event);
      },
      remove: (key, last) => emit(store.delete(key, keep ? keep(last) : last)),
      listed: (present, resourceVersion) => {
        for (const key of goneKeys(store, present)) emit(store.delete(key));
        this.#absent = false;
        this.#reached(resourceVersion);
        this.#failingSince = undefined;
        this.#health = { phase: 'live', failures: 0 };
      },
      reached: (resourceVersion) => this.#reached(resourceVersion),
      stepped: ({ phase, failures }, error) => {
        if (this.#options.optional && isStatusError(error, 'NotFound') && this.#isAbsent(failures)) {
          for (const key of [...store.keys()]) emit(store.delete(key));
          return;
        }
        if (failures === 0) this.#failingSince = undefined;
        else this.#failingSince ??= this.#options.clock.now();
        if (failures > 0) this.#health = { phase: this.synced && failures === 1 ? 'live' : 'failing', failures, error };
        else this.#health = { phase: phase === 'watch' ? 'live' : 'syncing', failures };
      },
    };
  }

  /** A server that begins may not know all of its kinds for a moment: what was served is gone when that is said thrice. */
  #isAbsent(failures: number): boolean {
    if (!this.#absent && this.#resourceVersion !== undefined && failures < timesGone) return false;
    this.#absent = true;
    this.#failingSince = undefined;
    this.#health = { phase: 'waiting', failures: 0 };
    for (const each of this.#waiting) each.done();
    this.#waiting.clear();
    return true;
  }

  #reached(resourceVersion: string): void {
    this.#freshAt = this.#options.clock.now();
    const known = this.#resourceVersion;
    if (known === resourceVersion) return;
    // A store that was put back to an older state counts from there: what was waited for will never come.
    const anew = known !== undefined && (compareResourceVersions(known, resourceVersion) ?? 0) > 0;
    this.#resourceVersion = resourceVersion;
    for (const each of this.#waiting) {
      if (!anew && each.resourceVersion !== undefined && !hasReached(resourceVersion, each.resourceVersion)) continue;
      this.#waiting.delete(each);
      each.done();
    }
  }

  #wait(resourceVersion: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#health.phase === 'stopped') return reject(new Error(`the informer of ${this.type.plural} is stopped`));
      const abort = () => {
        this.#waiting.delete(waiter);
        reject(signal?.reason);
      };
      const settled = (settle: () => void) => {
        signal?.removeEventListener('abort', abort);
        settle();
      };
      const waiter: Waiter = {
        resourceVersion,
        done: () => settled(resolve),
        fail: (error) => settled(() => reject(error)),
      };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

function goneKeys(
  store: { readonly size: number; keys(): Iterable<ObjectKey> },
  present: ReadonlySet<ObjectKey>,
): readonly ObjectKey[] {
  if (store.size === present.size) {
    let same = true;
    for (const key of store.keys()) if (!present.has(key)) same = false;
    if (same) return [];
  }
  return [...store.keys()].filter((key) => !present.has(key));
}
