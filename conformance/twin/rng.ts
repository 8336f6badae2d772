import type { Random } from '@keelson/core';
import { seededRandom } from '@keelson/core/testing';

/** A small seeded generator: the same seed gives the same cases on every machine. */
export class Rng {
  /** From 0 on, below 1. */
  readonly next: Random;

  constructor(seed: string | number) {
    let hash = 2166136261;
    for (const char of String(seed)) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
    this.next = seededRandom(hash >>> 0);
  }

  int(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  bool(chance = 0.5): boolean {
    return this.next() < chance;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[this.int(items.length)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const a = result[i] as T;
      result[i] = result[j] as T;
      result[j] = a;
    }
    return result;
  }
}
