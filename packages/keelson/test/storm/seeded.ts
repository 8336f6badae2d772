/** Chance that can be repeated: the same seed draws the same numbers. */
export interface Seeded {
  /** From 0 on, below `most`. */
  below(most: number): number;
  chance(share: number): boolean;
  pick<T>(all: readonly [T, ...T[]]): T;
}

/** mulberry32. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (most) => Math.floor(next() * most),
    chance: (share) => next() < share,
    pick: (all) => all[Math.floor(next() * all.length)] ?? all[0],
  };
}
