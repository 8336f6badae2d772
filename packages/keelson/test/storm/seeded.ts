import { seededRandom } from '@keelson/core/testing';

/** Chance that can be repeated: the same seed draws the same numbers. */
export interface Seeded {
  /** From 0 on, below `most`. */
  below(most: number): number;
  chance(share: number): boolean;
  pick<T>(all: readonly [T, ...T[]]): T;
}

export function seeded(seed: number): Seeded {
  const next = seededRandom(seed);
  return {
    below: (most) => Math.floor(next() * most),
    chance: (share) => next() < share,
    pick: (all) => all[Math.floor(next() * all.length)] ?? all[0],
  };
}
