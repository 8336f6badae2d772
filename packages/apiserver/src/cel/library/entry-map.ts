import { CelMap, type CelValue } from '../value.ts';
import { identityOf, isSame } from './equality.ts';

interface Entries {
  readonly keys: CelValue[];
  readonly values: CelValue[];
  readonly places: Map<Key, number>;
}

type Key = string | number | bigint | boolean;

/** What stands for a key: equal numbers are one, whatever their type. */
const identity = (key: CelValue): Key | undefined => identityOf(key) ?? undefined;

/**
 * A map that grows by making another: what comes out of `with` shares all entries with what it came from, so that a
 * loop which adds one at a time is linear.
 */
export class EntryMap extends CelMap {
  readonly #entries: Entries;
  readonly size: number;

  private constructor(entries: Entries, size: number) {
    super();
    this.#entries = entries;
    this.size = size;
  }

  static of(entries: Iterable<readonly [CelValue, CelValue]>): EntryMap {
    const all: Entries = { keys: [], values: [], places: new Map() };
    for (const [key, value] of entries) add(all, key, value);
    return new EntryMap(all, all.keys.length);
  }

  static from(map: CelMap): EntryMap {
    if (map instanceof EntryMap) return map;
    return EntryMap.of([...map.keys()].map((key) => [key, map.get(key) ?? null]));
  }

  /** The same with one more entry; undefined where the key is there already. */
  with(key: CelValue, value: CelValue): EntryMap | undefined {
    if (this.get(key) !== undefined) return undefined;
    const { keys } = this.#entries;
    // Only the newest may write behind the entries that all share.
    if (keys.length !== this.size) return EntryMap.of(this.#own()).with(key, value);
    add(this.#entries, key, value);
    return new EntryMap(this.#entries, this.size + 1);
  }

  get(key: CelValue): CelValue | undefined {
    const place = placeOf(this.#entries, key);
    return place === undefined || place >= this.size ? undefined : this.#entries.values[place];
  }

  *keys(): Generator<CelValue, void, undefined> {
    for (const [key] of this.#own()) yield key;
  }

  *#own(): Generator<readonly [CelValue, CelValue], void, undefined> {
    const { keys, values } = this.#entries;
    for (let index = 0; index < this.size; index++) yield [keys[index] ?? null, values[index] ?? null];
  }
}

/** What has no identity (an object of a library) is looked for one by one. */
function placeOf({ keys, places }: Entries, key: CelValue): number | undefined {
  const known = identity(key);
  if (known !== undefined) return places.get(known);
  const place = keys.findIndex((each) => identity(each) === undefined && isSame(each, key));
  return place < 0 ? undefined : place;
}

function add(entries: Entries, key: CelValue, value: CelValue): void {
  if (placeOf(entries, key) !== undefined) return;
  const known = identity(key);
  if (known !== undefined) entries.places.set(known, entries.keys.length);
  entries.keys.push(key);
  entries.values.push(value);
}
