import type { CelLibrary, CostEstimate, CostNode } from '../contract.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  intType,
  listType,
  paramType,
  stringType,
  timestampType,
  uintType,
} from '../standard-types.ts';
import type { CelType } from '../type.ts';
import { CelDuration, CelError, type CelList, CelUint, type CelValue } from '../value.ts';
import {
  added,
  type CallCost,
  fixed,
  multiplied,
  perCharacter,
  sizeEstimate,
  times,
  traversalCost,
} from './cost-rules.ts';
import { method, named } from './declare.ts';
import { compare, isSame, noSuchOverload } from './equality.ts';

const summable = [
  ['int', intType],
  ['uint', uintType],
  ['double', doubleType],
  ['duration', durationType],
] as const;
/** Types that have an order, by the names that they have in the ids of Kubernetes. */
const comparable = [
  ['int', intType],
  ['uint', uintType],
  ['double', doubleType],
  ['bool', boolType],
  ['duration', durationType],
  ['timestamp', timestampType],
  ['string', stringType],
  ['bytes', bytesType],
] as const satisfies readonly (readonly [string, CelType])[];

/** Looking at an element costs one, and where it is a text the reading of it. */
function elementCost(list: CostNode | undefined): CostEstimate {
  const kind = list?.type.parameters[0]?.kind;
  if (kind !== 'string' && kind !== 'bytes') return fixed(1);
  return added(fixed(1), times(sizeEstimate(list?.element('@items')), perCharacter));
}

/** One walk through the list, or the text. */
export const walkingCost: CallCost = {
  estimate: ([target]) => {
    const size = sizeEstimate(target);
    if (target?.type.kind !== 'list') return { cost: times(size, perCharacter) };
    return { cost: multiplied(size, elementCost(target)) };
  },
  cost: ([target]) => traversalCost(target),
};

const notInAnyOrder = (name: string) => new CelError(`no such overload: ${name}(list)`);

const hasOrder = (value: CelValue): boolean => compare(value, value) !== undefined;

/** Values that cannot be compared with each other are in any order, as in Kubernetes; none may have no order at all. */
function inPairs(name: string, list: CelList, look: (best: CelValue, each: CelValue) => CelValue): void {
  let best = list.at(0);
  if (!hasOrder(best)) throw notInAnyOrder(name);
  for (let index = 1; index < list.size; index++) {
    const each = list.at(index);
    if (!hasOrder(each)) throw noSuchOverload();
    best = look(best, each);
  }
}

function isSorted(list: CelList): boolean {
  let sorted = true;
  if (list.size === 0) return sorted;
  inPairs('isSorted', list, (before, each) => {
    if ((compare(before, each) ?? 0) > 0) sorted = false;
    return each;
  });
  return sorted;
}

/** The first of the least (`sign` 1) or greatest (`sign` -1). */
function extreme(name: 'min' | 'max', sign: 1 | -1) {
  return (list: CelList): CelValue => {
    if (list.size === 0) throw new CelError(`${name} called on empty list`);
    let best = list.at(0);
    inPairs(name, list, (before, each) => {
      best = (compare(before, each) ?? 0) * sign > 0 ? each : before;
      return best;
    });
    return best;
  };
}

const fits = (value: bigint, least: bigint, greatest: bigint): boolean => value >= least && value <= greatest;
const greatestInt = 2n ** 63n - 1n;
const greatestUint = 2n ** 64n - 1n;

function plus(left: CelValue, right: CelValue): CelValue {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    const sum = left + right;
    if (!fits(sum, -greatestInt - 1n, greatestInt)) throw new CelError('integer overflow');
    return sum;
  }
  if (left instanceof CelUint && right instanceof CelUint) {
    const sum = left.value + right.value;
    if (!fits(sum, 0n, greatestUint)) throw new CelError('unsigned integer overflow');
    return new CelUint(sum);
  }
  if (left instanceof CelDuration && right instanceof CelDuration) {
    const sum = left.nanoseconds + right.nanoseconds;
    if (!fits(sum, -greatestInt - 1n, greatestInt)) throw new CelError('integer overflow');
    return new CelDuration(sum);
  }
  throw noSuchOverload();
}

const zeros: Readonly<Record<(typeof summable)[number][0], CelValue>> = {
  int: 0n,
  uint: new CelUint(0n),
  double: 0,
  duration: new CelDuration(0n),
};

function sum(list: CelList, zero: CelValue): CelValue {
  if (list.size === 0) return zero;
  let total = list.at(0);
  if (!isSummable(total)) throw notInAnyOrder('sum');
  for (let index = 1; index < list.size; index++) total = plus(total, list.at(index));
  return total;
}

const isSummable = (value: CelValue): boolean =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof CelUint || value instanceof CelDuration;

function indexOf(list: CelList, wanted: CelValue): bigint {
  for (let index = 0; index < list.size; index++) if (isSame(list.at(index), wanted)) return BigInt(index);
  return -1n;
}

function lastIndexOf(list: CelList, wanted: CelValue): bigint {
  for (let index = list.size - 1; index >= 0; index--) if (isSame(list.at(index), wanted)) return BigInt(index);
  return -1n;
}

const each = paramType('A');

/** Kubernetes' functions for lists: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-list-library */
export const listLibrary: CelLibrary = {
  name: 'kubernetes.lists',
  functions: [
    named(
      'isSorted',
      ...comparable.map(([name, type]) =>
        method(`list_${name}_is_sorted_bool`, [listType(type)], boolType, isSorted, walkingCost),
      ),
    ),
    named(
      'sum',
      ...summable.map(([name, type]) =>
        method(`list_${name}_sum_${name}`, [listType(type)], type, (list) => sum(list, zeros[name]), walkingCost),
      ),
    ),
    named(
      'min',
      ...comparable.map(([name, type]) =>
        method(`list_${name}_min_${name}`, [listType(type)], type, extreme('min', 1), walkingCost),
      ),
    ),
    named(
      'max',
      ...comparable.map(([name, type]) =>
        method(`list_${name}_max_${name}`, [listType(type)], type, extreme('max', -1), walkingCost),
      ),
    ),
    named('indexOf', method('list_a_index_of_int', [listType(each), each], intType, indexOf, walkingCost)),
    named('lastIndexOf', method('list_a_last_index_of_int', [listType(each), each], intType, lastIndexOf, walkingCost)),
  ],
};
