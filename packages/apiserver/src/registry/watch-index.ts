import type { KubernetesObject, StatusError } from '@keelson/core';
import type { Revision } from '../storage/contract.ts';
import type { StoredObject } from './stored-object.ts';

/** One change of one object, decoded once however many watch it. */
export interface Change {
  readonly key: string;
  readonly revision: Revision;
  readonly current: StoredObject | undefined;
  readonly previous: StoredObject | undefined;
  /** Bytes of the object as it is stored. */
  readonly bytes: number;
}

/** A subscriber that is about few objects, so that the changes of others need not be shown to it. */
export type Narrowing =
  | { readonly name: string }
  | {
      readonly field: string;
      readonly value: string;
      readonly fieldsOf: (object: KubernetesObject, field: string) => string | undefined;
    };

export interface Subscriber {
  /** Of the keys it is about. */
  readonly prefix: string;
  /** Of all keys of the kind; default: `prefix` itself. */
  readonly kindPrefix?: string;
  readonly only?: Narrowing;
  /** Changes later than the subscriber's position, in order. */
  change(change: Change): void;
  /** From now on it is told as things happen; what was before has been delivered. */
  joined?(): void;
  /** Everything up to `revision` has been delivered. */
  progress(revision: Revision): void;
  /** The history is broken: the watch must end. */
  end(error: StatusError | undefined): void;
}

interface FieldIndex {
  readonly fieldsOf: (object: KubernetesObject, field: string) => string | undefined;
  readonly values: Map<string, Set<Subscriber>>;
}

/** The subscribers of one kind, found by what a change is about: a thousand kubelets' watches are not all asked. */
export class WatchIndex {
  readonly #kindPrefix: string;
  readonly #everything = new Set<Subscriber>();
  readonly #namespaces = new Map<string, Set<Subscriber>>();
  readonly #names = new Map<string, Set<Subscriber>>();
  readonly #fields = new Map<string, FieldIndex>();
  #size = 0;

  constructor(kindPrefix: string) {
    this.#kindPrefix = kindPrefix;
  }

  get size(): number {
    return this.#size;
  }

  add(subscriber: Subscriber): void {
    this.#setOf(subscriber, true)?.add(subscriber);
    this.#size++;
  }

  delete(subscriber: Subscriber): void {
    const set = this.#setOf(subscriber, false);
    if (!set?.delete(subscriber)) return;
    this.#size--;
    if (set.size === 0) this.#prune(subscriber);
  }

  *all(): Iterable<Subscriber> {
    yield* this.#everything;
    for (const each of this.#namespaces.values()) yield* each;
    for (const each of this.#names.values()) yield* each;
    for (const { values } of this.#fields.values()) for (const each of values.values()) yield* each;
  }

  /** Tells all whom a change of `key` may be of interest to. `decode` is called only if there is anybody. */
  tell(key: string, decode: () => Change): void {
    for (const each of this.#everything) each.change(decode());
    if (this.#namespaces.size > 0) {
      const end = key.indexOf('/', this.#kindPrefix.length);
      const set = end < 0 ? undefined : this.#namespaces.get(key.slice(0, end + 1));
      if (set) for (const each of set) each.change(decode());
    }
    if (this.#names.size > 0) this.#tellIn(this.#names.get(key.slice(key.lastIndexOf('/') + 1)), key, decode);
    for (const [field, { fieldsOf, values }] of this.#fields) {
      const { current, previous } = decode();
      const now = current && (fieldsOf(current.object, field) ?? '');
      const before = previous && (fieldsOf(previous.object, field) ?? '');
      if (now !== undefined) this.#tellIn(values.get(now), key, decode);
      if (before !== undefined && before !== now) this.#tellIn(values.get(before), key, decode);
    }
  }

  #tellIn(set: ReadonlySet<Subscriber> | undefined, key: string, decode: () => Change): void {
    if (set) for (const each of set) if (key.startsWith(each.prefix)) each.change(decode());
  }

  #setOf(subscriber: Subscriber, make: boolean): Set<Subscriber> | undefined {
    const { only, prefix } = subscriber;
    if (!only) return prefix === this.#kindPrefix ? this.#everything : setIn(this.#namespaces, prefix, make);
    if ('name' in only) return setIn(this.#names, only.name, make);
    let index = this.#fields.get(only.field);
    if (!index && make) {
      index = { fieldsOf: only.fieldsOf, values: new Map() };
      this.#fields.set(only.field, index);
    }
    return index && setIn(index.values, only.value, make);
  }

  #prune({ only, prefix }: Subscriber): void {
    if (!only) this.#namespaces.delete(prefix);
    else if ('name' in only) this.#names.delete(only.name);
    else {
      const values = this.#fields.get(only.field)?.values;
      values?.delete(only.value);
      if (values?.size === 0) this.#fields.delete(only.field);
    }
  }
}

function setIn(map: Map<string, Set<Subscriber>>, key: string, make: boolean): Set<Subscriber> | undefined {
  let set = map.get(key);
  if (!set && make) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}
