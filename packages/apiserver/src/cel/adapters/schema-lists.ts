import { isEqual } from '../library/equality.ts';
import { CelArray, CelDuration, CelError, CelList, CelMap, CelTimestamp, type CelValue } from '../value.ts';
import { escapeName } from './escaping.ts';

type At = (index: number) => CelValue;

/** A list whose elements are made when they are asked for. */
export class LazyList extends CelList {
  readonly size: number;
  readonly #at: At;

  constructor(size: number, at: At) {
    super();
    this.size = size;
    this.#at = at;
  }

  at(index: number): CelValue {
    return this.#at(index);
  }
}

/** A list of type set: its order says nothing, and a sum holds nothing twice. */
export class SetList extends LazyList {
  override plus(other: CelList): CelList {
    return union(this, other);
  }

  override equalTo(other: CelList): boolean {
    return sameSet(this, other);
  }
}

class MergedSet extends CelArray {
  override plus(other: CelList): CelList {
    return union(this, other);
  }

  override equalTo(other: CelList): boolean {
    return sameSet(this, other);
  }
}

function union(left: CelList, right: CelList): CelList {
  const own = new Lookup<CelValue>(setKey);
  for (const each of left) own.add(each, each);
  return new MergedSet([...left, ...[...right].filter((each) => own.find(each) === undefined)]);
}

function sameSet(left: CelList, right: CelList): boolean {
  if (left.size !== right.size) return false;
  const own = new Lookup<CelValue>(setKey);
  for (const each of left) own.add(each, each);
  for (const each of right) if (own.find(each) === undefined) return false;
  return true;
}

/** A list of type map: elements are found by their keys; a sum replaces in place and appends what is new. */
export class KeyedList extends LazyList {
  readonly keys: readonly string[];

  constructor(size: number, at: At, keys: readonly string[]) {
    super(size, at);
    this.keys = keys;
  }

  override plus(other: CelList): CelList {
    return merged(this, other, this.keys);
  }

  override equalTo(other: CelList): boolean {
    return sameByKeys(this, other, this.keys);
  }
}

class MergedMapList extends CelArray {
  readonly keys: readonly string[];

  constructor(items: readonly CelValue[], keys: readonly string[]) {
    super(items);
    this.keys = keys;
  }

  override plus(other: CelList): CelList {
    return merged(this, other, this.keys);
  }

  override equalTo(other: CelList): boolean {
    return sameByKeys(this, other, this.keys);
  }
}

function merged(left: CelList, right: CelList, keys: readonly string[]): CelList {
  const items = [...left];
  const places = new Lookup<number>((each) => mapKey(each, keys));
  items.forEach((each, index) => {
    places.add(each, index);
  });
  for (const each of right) {
    const place = places.find(each);
    if (place === undefined) {
      places.add(each, items.length);
      items.push(each);
    } else items[place] = each;
  }
  return new MergedMapList(items, keys);
}

function sameByKeys(left: CelList, right: CelList, keys: readonly string[]): boolean {
  if (left.size !== right.size) return false;
  const own = new Lookup<CelValue>((each) => mapKey(each, keys));
  for (const each of left) own.add(each, each);
  for (const each of right) {
    const found = own.find(each);
    if (found === undefined || !isEqual(found, each)) return false;
  }
  return true;
}

/** What is found by a text that stands for a value. */
class Lookup<V> {
  readonly #keyOf: (value: CelValue) => string;
  readonly #known = new Map<string, V>();

  constructor(keyOf: (value: CelValue) => string) {
    this.#keyOf = keyOf;
  }

  add(key: CelValue, value: V): void {
    this.#known.set(this.#keyOf(key), value);
  }

  find(key: CelValue): V | undefined {
    return this.#known.get(this.#keyOf(key));
  }
}

/** A text that two values have in common only where they are equal. */
function setKey(value: CelValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `n${value}`;
  if (typeof value === 'number') return Number.isInteger(value) ? `n${BigInt(value)}` : `n${value}`;
  if (typeof value !== 'object') return `${typeof value} ${value}`;
  if (value instanceof CelTimestamp) return `t${value.nanoseconds}`;
  if (value instanceof CelDuration) return `d${value.nanoseconds}`;
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`;
  if (value instanceof CelList) return `[${[...value].map(setKey).join()}]`;
  if (!(value instanceof CelMap)) throw new CelError('no such overload');
  const entries = [...value.keys()].map((key) => `${JSON.stringify(setKey(key))}:${setKey(value.get(key) ?? null)}`);
  return `{${entries.sort().join()}}`;
}

function mapKey(element: CelValue, keys: readonly string[]): string {
  if (!(element instanceof CelMap)) {
    throw new CelError(
      `unexpected data format for element of array with x-kubernetes-list-type=map: ${typeof element}`,
    );
  }
  return keys.map((key) => JSON.stringify(setKey(element.get(escapeName(key) ?? key) ?? null))).join();
}
