import type { CallEstimate, CelOverload, CostEstimate, CostNode, SizeEstimate } from '../contract.ts';
import type { CelType } from '../type.ts';
import { CelList, CelMap, type CelValue } from '../value.ts';
import { perCharacter, perPatternCharacter } from './cost-factors.ts';
import { Steps } from './limits.ts';
import { codePoints } from './text.ts';

/** What a call costs: its static estimate and what it costs when it has run. */
export type CallCost = Pick<CelOverload, 'estimate' | 'cost'>;

/** Where costs and sizes stop: as near as a number comes to 2^64-1. */
export const unbounded = 2 ** 64;
export { perCharacter, perPatternCharacter };

export const bounded = (cost: number): number => Math.min(cost, unbounded);

const utf8Length = (text: string): number => Buffer.byteLength(text);

/** The size that costs are counted by: 1 for what has none. */
export function sizeOf(value: CelValue | undefined): number {
  if (typeof value === 'string') return codePoints(value);
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  return 1;
}

/** What it costs to walk through all of a value: a character a tenth, all else one. */
export function traversalCost(value: CelValue | undefined, steps = new Steps()): number {
  if (typeof value === 'string') return Math.trunc(utf8Length(value) * perCharacter);
  if (value instanceof Uint8Array) return Math.trunc(value.length * perCharacter);
  steps.take();
  let sum = 0;
  if (value instanceof CelList) {
    for (const each of value) sum += traversalCost(each, steps);
    return sum;
  }
  if (value instanceof CelMap) {
    for (const key of value.keys()) sum += traversalCost(key, steps) + traversalCost(value.get(key), steps);
    return sum;
  }
  return 1;
}

export const unknownSize: SizeEstimate = { min: 0, max: unbounded };

/** What is known of an argument's size. */
export const sizeEstimate = (node: CostNode | undefined): SizeEstimate => node?.size ?? unknownSize;

export const fixed = (cost: number): CostEstimate => ({ min: cost, max: cost });

/** The cost of so many units at `factor` each, rounded up. */
export function times(size: SizeEstimate, factor: number): CostEstimate {
  return { min: bounded(Math.ceil(size.min * factor)), max: bounded(Math.ceil(size.max * factor)) };
}

export function multiplied(left: CostEstimate, right: CostEstimate): CostEstimate {
  return { min: bounded(left.min * right.min), max: bounded(left.max * right.max) };
}

export function added(left: CostEstimate, right: CostEstimate): CostEstimate {
  return { min: bounded(left.min + right.min), max: bounded(left.max + right.max) };
}

/** A call that costs the same whatever it is given. */
export function fixedCost(cost: number): CallCost {
  return { estimate: () => ({ cost: fixed(cost) }), cost: () => cost };
}

/**
 * A call that reads its argument number `index` from end to end; `factor` for each character.
 * `result` tells the size of what comes out from the size of what goes in.
 */
export function readingCost(
  index: number,
  factor = perCharacter,
  result?: (args: readonly CostNode[]) => SizeEstimate | undefined,
): CallCost {
  return {
    estimate: (args): CallEstimate => {
      const resultSize = result?.(args);
      const cost = times(sizeEstimate(args[index]), factor);
      return resultSize ? { cost, resultSize } : { cost };
    },
    cost: (args) => Math.ceil(sizeOf(args[index]) * factor),
  };
}

/** The value of an argument that is written as a whole number that is not negative. */
export function literalCount(node: CostNode | undefined): number | undefined {
  if (node?.expression.kind !== 'literal' || typeof node.expression.value !== 'bigint') return undefined;
  return node.expression.value >= 0n ? Number(node.expression.value) : undefined;
}

/** The longest name of a format, which is what formats are compared by. */
const formatSize = 64;

/** What `==` of two values costs that a library of Kubernetes holds as one thing; undefined for all others. */
export function opaqueEquality({ name, fields }: CelType): CostEstimate | undefined {
  if (fields) return undefined;
  if (name === 'kubernetes.NamedFormat') return times({ min: 1, max: formatSize }, perCharacter);
  return /^(?:net|kubernetes)\./.test(name) && name !== 'kubernetes.URL' ? fixed(1) : undefined;
}
