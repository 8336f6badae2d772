import type { CelOverload, CostEstimate, CostNode, SizeEstimate } from '../contract.ts';
import {
  bounded,
  opaqueEquality,
  perCharacter,
  perPatternCharacter,
  sizeEstimate,
  sizeOf,
  times,
} from '../library/cost-rules.ts';
import type { CelValue } from '../value.ts';

type Cost = Pick<CelOverload, 'estimate' | 'cost'>;

const plus = (a: SizeEstimate, b: SizeEstimate): SizeEstimate => ({
  min: bounded(a.min + b.min),
  max: bounded(a.max + b.max),
});
const product = (a: CostEstimate, b: CostEstimate): CostEstimate => ({
  min: bounded(a.min * b.min),
  max: bounded(a.max * b.max),
});
const sizes = (args: readonly CostNode[]): readonly [SizeEstimate, SizeEstimate] => [
  sizeEstimate(args[0]),
  sizeEstimate(args[1]),
];
/** The runtime cost of an operation whose overload only values tell is 1. */
const whenKnown =
  (cost: (args: readonly CelValue[]) => number): NonNullable<CelOverload['cost']> =>
  (args, _result, known) =>
    known ? cost(args) : 1;
const scanned = (value: CelValue | undefined, factor = perCharacter): number => Math.ceil(sizeOf(value) * factor);

/** Text or bytes that are read once. `estimated` is the argument of the estimate where it is another one. */
export function scannedText(index: number, result?: (size: SizeEstimate) => SizeEstimate, estimated = index): Cost {
  return {
    estimate: (args) => {
      const size = sizeEstimate(args[estimated]);
      return { cost: times(size, perCharacter), resultSize: result?.(size) };
    },
    cost: whenKnown((args) => scanned(args[index])),
  };
}

/** `==`, `<` and the like: as long as the shorter side. */
export const comparison: Cost = {
  estimate: (args) => {
    const [left, right] = sizes(args);
    const max = Math.min(left.max, right.max);
    return { cost: times({ min: max > 0 ? 1 : 0, max }, perCharacter) };
  },
  cost: whenKnown(([left, right]) => Math.ceil(Math.min(sizeOf(left), sizeOf(right)) * perCharacter)),
};

/** `==`: what a library holds as one thing is compared as one. */
export const equality: Cost = {
  estimate: (args) => {
    const opaque = args[0] && opaqueEquality(args[0].type);
    return opaque ? { cost: opaque } : comparison.estimate?.(args);
  },
  cost: comparison.cost,
};

/** `a + b` of text or bytes. */
export const concatenation: Cost = {
  estimate: (args) => {
    const size = plus(...sizes(args));
    return { cost: times(size, perCharacter), resultSize: size };
  },
  cost: whenKnown(([left, right]) => Math.ceil((sizeOf(left) + sizeOf(right)) * perCharacter)),
};

/** `a + b` of lists, which copies nothing. */
export const joining: Cost = {
  estimate: (args) => ({ cost: { min: 1, max: 1 }, resultSize: plus(...sizes(args)) }),
};

/** `x in list` */
export const membership: Cost = {
  estimate: (args) => ({ cost: times(sizeEstimate(args[1]), 1) }),
  cost: whenKnown((args) => sizeOf(args[1])),
};

/** `text.contains(part)` */
export const searching: Cost = {
  estimate: (args) => {
    const [text, part] = sizes(args);
    return { cost: product(times(text, perCharacter), times(part, perCharacter)) };
  },
  cost: ([text, part]) => scanned(text) * scanned(part),
};

/** `text.matches(pattern)` */
export const matching: Cost = {
  estimate: (args) => {
    const [text, pattern] = sizes(args);
    const each = times(plus(text, { min: 1, max: 1 }), perCharacter);
    return { cost: product(each, times(pattern, perPatternCharacter)) };
  },
  cost: ([text, pattern]) => Math.ceil((1 + sizeOf(text)) * perCharacter) * scanned(pattern, perPatternCharacter),
};
