import type { KubernetesObject } from '../api/index.ts';
import { keyOf, type ObjectKey } from '../machinery/index.ts';
import type { InformerEvent, Lister } from './contract.ts';

interface Bucket<T> {
  readonly objects: Map<ObjectKey, T>;
  /** The objects as an array, until the bucket changes. */
  array: readonly T[] | undefined;
}

interface Index<T> {
  readonly values: (object: T) => readonly string[];
  /** As `values`; of an object on which that fails, none. */
  readonly safeValues: (object: T) => readonly string[];
  readonly buckets: Map<string, Bucket<T>>;
}

/** Told of an object that an index cannot file, since its function has thrown. */
export type Unfiled<T> = (index: string, object: T, error: unknown) => void;

/** The name of the index that every store of namespaced objects has. */
const namespaceIndex = 'namespace';

/**
 * Latest known objects by key, with indexes. One writer (the reflector), many readers; objects are shared, arrays are
 * shared until the next change, and neither is ever changed in place.
 */
export class Store<T extends KubernetesObject> implements Lister<T> {
  readonly #all: Bucket<T> = { objects: new Map(), array: undefined };
  readonly #indexes = new Map<string, Index<T>>();

  readonly #unfiled: Unfiled<T>;

  constructor(unfiled: Unfiled<T> = () => undefined) {
    this.#unfiled = unfiled;
    this.addIndex(namespaceIndex, (object) => (object.metadata.namespace ? [object.metadata.namespace] : []));
  }

  get size(): number {
    return this.#all.objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#all.objects.get(key);
  }

  has(key: ObjectKey): boolean {
    return this.#all.objects.has(key);
  }

  keys(): Iterable<ObjectKey> {
    return this.#all.objects.keys();
  }

  list(): readonly T[] {
    return arrayOf(this.#all);
  }

  inNamespace(namespace: string): readonly T[] {
    return this.by(namespaceIndex, namespace);
  }

  by(index: string, value: string): readonly T[] {
    const bucket = this.#index(index).buckets.get(value);
    return bucket ? arrayOf(bucket) : [];
  }

  /** The values under which the named index files an object. Throws if there is no such index. */
  valuesOf(index: string, object: T): readonly string[] {
    return this.#index(index).safeValues(object);
  }

  /** @throws Error when the name stands for another function already */
  addIndex(name: string, values: (object: T) => readonly string[]): void {
    const existing = this.#indexes.get(name);
    if (existing) {
      if (existing.values === values) return;
      throw new Error(`the index "${name}" is declared already, with another function`);
    }
    const index: Index<T> = { values, safeValues: safely(values), buckets: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#all.objects) this.#file(name, index, key, object);
  }

  /** Puts the object in; `undefined` if the store holds the same revision already. */
  set(object: T): InformerEvent<T> | undefined {
    const key = keyOf(object);
    const previous = this.#all.objects.get(key);
    if (previous !== undefined) {
      const same = previous.metadata.resourceVersion;
      if (
        previous === object ||
        (same !== undefined &&
          same === object.metadata.resourceVersion &&
          previous.metadata.uid === object.metadata.uid)
      ) {
        return undefined;
      }
      for (const index of this.#indexes.values()) unfile(index, key, previous);
    }
    put(this.#all, key, object);
    for (const [name, index] of this.#indexes) this.#file(name, index, key, object);
    return previous === undefined ? { type: 'added', key, object } : { type: 'updated', key, object, previous };
  }

  /** Takes the object out. Without `last`, its final state, the event carries what the store held. */
  delete(key: ObjectKey, last?: T): InformerEvent<T> | undefined {
    const previous = this.#all.objects.get(key);
    if (previous === undefined) return undefined;
    this.#all.objects.delete(key);
    this.#all.array = undefined;
    for (const index of this.#indexes.values()) unfile(index, key, previous);
    return last === undefined
      ? { type: 'deleted', key, object: previous, finalStateUnknown: true }
      : { type: 'deleted', key, object: last };
  }

  /** One object on which a function throws must not keep all others from being known. */
  #file(name: string, { values, buckets }: Index<T>, key: ObjectKey, object: T): void {
    let found: readonly string[];
    try {
      found = values(object);
    } catch (error) {
      this.#unfiled(name, object, error);
      return;
    }
    for (const value of found) {
      let bucket = buckets.get(value);
      if (!bucket) {
        bucket = { objects: new Map(), array: undefined };
        buckets.set(value, bucket);
      }
      put(bucket, key, object);
    }
  }

  #index(name: string): Index<T> {
    const found = this.#indexes.get(name);
    if (found) return found;
    throw new Error(`there is no index "${name}"; there are ${[...this.#indexes.keys()].join(', ')}`);
  }
}

function arrayOf<T>(bucket: Bucket<T>): readonly T[] {
  bucket.array ??= [...bucket.objects.values()];
  return bucket.array;
}

function put<T>(bucket: Bucket<T>, key: ObjectKey, object: T): void {
  bucket.objects.set(key, object);
  bucket.array = undefined;
}

function unfile<T>(index: Index<T>, key: ObjectKey, object: T): void {
  for (const value of index.safeValues(object)) {
    const bucket = index.buckets.get(value);
    if (!bucket) continue;
    bucket.objects.delete(key);
    bucket.array = undefined;
    if (bucket.objects.size === 0) index.buckets.delete(value);
  }
}

function safely<T>(values: (object: T) => readonly string[]): (object: T) => readonly string[] {
  return (object) => {
    try {
      return values(object);
    } catch {
      // It was told of when the object was filed.
      return [];
    }
  };
}
