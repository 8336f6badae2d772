import type { PriorityLevelConfiguration } from '@keelson/core';

/** Seats of one priority level, by its configuration. */
export interface SeatBounds {
  readonly nominal: number;
  /** What it keeps whatever the others need. */
  readonly lower: number;
  /** What it may have when the others need nothing. */
  readonly upper: number;
}

type Spec = PriorityLevelConfiguration['spec'];

const defaultShares = 30;

export const sharesOf = (spec: Spec): number =>
  (spec?.type === 'Exempt' ? spec.exempt?.nominalConcurrencyShares : spec?.limited?.nominalConcurrencyShares) ??
  (spec?.type === 'Exempt' ? 0 : defaultShares);

/** The server's seats dealt out by shares, and what of them may be lent and borrowed (KEP-1040). */
export function seatBounds(levels: ReadonlyMap<string, Spec>, total: number): ReadonlyMap<string, SeatBounds> {
  let sum = 0;
  for (const spec of levels.values()) sum += sharesOf(spec);
  const bounds = new Map<string, SeatBounds>();
  for (const [name, spec] of levels) {
    const nominal = sum === 0 ? 0 : Math.ceil((total * sharesOf(spec)) / sum);
    const exempt = spec?.type === 'Exempt';
    const lendable = (exempt ? spec.exempt?.lendablePercent : spec?.limited?.lendablePercent) ?? 0;
    const borrowing = exempt ? undefined : spec?.limited?.borrowingLimitPercent;
    bounds.set(name, {
      nominal,
      lower: nominal - Math.round((nominal * lendable) / 100),
      upper: nominal + (borrowing === undefined ? total : Math.round((nominal * borrowing) / 100)),
    });
  }
  return bounds;
}

export interface SeatWish extends SeatBounds {
  readonly exempt: boolean;
  /** The most seats asked for at once in the last period. */
  readonly highest: number;
  readonly smoothed: number;
}

export interface SeatShare {
  readonly target: number;
  readonly current: number;
}

export interface Shares {
  /** By how much the targets of all are multiplied. */
  readonly fairFraction: number;
  readonly levels: ReadonlyMap<string, SeatShare>;
}

/**
 * Deals out all seats by what each level asked for lately: nobody gets less than its lower bound, nor less than it used
 * of its own; what is left goes to all in proportion to their targets (KEP-1040, borrowing between priority levels).
 */
export function dealSeats(wishes: ReadonlyMap<string, SeatWish>): Shares {
  let remaining = 0;
  const least = new Map<string, number>();
  for (const [name, { nominal, lower, highest, exempt }] of wishes) {
    const minimum = Math.max(lower, Math.min(nominal, highest));
    least.set(name, minimum);
    remaining += nominal - (exempt ? minimum : 0);
  }
  const target = (name: string, { smoothed }: SeatWish) => Math.max(least.get(name) ?? 0, smoothed);
  const at = (fraction: number, name: string, wish: SeatWish) =>
    Math.max(least.get(name) ?? 0, Math.min(wish.upper, fraction * target(name, wish)));
  const limited = [...wishes].filter(([, { exempt }]) => !exempt);
  const total = (fraction: number) => limited.reduce((sum, [name, wish]) => sum + at(fraction, name, wish), 0);
  const fairFraction = solve(total, remaining);
  const levels = new Map<string, SeatShare>();
  for (const [name, wish] of wishes) {
    const current = wish.exempt ? (least.get(name) ?? 0) : Math.round(at(fairFraction, name, wish));
    levels.set(name, { target: target(name, wish), current });
  }
  return { fairFraction, levels };
}

/** The fraction at which a function that never falls gives `wanted`; as near as there is one. */
function solve(total: (fraction: number) => number, wanted: number): number {
  let low = 0;
  let high = 1;
  while (total(high) < wanted && high < 1e6) high *= 2;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (total(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}
