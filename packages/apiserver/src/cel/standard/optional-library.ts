import { type CelLibrary, memberOverload, overload } from '../contract.ts';
import { boolType, intType, listType, mapType, optionalType, paramType } from '../standard-types.ts';
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

const k = paramType('K');
const v = paramType('V');
const of = optionalType(v);

/** Whether a value is the zero one of its type: what `optional.ofNonZeroValue` leaves out. */
function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true;
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelDuration) return value.nanoseconds === 0n;
  return value instanceof CelTimestamp && value.nanoseconds === -62135596800n * 1_000_000_000n;
}

function dereferenced({ value }: CelOptional): CelValue {
  if (value === undefined) throw new CelError('optional.none() dereference');
  return value;
}

const present =
  (name: string) =>
  (list: CelList): CelList => {
    const items: CelValue[] = [];
    for (const each of list) {
      if (!(each instanceof CelOptional)) throw new CelError(`no such overload: ${name}(list)`);
      if (each.value !== undefined) items.push(each.value);
    }
    return new CelArray(items);
  };

const at = (list: CelList, index: number): CelOptional =>
  index >= 0 && index < list.size ? new CelOptional(list.at(index)) : CelOptional.none;

/** Evaluation does itself what decides whether an argument is evaluated, and what is part of a path. */
const never = (): never => {
  throw new CelError('no such overload');
};

const index = (id: string, operand: CelType, by: CelType) =>
  overload({ id, args: [operand, by], result: of, implementation: never });

/** Optional values, as cel-go's extension of that name has them. */
export const optionalLibrary: CelLibrary = {
  name: 'optional',
  types: [new CelType('opaque', 'optional_type')],
  macros: optionalMacros,
  functions: [
    {
      name: 'optional.of',
      overloads: [
        overload({ id: 'optional_of', args: [v], result: of, implementation: (value) => new CelOptional(value) }),
      ],
    },
    {
      name: 'optional.ofNonZeroValue',
      overloads: [
        overload({
          id: 'optional_ofNonZeroValue',
          args: [v],
          result: of,
          implementation: (value) => (isZero(value) ? CelOptional.none : new CelOptional(value)),
        }),
      ],
    },
    {
      name: 'optional.none',
      overloads: [overload({ id: 'optional_none', args: [], result: of, implementation: () => CelOptional.none })],
    },
    {
      name: 'optional.unwrap',
      overloads: [
        overload({
          id: 'optional_unwrap',
          args: [listType(of)],
          result: listType(v),
          implementation: present('optional.unwrap'),
        }),
      ],
    },
    {
      name: 'unwrapOpt',
      overloads: [
        memberOverload({
          id: 'optional_unwrapOpt',
          args: [listType(of)],
          result: listType(v),
          implementation: present('unwrapOpt'),
        }),
      ],
    },
    {
      name: 'value',
      overloads: [memberOverload({ id: 'optional_value', args: [of], result: v, implementation: dereferenced })],
    },
    {
      name: 'hasValue',
      overloads: [
        memberOverload({
          id: 'optional_hasValue',
          args: [of],
          result: boolType,
          implementation: ({ value }) => value !== undefined,
        }),
      ],
    },
    {
      name: 'or',
      overloads: [memberOverload({ id: 'optional_or_optional', args: [of, of], result: of, implementation: never })],
    },
    {
      name: 'orValue',
      overloads: [memberOverload({ id: 'optional_orValue_value', args: [of, v], result: v, implementation: never })],
    },
    {
      name: 'first',
      overloads: [
        memberOverload({ id: 'list_first', args: [listType(v)], result: of, implementation: (list) => at(list, 0) }),
      ],
    },
    {
      name: 'last',
      overloads: [
        memberOverload({
          id: 'list_last',
          args: [listType(v)],
          result: of,
          implementation: (list) => at(list, list.size - 1),
        }),
      ],
    },
    {
      name: '_[?_]',
      overloads: [
        index('list_optindex_optional_int', listType(v), intType),
        index('optional_list_optindex_optional_int', optionalType(listType(v)), intType),
        index('map_optindex_optional_value', mapType(k, v), k),
        index('optional_map_optindex_optional_value', optionalType(mapType(k, v)), k),
      ],
    },
    {
      name: '_[_]',
      overloads: [
        index('optional_list_index_int', optionalType(listType(v)), intType),
        index('optional_map_index_value', optionalType(mapType(k, v)), k),
      ],
    },
  ],
};
