/** Matching pods by topology value, with zero for values that have none; what a supposition changes is kept apart. */
export class SpreadCounts {
  private readonly counts: ReadonlyMap<string, number>;
  private readonly values: ReadonlySet<string>;
  private changes: Map<string, number> | undefined;
  private least: number | undefined;

  /** @param counts shared with others, never changed here; values without pods may be missing */
  constructor(counts: ReadonlyMap<string, number>, values: ReadonlySet<string>) {
    this.counts = counts;
    this.values = values;
  }

  /** How many values there are. */
  get size(): number {
    return this.values.size;
  }

  get(value: string): number {
    return (this.counts.get(value) ?? 0) + (this.changes?.get(value) ?? 0);
  }

  add(value: string, change: number): void {
    if (!this.values.has(value)) return;
    this.changes ??= new Map();
    this.changes.set(value, (this.changes.get(value) ?? 0) + change);
    this.least = undefined;
  }

  /** The smallest count of any value, found once. */
  minimum(): number {
    this.least ??= this.findMinimum();
    return this.least;
  }

  clone(): SpreadCounts {
    const copy = new SpreadCounts(this.counts, this.values);
    copy.changes = this.changes && new Map(this.changes);
    copy.least = this.least;
    return copy;
  }

  private findMinimum(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const value of this.values) {
      const count = this.get(value);
      if (count < least) least = count;
      if (least <= 0) break;
    }
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }
}
