import { type CelFunction, type CelOverload, memberOverload, overload } from '../contract.ts';
import type { CelType, ShapesOf } from '../type.ts';
import type { CelValue } from '../value.ts';
import { type CallCost, fixedCost } from './cost-rules.ts';

type Implementation<A extends readonly CelType[]> = (...args: ShapesOf<A>) => CelValue;

const one = fixedCost(1);

/** A function with its signatures. */
export const named = (name: string, ...overloads: readonly CelOverload[]): CelFunction => ({ name, overloads });

/** A signature that is called as `f(x)`. */
export function call<const A extends readonly CelType[]>(
  id: string,
  args: A,
  result: CelType,
  implementation: Implementation<A>,
  cost: CallCost = one,
): CelOverload {
  return overload({ id, args, result, implementation, ...cost });
}

/** A signature that is called as `x.f(y)`. */
export function method<const A extends readonly CelType[]>(
  id: string,
  args: A,
  result: CelType,
  implementation: Implementation<A>,
  cost: CallCost = one,
): CelOverload {
  return memberOverload({ id, args, result, implementation, ...cost });
}
