import { type CelFunction, type CelLibrary, type CelOverload, memberOverload, overload } from '../contract.ts';
import { patternFor } from '../library/go-regexp.ts';
import { codePoints } from '../library/text.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  nullType,
  paramType,
  stringType,
  timestampType,
  typeType,
  uintType,
} from '../standard-types.ts';
import { standardMacros } from '../syntax/standard-macros.ts';
import type { CelType } from '../type.ts';
import { CelList, CelMap, type CelValue } from '../value.ts';
import { conversions } from './conversions.ts';
import { matching, scannedText, searching } from './costs.ts';
import { operators } from './operators.ts';
import { durationField, durationFields, timestampField, timestampFields } from './times.ts';

function sizeOfValue(value: CelValue): bigint {
  if (typeof value === 'string') return BigInt(codePoints(value));
  if (value instanceof Uint8Array) return BigInt(value.length);
  return value instanceof CelList || value instanceof CelMap ? BigInt(value.size) : 1n;
}

const a = paramType('A');
const sized: readonly (readonly [string, CelType<CelValue>])[] = [
  ['string', stringType],
  ['bytes', bytesType],
  ['list', listType(a)],
  ['map', mapType(a, paramType('B'))],
];

const size: CelFunction = {
  name: 'size',
  overloads: sized.flatMap(([name, type]): CelOverload[] => {
    const implementation = sizeOfValue;
    return [
      overload({ id: `size_${name}`, args: [type], result: intType, implementation }),
      memberOverload({ id: `${name}_size`, args: [type], result: intType, implementation }),
    ];
  }),
};

const matches = (text: string, pattern: string): boolean => patternFor(text, pattern).test(text);

const texts: readonly CelFunction[] = [
  {
    name: 'contains',
    overloads: [
      memberOverload({
        id: 'contains_string',
        args: [stringType, stringType],
        result: boolType,
        implementation: (text, part) => text.includes(part),
        ...searching,
      }),
    ],
  },
  {
    name: 'startsWith',
    overloads: [
      memberOverload({
        id: 'starts_with_string',
        args: [stringType, stringType],
        result: boolType,
        implementation: (text, part) => text.startsWith(part),
        ...scannedText(0, undefined, 1),
      }),
    ],
  },
  {
    name: 'endsWith',
    overloads: [
      memberOverload({
        id: 'ends_with_string',
        args: [stringType, stringType],
        result: boolType,
        implementation: (text, part) => text.endsWith(part),
        ...scannedText(0, undefined, 1),
      }),
    ],
  },
  {
    name: 'matches',
    overloads: [
      overload({ id: 'matches', args: [stringType, stringType], result: boolType, implementation: matches }),
      memberOverload({
        id: 'matches_string',
        args: [stringType, stringType],
        result: boolType,
        implementation: matches,
        ...matching,
      }),
    ],
  },
];

const moments = timestampFields.map((name): CelFunction => {
  const plain = memberOverload({
    id: `timestamp_${name}`,
    args: [timestampType],
    result: intType,
    implementation: (value) => timestampField(name, value),
  });
  const zoned = memberOverload({
    id: `timestamp_${name}_with_tz`,
    args: [timestampType, stringType],
    result: intType,
    implementation: (value, zone) => timestampField(name, value, zone),
  });
  const duration = durationFields.find((each) => each === name);
  if (duration === undefined) return { name, overloads: [plain, zoned] };
  const span = memberOverload({
    id: `duration_${name}`,
    args: [durationType],
    result: intType,
    implementation: (value) => durationField(duration, value),
  });
  return { name, overloads: [plain, zoned, span] };
});

/** What CEL has without any extension (cel-spec, "List of Standard Definitions"). */
export const standardLibrary: CelLibrary = {
  name: 'standard',
  types: [
    boolType,
    bytesType,
    doubleType,
    durationType,
    intType,
    listType(dynType),
    mapType(dynType, dynType),
    nullType,
    stringType,
    timestampType,
    typeType(),
    uintType,
  ],
  functions: [...operators, size, ...conversions, ...texts, ...moments],
  constants: [{ name: 'google.protobuf.NullValue.NULL_VALUE', type: intType, value: 0n }],
  macros: standardMacros,
};

/** All overloads of the standard library: their runtime cost is 1 where only values tell which one it is. */
export const standardNames: ReadonlySet<string> = new Set(standardLibrary.functions?.map((each) => each.name));
