export interface Delayed<K> {
  readonly at: number;
  readonly key: K;
}

/** A binary heap by time: what is due first comes out first. */
export class DelayHeap<K> {
  readonly #items: Delayed<K>[] = [];

  get size(): number {
    return this.#items.length;
  }

  peek(): Delayed<K> | undefined {
    return this.#items[0];
  }

  push(item: Delayed<K>): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]!.at <= item.at) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): Delayed<K> | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]!.at < items[child]!.at) child += 1;
      if (items[child]!.at >= last.at) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return first;
  }

  /** Keeps what the predicate accepts. */
  retain(keep: (item: Delayed<K>) => boolean): void {
    const kept = this.#items.filter(keep);
    this.#items.length = 0;
    for (const each of kept) this.push(each);
  }

  clear(): void {
    this.#items.length = 0;
  }
}
