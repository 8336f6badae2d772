import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { RetryLaterError } from '../controller/index.ts';
import type { Informer, InformerOptions, Informers, LiveQuery, Query } from '../informer/index.ts';

/** The first list of a kind takes about so long. */
const againMs = 250;

/**
 * The same informers, whose caches cannot be read before they are filled: to a reconcile that asks for a kind for the
 * first time all objects of it would seem to be missing.
 */
export function filledCaches(informers: Informers): Informers {
  return {
    for: <T extends KubernetesObject>(type: ResourceType<T>, options?: InformerOptions<T>) =>
      guarded(informers.for(type, options)),
    metadata: (type, options) => guarded(informers.metadata(type, options)),
    lease: (type, options) => informers.lease(type, options),
    observe: (type, options) => informers.observe(type, options),
  };
}

function guarded<T extends KubernetesObject>(informer: Informer<T>): Informer<T> {
  return informer.synced ? informer : new FillingInformer(informer);
}

class FillingInformer<T extends KubernetesObject> implements Informer<T> {
  readonly type: ResourceType<T>;
  readonly #inner: Informer<T>;

  constructor(inner: Informer<T>) {
    this.type = inner.type;
    this.#inner = inner;
  }

  get lister() {
    this.#requireFilled();
    return this.#inner.lister;
  }

  get events$() {
    return this.#inner.events$;
  }

  get synced() {
    return this.#inner.synced;
  }

  get health() {
    return this.#inner.health;
  }

  get resourceVersion() {
    return this.#inner.resourceVersion;
  }

  waitForSync(signal?: AbortSignal): Promise<void> {
    return this.#inner.waitForSync(signal);
  }

  waitForVersion(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    return this.#inner.waitForVersion(resourceVersion, signal);
  }

  selects(object: KubernetesObject): boolean {
    return this.#inner.selects(object);
  }

  where(query?: Query<T>): LiveQuery<T> {
    this.#requireFilled();
    return this.#inner.where(query);
  }

  addIndex(name: string, values: (object: T) => readonly string[]): void {
    this.#inner.addIndex(name, values);
  }

  #requireFilled(): void {
    if (this.#inner.synced) return;
    const { kind, plural } = this.type;
    throw new RetryLaterError(
      `the cache of ${plural} is not filled yet: name ${kind} in \`watches\` or \`references\`, or await informers.for(${kind}).waitForSync(signal)`,
      againMs,
    );
  }
}
