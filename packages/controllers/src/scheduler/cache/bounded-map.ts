/** A map that forgets what was least recently used when it is full. */
export class BoundedMap<V> {
  private readonly values = new Map<string, V>();
  private readonly limit: number;
  private readonly onEvict: ((value: V) => void) | undefined;

  constructor(limit: number, onEvict?: (value: V) => void) {
    this.limit = limit;
    this.onEvict = onEvict;
  }

  get(key: string): V | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    this.values.delete(key);
    this.values.set(key, value);
    return value;
  }

  /** Stores what `make` returns unless the key is known. */
  getOrMake(key: string, make: () => V): V {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (this.values.size >= this.limit) {
      const [oldest, value] = this.values.entries().next().value!;
      this.values.delete(oldest);
      this.onEvict?.(value);
    }
    this.values.set(key, made);
    return made;
  }

  delete(key: string): void {
    this.values.delete(key);
  }

  all(): Iterable<V> {
    return this.values.values();
  }
}
