/** Counts by topology value: those of the snapshot, which are shared, and what a supposition adds or takes away. */
export class TopologyCounts {
  private readonly counts: ReadonlyMap<string, number> | undefined;
  private changes: Map<string, number> | undefined;

  constructor(counts: ReadonlyMap<string, number> | undefined) {
    this.counts = counts;
  }

  get(value: string): number {
    return (this.counts?.get(value) ?? 0) + (this.changes?.get(value) ?? 0);
  }

  add(value: string, change: number): void {
    this.changes ??= new Map();
    this.changes.set(value, (this.changes.get(value) ?? 0) + change);
  }

  isEmpty(): boolean {
    if (this.counts) for (const value of this.counts.keys()) if (this.get(value) > 0) return false;
    if (this.changes) for (const value of this.changes.keys()) if (this.get(value) > 0) return false;
    return true;
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts(this.counts);
    copy.changes = this.changes && new Map(this.changes);
    return copy;
  }
}
