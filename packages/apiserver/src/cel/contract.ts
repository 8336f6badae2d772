import type { Expression } from './syntax/expression.ts';
import type { Macro } from './syntax/macro.ts';
import type { CelType, ShapesOf } from './type.ts';
import type { CelValue } from './value.ts';

/** Smallest and greatest size: code points of a string, bytes, elements of a list, entries of a map. */
export interface SizeEstimate {
  readonly min: number;
  readonly max: number;
}

/** Smallest and greatest cost, in CEL's units. Everything is held below 2^64. */
export interface CostEstimate {
  readonly min: number;
  readonly max: number;
}

/** An argument as the static estimate of a call sees it. */
export interface CostNode {
  readonly expression: Expression;
  readonly type: CelType;
  /** Where the value comes from: `['self', 'spec', 'names', '@items']`; empty where it is computed. */
  readonly path: readonly string[];
  /** What the expression itself tells of its size (a literal, the result of a call), or else the declaration. */
  readonly size: SizeEstimate | undefined;
  /** An element of the list or a key or value of the map, where the declaration tells about it. */
  element(which: '@items' | '@keys' | '@values'): CostNode | undefined;
}

export interface CallEstimate {
  readonly cost: CostEstimate;
  readonly resultSize?: SizeEstimate;
}

/**
 * One signature of a function. For a member (`x.f(y)`) the first of `args` is the receiver.
 * `implementation` gets values whose types were seen to be those of `args` and throws a `CelError` where it fails.
 */
export interface CelOverload {
  /** Unique among all, such as `string_to_quantity`. */
  readonly id: string;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly member: boolean;
  readonly implementation: (...args: CelValue[]) => CelValue;
  /** Static cost of a call without that of its arguments; without it 1. */
  readonly estimate?: (args: readonly CostNode[]) => CallEstimate | undefined;
  /**
   * Cost of a call that has run, without that of its arguments; without it 1. `known` where the types alone told which
   * overload it is.
   */
  readonly cost?: (args: readonly CelValue[], result: CelValue, known: boolean) => number;
}

export interface CelFunction {
  readonly name: string;
  readonly overloads: readonly CelOverload[];
}

/** A name with a value that is the same in all evaluations. */
export interface CelConstant {
  readonly name: string;
  readonly type: CelType;
  readonly value: CelValue;
}

/** What an environment is put together from. Functions of one name in several libraries have all their overloads. */
export interface CelLibrary {
  readonly name: string;
  /** Types that may be named in an expression (`kubernetes.Quantity`) or made by a literal with fields. */
  readonly types?: readonly CelType[];
  readonly functions?: readonly CelFunction[];
  readonly macros?: readonly Macro[];
  readonly constants?: readonly CelConstant[];
}

export interface OverloadOptions<A extends readonly CelType[]> {
  readonly id: string;
  readonly args: A;
  readonly result: CelType;
  /** Typed by `args`: `[stringType, intType]` gives `(text: string, count: bigint)`. */
  readonly implementation: (...args: ShapesOf<A>) => CelValue;
  readonly estimate?: CelOverload['estimate'];
  readonly cost?: CelOverload['cost'];
}

type Untyped = Omit<CelOverload, 'member'>;

/**
 * A signature of a function that is called as `f(x)`. Whoever calls the implementation has looked at the arguments.
 *
 *     overload({ id: 'string_to_quantity', args: [stringType], result: quantityType, implementation: parseQuantity })
 */
export function overload<const A extends readonly CelType[]>(options: OverloadOptions<A>): CelOverload;
export function overload(options: Untyped): CelOverload {
  return { ...options, member: false };
}

/** A signature of a function that is called as `x.f(y)`; the first argument is `x`. */
export function memberOverload<const A extends readonly CelType[]>(options: OverloadOptions<A>): CelOverload;
export function memberOverload(options: Untyped): CelOverload {
  return { ...options, member: true };
}
