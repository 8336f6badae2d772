/** A binary heap whose entries can be removed by key. */
export class KeyedHeap<T> {
  private readonly items: T[] = [];
  private readonly positions = new Map<string, number>();
  private readonly keyOf: (item: T) => string;
  private readonly compare: (a: T, b: T) => number;

  /** @param compare negative if `a` comes first */
  constructor(keyOf: (item: T) => string, compare: (a: T, b: T) => number) {
    this.keyOf = keyOf;
    this.compare = compare;
  }

  get size(): number {
    return this.items.length;
  }

  has(key: string): boolean {
    return this.positions.has(key);
  }

  get(key: string): T | undefined {
    const position = this.positions.get(key);
    return position === undefined ? undefined : this.items[position];
  }

  peek(): T | undefined {
    return this.items[0];
  }

  push(item: T): void {
    this.delete(this.keyOf(item));
    this.items.push(item);
    this.positions.set(this.keyOf(item), this.items.length - 1);
    this.up(this.items.length - 1);
  }

  pop(): T | undefined {
    const first = this.items[0];
    if (first !== undefined) this.delete(this.keyOf(first));
    return first;
  }

  delete(key: string): T | undefined {
    const position = this.positions.get(key);
    if (position === undefined) return undefined;
    const item = this.items[position]!;
    this.positions.delete(key);
    const last = this.items.pop()!;
    if (position < this.items.length) {
      this.items[position] = last;
      this.positions.set(this.keyOf(last), position);
      this.up(position);
      this.down(this.positions.get(this.keyOf(last))!);
    }
    return item;
  }

  values(): readonly T[] {
    return this.items;
  }

  private swap(a: number, b: number): void {
    const first = this.items[a]!;
    const second = this.items[b]!;
    this.items[a] = second;
    this.items[b] = first;
    this.positions.set(this.keyOf(second), a);
    this.positions.set(this.keyOf(first), b);
  }

  private up(position: number): void {
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (this.compare(this.items[position]!, this.items[parent]!) >= 0) return;
      this.swap(position, parent);
      position = parent;
    }
  }

  private down(position: number): void {
    for (;;) {
      let least = position;
      for (const child of [2 * position + 1, 2 * position + 2]) {
        if (child < this.items.length && this.compare(this.items[child]!, this.items[least]!) < 0) least = child;
      }
      if (least === position) return;
      this.swap(position, least);
      position = least;
    }
  }
}
