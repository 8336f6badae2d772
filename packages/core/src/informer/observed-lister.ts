import type { KubernetesObject } from '../api/index.ts';
import type { ObjectKey } from '../machinery/index.ts';
import type { Lister, ReadObserver } from './contract.ts';

/** Reads of a cache that somebody is told of. */
export class ObservedLister<T extends KubernetesObject> implements Lister<T> {
  readonly #lister: Lister<T>;
  readonly #observe: ReadObserver;

  constructor(lister: Lister<T>, observe: ReadObserver) {
    this.#lister = lister;
    this.#observe = observe;
  }

  get(key: ObjectKey): T | undefined {
    const object = this.#lister.get(key);
    if (object) this.#observe([object]);
    return object;
  }

  list(): readonly T[] {
    this.#observe(undefined);
    return this.#lister.list();
  }

  inNamespace(namespace: string): readonly T[] {
    return this.#all(this.#lister.inNamespace(namespace));
  }

  by(index: string, value: string): readonly T[] {
    return this.#all(this.#lister.by(index, value));
  }

  #all(objects: readonly T[]): readonly T[] {
    this.#observe(objects);
    return objects;
  }
}
