import type { CelFunction, CelOverload } from '../contract.ts';
import { overload } from '../contract.ts';
import { typeOf } from '../runtime/type-of.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  paramType,
  stringType,
  timestampType,
  typeType,
  uintType,
} from '../standard-types.ts';
import { CelError } from '../value.ts';
import { int, timestamp, uint } from './arithmetic.ts';
import { scannedText } from './costs.ts';
import {
  conversionError,
  doubleFromText,
  doubleText,
  intFromDouble,
  intFromText,
  uintFromDouble,
  uintFromText,
} from './numbers.ts';
import { durationFromText, durationSeconds, timestampFromText, timestampText, unixSeconds } from './times.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new CelError('invalid UTF-8 in bytes, cannot convert to string');
    throw error;
  }
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((each) => [each, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((each) => [each, false] as const),
]);

function boolFromText(text: string): boolean {
  const value = truths.get(text);
  if (value === undefined) throw conversionError('string', 'bool');
  return value;
}

const second = 1_000_000_000n;

const toBool: readonly CelOverload[] = [
  overload({ id: 'bool_to_bool', args: [boolType], result: boolType, implementation: (value) => value }),
  overload({ id: 'string_to_bool', args: [stringType], result: boolType, implementation: boolFromText }),
];

const toBytes: readonly CelOverload[] = [
  overload({ id: 'bytes_to_bytes', args: [bytesType], result: bytesType, implementation: (value) => value }),
  overload({
    id: 'string_to_bytes',
    args: [stringType],
    result: bytesType,
    implementation: (text) => encoder.encode(text),
    ...scannedText(0, ({ min, max }) => ({ min, max: max * 4 })),
  }),
];

const toDouble: readonly CelOverload[] = [
  overload({ id: 'double_to_double', args: [doubleType], result: doubleType, implementation: (value) => value }),
  overload({ id: 'int64_to_double', args: [intType], result: doubleType, implementation: (value) => Number(value) }),
  overload({
    id: 'uint64_to_double',
    args: [uintType],
    result: doubleType,
    implementation: ({ value }) => Number(value),
  }),
  overload({ id: 'string_to_double', args: [stringType], result: doubleType, implementation: doubleFromText }),
];

const toDuration: readonly CelOverload[] = [
  overload({
    id: 'duration_to_duration',
    args: [durationType],
    result: durationType,
    implementation: (value) => value,
  }),
  overload({ id: 'string_to_duration', args: [stringType], result: durationType, implementation: durationFromText }),
  overload({
    id: 'int64_to_duration',
    args: [intType],
    result: durationType,
    // Declared, but no server has it.
    implementation: () => {
      throw conversionError('int', 'google.protobuf.Duration');
    },
  }),
];

const toInt: readonly CelOverload[] = [
  overload({ id: 'int64_to_int64', args: [intType], result: intType, implementation: (value) => value }),
  overload({ id: 'uint64_to_int64', args: [uintType], result: intType, implementation: ({ value }) => int(value) }),
  overload({ id: 'double_to_int64', args: [doubleType], result: intType, implementation: intFromDouble }),
  overload({ id: 'string_to_int64', args: [stringType], result: intType, implementation: intFromText }),
  overload({ id: 'timestamp_to_int64', args: [timestampType], result: intType, implementation: unixSeconds }),
  overload({
    id: 'duration_to_int64',
    args: [durationType],
    result: intType,
    implementation: ({ nanoseconds }) => nanoseconds,
  }),
];

const toUint: readonly CelOverload[] = [
  overload({ id: 'uint64_to_uint64', args: [uintType], result: uintType, implementation: (value) => value }),
  overload({ id: 'int64_to_uint64', args: [intType], result: uintType, implementation: uint }),
  overload({ id: 'double_to_uint64', args: [doubleType], result: uintType, implementation: uintFromDouble }),
  overload({ id: 'string_to_uint64', args: [stringType], result: uintType, implementation: uintFromText }),
];

const toText: readonly CelOverload[] = [
  overload({ id: 'string_to_string', args: [stringType], result: stringType, implementation: (value) => value }),
  overload({ id: 'bool_to_string', args: [boolType], result: stringType, implementation: String }),
  overload({
    id: 'bytes_to_string',
    args: [bytesType],
    result: stringType,
    implementation: textOf,
    ...scannedText(0, ({ min, max }) => ({ min: Math.floor(min / 4), max })),
  }),
  overload({ id: 'double_to_string', args: [doubleType], result: stringType, implementation: doubleText }),
  overload({ id: 'duration_to_string', args: [durationType], result: stringType, implementation: durationSeconds }),
  overload({ id: 'int64_to_string', args: [intType], result: stringType, implementation: (value) => `${value}` }),
  overload({ id: 'timestamp_to_string', args: [timestampType], result: stringType, implementation: timestampText }),
  overload({ id: 'uint64_to_string', args: [uintType], result: stringType, implementation: ({ value }) => `${value}` }),
];

const toTimestamp: readonly CelOverload[] = [
  overload({
    id: 'timestamp_to_timestamp',
    args: [timestampType],
    result: timestampType,
    implementation: (value) => value,
  }),
  overload({ id: 'string_to_timestamp', args: [stringType], result: timestampType, implementation: timestampFromText }),
  overload({
    id: 'int64_to_timestamp',
    args: [intType],
    result: timestampType,
    implementation: (value) => timestamp(value * second),
  }),
];

const param = paramType('A');

/** `int('1')` and the like, `dyn(x)` and `type(x)`: what is folded where the argument is constant. */
export const conversions: readonly CelFunction[] = [
  { name: 'bool', overloads: toBool },
  { name: 'bytes', overloads: toBytes },
  { name: 'double', overloads: toDouble },
  { name: 'duration', overloads: toDuration },
  { name: 'int', overloads: toInt },
  { name: 'uint', overloads: toUint },
  { name: 'string', overloads: toText },
  { name: 'timestamp', overloads: toTimestamp },
  {
    name: 'dyn',
    overloads: [overload({ id: 'to_dyn', args: [param], result: dynType, implementation: (value) => value })],
  },
  {
    name: 'type',
    overloads: [overload({ id: 'type', args: [param], result: typeType(param), implementation: typeOf })],
  },
];

export const conversionNames: ReadonlySet<string> = new Set(conversions.map((each) => each.name));
