import type { CelFunction, CelOverload } from '../contract.ts';
import { overload } from '../contract.ts';
import { compare, holds, isEqual, noSuchOverload } from '../library/equality.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  intType,
  listType,
  mapType,
  paramType,
  stringType,
  timestampType,
  uintType,
} from '../standard-types.ts';
import type { CelType } from '../type.ts';
import { CelError, CelList, CelMap, type CelValue } from '../value.ts';
import { add, divide, modulo, multiply, negate, not, subtract } from './arithmetic.ts';
import { comparison, concatenation, equality, joining, membership } from './costs.ts';

export type Binary = (a: CelValue, b: CelValue) => CelValue;
export type Unary = (a: CelValue) => CelValue;

/** An order for values of any types. */
function ordering(holdsFor: (order: number) => boolean): Binary {
  return (a, b) => {
    const order = compare(a, b);
    if (order === undefined) throw noSuchOverload();
    if (Number.isNaN(order)) throw new CelError('NaN values cannot be ordered');
    return holdsFor(order);
  };
}

export const less = ordering((order) => order < 0);
export const lessOrEqual = ordering((order) => order <= 0);
export const greater = ordering((order) => order > 0);
export const greaterOrEqual = ordering((order) => order >= 0);

/** `a in b` */
export function isIn(a: CelValue, b: CelValue): boolean {
  if (b instanceof CelList) return holds(b, a);
  if (b instanceof CelMap) return b.has(a);
  throw noSuchOverload();
}

/** What operators do with two values, by their types as they are. */
export const binaries: ReadonlyMap<string, Binary> = new Map<string, Binary>([
  ['_+_', add],
  ['_-_', subtract],
  ['_*_', multiply],
  ['_/_', divide],
  ['_%_', modulo],
  ['_==_', isEqual],
  ['_!=_', (a, b) => !isEqual(a, b)],
  ['_<_', less],
  ['_<=_', lessOrEqual],
  ['_>_', greater],
  ['_>=_', greaterOrEqual],
  ['@in', isIn],
]);

export const unaries: ReadonlyMap<string, Unary> = new Map([
  ['!_', not],
  ['-_', negate],
]);

const a = paramType('A');
const b = paramType('B');

type Signature = readonly [
  id: string,
  args: readonly CelType<CelValue>[],
  result: CelType,
  cost?: Pick<CelOverload, 'estimate' | 'cost'>,
];

function operator(
  name: string,
  implementation: CelOverload['implementation'],
  signatures: readonly Signature[],
): CelFunction {
  const overloads = signatures.map(([id, args, result, cost]) =>
    overload({ id, args, result, implementation, ...cost }),
  );
  return { name, overloads };
}

const binary = (name: string, signatures: readonly Signature[]): CelFunction =>
  operator(name, binaries.get(name) ?? never, signatures);

/** What evaluation does itself, because it decides whether arguments are evaluated at all. */
const never = (): never => {
  throw noSuchOverload();
};

const same = (id: string, type: CelType<CelValue>, cost?: Pick<CelOverload, 'estimate' | 'cost'>): Signature => [
  id,
  [type, type],
  type,
  cost,
];
const numbers = (id: string): readonly Signature[] => [
  same(`${id}_double`, doubleType),
  same(`${id}_int64`, intType),
  same(`${id}_uint64`, uintType),
];

const ordered: readonly (readonly [string, CelType<CelValue>, boolean])[] = [
  ['bool', boolType, false],
  ['int64', intType, false],
  ['uint64', uintType, false],
  ['double', doubleType, false],
  ['string', stringType, true],
  ['bytes', bytesType, true],
  ['timestamp', timestampType, false],
  ['duration', durationType, false],
];
const numeric = ordered.filter(([name]) => name.endsWith('64') || name === 'double');

function comparisons(name: string, id: string): CelFunction {
  const own = ordered.map(
    ([type, of, long]): Signature => [`${id}_${type}`, [of, of], boolType, long ? comparison : {}],
  );
  const mixed = numeric.flatMap(([left, l]) =>
    numeric
      .filter(([right]) => right !== left)
      .map(([right, r]): Signature => [`${id}_${left}_${right}`, [l, r], boolType]),
  );
  return binary(name, [...own, ...mixed]);
}

/** Operators with their signatures (cel-spec, "Standard Definitions"). */
export const operators: readonly CelFunction[] = [
  operator('_?_:_', never, [['conditional', [boolType, a, a], a]]),
  operator('_&&_', never, [['logical_and', [boolType, boolType], boolType]]),
  operator('_||_', never, [['logical_or', [boolType, boolType], boolType]]),
  operator('@not_strictly_false', never, [['not_strictly_false', [boolType], boolType]]),
  operator('!_', unaries.get('!_') ?? never, [['logical_not', [boolType], boolType]]),
  operator('-_', unaries.get('-_') ?? never, [
    ['negate_double', [doubleType], doubleType],
    ['negate_int64', [intType], intType],
  ]),
  binary('_+_', [
    same('add_bytes', bytesType, concatenation),
    same('add_double', doubleType),
    same('add_duration_duration', durationType),
    ['add_duration_timestamp', [durationType, timestampType], timestampType],
    ['add_timestamp_duration', [timestampType, durationType], timestampType],
    same('add_int64', intType),
    same('add_list', listType(a), joining),
    same('add_string', stringType, concatenation),
    same('add_uint64', uintType),
  ]),
  binary('_-_', [
    ...numbers('subtract'),
    same('subtract_duration_duration', durationType),
    ['subtract_timestamp_duration', [timestampType, durationType], timestampType],
    ['subtract_timestamp_timestamp', [timestampType, timestampType], durationType],
  ]),
  binary('_*_', numbers('multiply')),
  binary('_/_', numbers('divide')),
  binary('_%_', numbers('modulo').slice(1)),
  binary('_==_', [['equals', [a, a], boolType, equality]]),
  binary('_!=_', [['not_equals', [a, a], boolType, comparison]]),
  comparisons('_<_', 'less'),
  comparisons('_<=_', 'less_equals'),
  comparisons('_>_', 'greater'),
  comparisons('_>=_', 'greater_equals'),
  binary('@in', [
    ['in_list', [a, listType(a)], boolType, membership],
    ['in_map', [a, mapType(a, b)], boolType],
  ]),
  operator('_[_]', never, [
    ['index_list', [listType(a), intType], a],
    ['index_map', [mapType(a, b), a], b],
  ]),
];
