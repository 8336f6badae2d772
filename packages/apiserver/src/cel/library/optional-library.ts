import type { CelLibrary } from '../contract.ts';
import { boolType, dynType, listType, optionalType, paramType } from '../standard-types.ts';
import { optionalMacros } from '../syntax/standard-macros.ts';
import { CelType } from '../type.ts';
import {
  CelArray,
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
} from '../value.ts';
import { call, method, named } from './declare.ts';

const any = paramType('V');
const optional = optionalType(any);
const optionals = listType(optional);

/** 0001-01-01T00:00:00Z, the moment that Go calls zero. */
const zeroMoment = -62_135_596_800_000_000_000n;

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0 || value === 0n || value === '') return true;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelDuration) return value.nanoseconds === 0n;
  return value instanceof CelTimestamp && value.nanoseconds === zeroMoment;
}

function dereferenced({ value }: CelOptional): CelValue {
  if (value === undefined) throw new CelError('optional.none() dereference');
  return value;
}

function unwrap(list: CelList): CelArray {
  const values: CelValue[] = [];
  for (let index = 0; index < list.size; index++) {
    const each = list.at(index);
    if (!(each instanceof CelOptional)) {
      throw new CelError('value cannot be unwrapped: no such overload');
    }
    if (each.value !== undefined) values.push(each.value);
  }
  return new CelArray(values);
}

const at = (list: CelList, index: number): CelOptional =>
  list.size === 0 ? CelOptional.none : new CelOptional(list.at(index));

/** cel-go's optional values, version 2: https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes. `?.` and `[?]` are the language's. */
export const optionalLibrary: CelLibrary = {
  name: 'cel.lib.optional',
  macros: optionalMacros,
  constants: [
    {
      name: 'optional_type',
      type: new CelType('type', 'type', [optionalType(dynType)]),
      value: optionalType(dynType),
    },
  ],
  functions: [
    named(
      'optional.of',
      call('optional_of', [any], optional, (value) => new CelOptional(value)),
    ),
    named(
      'optional.ofNonZeroValue',
      call('optional_ofNonZeroValue', [any], optional, (value) =>
        isZero(value) ? CelOptional.none : new CelOptional(value),
      ),
    ),
    named(
      'optional.none',
      call('optional_none', [], optional, () => CelOptional.none),
    ),
    named('optional.unwrap', call('optional_unwrap', [optionals], listType(any), unwrap)),
    named('unwrapOpt', method('optional_unwrapOpt', [optionals], listType(any), unwrap)),
    named('value', method('optional_value', [optional], any, dereferenced)),
    named(
      'hasValue',
      method('optional_hasValue', [optional], boolType, ({ value }) => value !== undefined),
    ),
    named(
      'or',
      method('optional_or_optional', [optional, optional], optional, (first, other) =>
        first.value === undefined ? other : first,
      ),
    ),
    named(
      'orValue',
      method('optional_orValue_value', [optional, any], any, ({ value }, other) => value ?? other),
    ),
    named(
      'first',
      method('list_first', [listType(any)], optional, (list) => at(list, 0)),
    ),
    named(
      'last',
      method('list_last', [listType(any)], optional, (list) => at(list, list.size - 1)),
    ),
  ],
};
