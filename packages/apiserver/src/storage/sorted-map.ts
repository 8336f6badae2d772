/** A block is split in two when it grows beyond this: large enough for few blocks, small enough for cheap inserts. */
const largestBlock = 256;

interface Block<V> {
  owner: object;
  keys: string[];
  values: V[];
  /** How many of the values count. */
  counted: number;
}

/**
 * A map in byte order of its keys (UTF-8), for a million of them. `fork` and `countFrom` take time for the blocks, not
 * for the entries: forks share blocks until one of the maps changes.
 */
export class SortedMap<V> {
  private blocks: Block<V>[] = [];
  private owner: object = {};
  private compare: (a: string, b: string) => number = compareUnits;
  private count = 0;
  private readonly counts: (value: V) => boolean;

  /** @param counts which values `countFrom` counts; it must always say the same of the same value */
  constructor(counts: (value: V) => boolean = () => true) {
    this.counts = counts;
  }

  get size(): number {
    return this.count;
  }

  get(key: string): V | undefined {
    const block = this.blocks[this.blockOf(key)];
    if (!block) return undefined;
    const at = this.positionIn(block.keys, key);
    return block.keys[at] === key ? block.values[at] : undefined;
  }

  set(key: string, value: V): void {
    this.orderFor(key);
    const index = this.blockOf(key);
    const block = this.writable(index);
    const at = this.positionIn(block.keys, key);
    const counted = this.counts(value) ? 1 : 0;
    if (block.keys[at] === key) {
      block.counted += counted - (this.counts(block.values[at]!) ? 1 : 0);
      block.values[at] = value;
      return;
    }
    block.counted += counted;
    block.keys.splice(at, 0, key);
    block.values.splice(at, 0, value);
    this.count++;
    if (block.keys.length > largestBlock) this.split(index, at === block.keys.length - 1);
  }

  delete(key: string): void {
    const index = this.blockOf(key);
    const found = this.blocks[index];
    if (!found) return;
    const at = this.positionIn(found.keys, key);
    if (found.keys[at] !== key) return;
    const block = this.writable(index);
    if (this.counts(block.values[at]!)) block.counted--;
    block.keys.splice(at, 1);
    block.values.splice(at, 1);
    this.count--;
    if (block.keys.length === 0) this.blocks.splice(index, 1);
  }

  /** Entries from `start` (inclusive) on whose key begins with `prefix`. `visit` returns false to stop. */
  scan(prefix: string, start: string, visit: (key: string, value: V) => boolean): void {
    let index = this.blockOf(start);
    let at = this.positionIn(this.blocks[index]?.keys ?? [], start);
    for (; index < this.blocks.length; index++, at = 0) {
      const { keys, values } = this.blocks[index]!;
      for (; at < keys.length; at++) {
        const key = keys[at]!;
        if (!key.startsWith(prefix) || !visit(key, values[at]!)) return;
      }
    }
  }

  /** How many counted values there are from `start` (inclusive) on whose key begins with `prefix`. */
  countFrom(prefix: string, start: string): number {
    let index = this.blockOf(start);
    let at = this.positionIn(this.blocks[index]?.keys ?? [], start);
    let count = 0;
    for (; index < this.blocks.length; index++, at = 0) {
      const { keys, values, counted } = this.blocks[index]!;
      if (at === 0 && keys[0]!.startsWith(prefix) && keys.at(-1)!.startsWith(prefix)) {
        count += counted;
        continue;
      }
      for (; at < keys.length; at++) {
        if (!keys[at]!.startsWith(prefix)) return count;
        if (this.counts(values[at]!)) count++;
      }
    }
    return count;
  }

  /** Which of two keys comes first, in this map's order. */
  compareKeys(a: string, b: string): number {
    return this.compare(a, b);
  }

  fork(): SortedMap<V> {
    const copy = new SortedMap<V>(this.counts);
    copy.blocks = this.blocks.slice();
    copy.compare = this.compare;
    copy.count = this.count;
    this.owner = {};
    return copy;
  }

  /** The last block that begins at or before the key, else the first. */
  private blockOf(key: string): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.compare(this.blocks[middle]!.keys[0]!, key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private positionIn(keys: readonly string[], key: string): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(keys[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private writable(index: number): Block<V> {
    const found = this.blocks[index];
    if (found?.owner === this.owner) return found;
    const block = {
      owner: this.owner,
      keys: found?.keys.slice() ?? [],
      values: found?.values.slice() ?? [],
      counted: found?.counted ?? 0,
    };
    this.blocks[index] = block;
    return block;
  }

  /** Keys that arrive in order leave full blocks behind. */
  private split(index: number, appended: boolean): void {
    const block = this.blocks[index]!;
    const at = appended ? block.keys.length - 1 : block.keys.length >>> 1;
    const keys = block.keys.splice(at);
    const values = block.values.splice(at);
    let counted = 0;
    for (const value of values) if (this.counts(value)) counted++;
    block.counted -= counted;
    const right = { owner: this.owner, keys, values, counted };
    this.blocks.splice(index + 1, 0, right);
  }

  /** JavaScript orders by UTF-16 units, which is byte order unless a key holds a surrogate: almost never. */
  private orderFor(key: string): void {
    if (this.compare === compareBytes || !/[\ud800-\udfff]/.test(key)) return;
    this.compare = compareBytes;
    const entries = this.blocks.flatMap(({ keys, values }) => keys.map((each, at) => [each, values[at]!] as const));
    this.blocks = [];
    this.count = 0;
    for (const [each, value] of entries) this.set(each, value);
  }
}

function compareUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
