import type { CelLibrary, SizeEstimate } from '../contract.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  paramType,
  stringType,
  timestampType,
  uintType,
} from '../standard-types.ts';
import type { Expression } from '../syntax/expression.ts';
import type { ExpressionFactory, Macro } from '../syntax/macro.ts';
import type { CelType } from '../type.ts';
import { CelArray, CelDuration, CelError, CelList, CelTimestamp, CelUint, type CelValue } from '../value.ts';
import {
  added,
  bounded,
  type CallCost,
  fixed,
  literalCount,
  multiplied,
  perCharacter,
  sizeEstimate,
  sizeOf,
  times,
  unbounded,
} from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { compare, ValueSet } from './equality.ts';
import { costExceeded, greatestCallCost, Steps } from './limits.ts';

/** A new list, and the call. */
const base = fixed(11);
const baseCost = 11;

/** As many more as there are elements in what `from` picks. */
function linearCost(from: 'argument' | 'result'): CallCost {
  return {
    estimate: ([list]) => {
      const resultSize = sizeEstimate(list);
      return { cost: added(base, resultSize), resultSize };
    },
    cost: ([list], result) => baseCost + sizeOf(from === 'argument' ? list : result),
  };
}

const isText = (value: CelValue | undefined): boolean => typeof value === 'string' || value instanceof Uint8Array;

/** Each element is compared with each, both ways; `estimated` tells that they are texts, which are read besides. */
function squareCost(estimated: 'texts' | 'others', compared = 0): CallCost {
  const factor = 2 + (estimated === 'texts' ? perCharacter : 0);
  return {
    estimate: ([list]) => {
      const square = multiplied(sizeEstimate(list), sizeEstimate(list));
      return { cost: added(base, times(square, factor)), resultSize: square };
    },
    cost: (args, _result, known) => {
      if (!known) return 1;
      const list = args[compared];
      const size = sizeOf(args[0]);
      const texts = list instanceof CelList && list.size > 0 && isText(list.at(0));
      return baseCost + Math.trunc(size * size * (2 + (texts ? perCharacter : 0)));
    },
  };
}

const depthCost: CallCost = {
  estimate: ([list, depth]) => {
    const resultSize = sizeEstimate(list);
    const isNegative = depth?.expression.kind === 'literal' && literalCount(depth) === undefined;
    const levels = isNegative ? 0 : (literalCount(depth) ?? unbounded);
    return { cost: added(base, multiplied(resultSize, fixed(levels))), resultSize };
  },
  cost: ([list, depth]) => baseCost + sizeOf(list) * (typeof depth === 'bigint' ? Number(depth) : 1),
};

const sliceCost: CallCost = {
  estimate: ([list, start, end]) => {
    const isWritten = end?.expression.kind === 'literal';
    const to = literalCount(end) ?? (isWritten ? unbounded : sizeEstimate(list).max);
    const from = literalCount(start) ?? 0;
    // Kubernetes counts without sign: less than nothing is more than anything.
    const size = to >= from ? to - from : unbounded;
    return { cost: fixed(bounded(baseCost + size)), resultSize: fixed(size) };
  },
  cost: (_, result) => baseCost + sizeOf(result),
};

const rangeCost: CallCost = {
  estimate: ([count]) => {
    const isWritten = count?.expression.kind === 'literal';
    const size: SizeEstimate = fixed(literalCount(count) ?? (isWritten ? 0 : unbounded));
    return { cost: added(base, size), resultSize: size };
  },
  cost: (_, result) => baseCost + sizeOf(result),
};

function distinct(list: CelList): CelArray {
  const seen = new ValueSet();
  return new CelArray([...list].filter((each) => seen.add(each)));
}

function range(count: bigint): CelArray {
  // A longer one costs more than a call may: it is not made, so that it does not take the memory of the server.
  if (count > greatestCallCost) throw costExceeded();
  return new CelArray(Array.from({ length: Math.max(Number(count), 0) }, (_, index) => BigInt(index)));
}

const reverse = (list: CelList): CelArray => new CelArray([...list].reverse());

function slice(list: CelList, start: bigint, end: bigint): CelArray {
  const refused = (why: string) => new CelError(`cannot slice(${start}, ${end}), ${why}`);
  if (start < 0n || end < 0n) throw refused('negative indexes not supported');
  if (start > end) throw refused('start index must be less than or equal to end index');
  if (end > BigInt(list.size)) throw refused(`list is length ${list.size}`);
  const items: CelValue[] = [];
  for (let index = Number(start); index < Number(end); index++) items.push(list.at(index));
  return new CelArray(items);
}

function flatten(list: CelList, depth: bigint): CelArray {
  if (depth < 0n) throw new CelError('level must be non-negative');
  const items: CelValue[] = [];
  const steps = new Steps();
  const gather = (from: CelList, left: bigint) => {
    steps.take(from.size);
    for (let index = 0; index < from.size; index++) {
      const each = from.at(index);
      if (left > 0n && each instanceof CelList) gather(each, left - 1n);
      else items.push(each);
    }
  };
  gather(list, depth);
  return new CelArray(items);
}

/** What has an order, and what is alike in it. */
function orderOf(value: CelValue): string | undefined {
  if (value instanceof CelUint) return 'uint';
  if (value instanceof CelDuration) return 'duration';
  if (value instanceof CelTimestamp) return 'timestamp';
  if (value instanceof Uint8Array) return 'bytes';
  return value === null || typeof value === 'object' ? undefined : typeof value;
}

/** The list in the order of the keys, which belong to its elements one by one. */
function sortBy(list: CelList, keys: CelList): CelArray {
  if (list.size !== keys.size) {
    throw new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.size} and ${keys.size} elements respectively.`,
    );
  }
  const kind = keys.size > 0 ? orderOf(keys.at(0)) : '';
  if (kind === undefined) throw new CelError('list elements must be comparable');
  const pairs = [...keys].map((key, index) => {
    if (orderOf(key) !== kind) throw new CelError('list elements must have the same type');
    return { key, value: list.at(index) };
  });
  return new CelArray(pairs.sort((a, b) => compare(a.key, b.key) ?? 0).map(({ value }) => value));
}

const any = paramType('T');
const list = listType(any);

/** Types that have an order, by the names that they have in the ids of cel-go. */
const comparable = [
  ['int', intType],
  ['uint', uintType],
  ['double', doubleType],
  ['bool', boolType],
  ['google.protobuf.Duration', durationType],
  ['google.protobuf.Timestamp', timestampType],
  ['string', stringType],
  ['bytes', bytesType],
] as const satisfies readonly (readonly [string, CelType])[];

const readOf = (type: CelType): 'texts' | 'others' =>
  type.kind === 'string' || type.kind === 'bytes' ? 'texts' : 'others';

const sorted = '@__sortBy_input__';
const sortable: ReadonlySet<Expression['kind']> = new Set(['list', 'select', 'identifier', 'comprehension', 'call']);

/** `x.sortBy(e, key)`: binds `x` to a name, maps it to its keys and sorts it by them. */
const sortByMacro: Macro = {
  name: 'sortBy',
  member: true,
  argCount: 2,
  expand(make, [variable, key], target) {
    if (!variable || !key) return undefined;
    if (!sortable.has(target.kind)) {
      return make.error(
        target,
        'sortBy can only be applied to a list, identifier, comprehension, call or select expression',
      );
    }
    if (variable.kind !== 'identifier') return make.error(variable, 'argument is not an identifier');
    const keys = keysOf(make, variable.name, key);
    return make.comprehension({
      range: make.list([]),
      iterator: '#unused',
      accumulator: sorted,
      init: target,
      condition: make.literal(false),
      step: make.identifier(sorted),
      result: make.call('@sortByAssociatedKeys', [keys], make.identifier(sorted)),
    });
  },
};

function keysOf(make: ExpressionFactory, iterator: string, key: Expression): Expression {
  const result = () => make.identifier('@result');
  return make.comprehension({
    range: make.identifier(sorted),
    iterator,
    init: make.list([]),
    condition: make.literal(true),
    step: make.call('_+_', [result(), make.list([key])]),
    result: result(),
  });
}

/** cel-go's functions for lists: https://pkg.go.dev/github.com/google/cel-go/ext#Lists, version 3 */
export const extListLibrary: CelLibrary = {
  name: 'cel.lib.ext.lists',
  macros: [sortByMacro],
  functions: [
    named('distinct', method('list_distinct', [list], list, distinct, squareCost('others'))),
    named('lists.range', call('lists_range', [intType], listType(intType), range, rangeCost)),
    named('reverse', method('list_reverse', [list], list, reverse, linearCost('result'))),
    named('slice', method('list_slice', [list, intType, intType], list, slice, sliceCost)),
    named(
      'flatten',
      method('list_flatten', [listType(list)], list, (nested) => flatten(nested, 1n), linearCost('argument')),
      method('list_flatten_int', [listType(dynType), intType], listType(dynType), flatten, depthCost),
    ),
    named(
      'sort',
      ...comparable.map(([name, type]) =>
        method(
          `list_${name}_sort`,
          [listType(type)],
          listType(type),
          (items) => sortBy(items, items),
          squareCost(readOf(type)),
        ),
      ),
    ),
    named(
      '@sortByAssociatedKeys',
      ...comparable.map(([name, type]) =>
        method(`list_${name}_sortByAssociatedKeys`, [list, listType(type)], list, sortBy, squareCost(readOf(type), 1)),
      ),
    ),
  ],
};
