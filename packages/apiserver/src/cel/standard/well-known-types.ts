import { EntryMap } from '../library/entry-map.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  fieldsOf,
  intType,
  listType,
  mapType,
  stringType,
  timestampType,
  uintType,
  wrapperType,
} from '../standard-types.ts';
import { CelType } from '../type.ts';
import type { CelStruct } from '../types/struct.ts';
import { CelArray, CelError, type CelValue } from '../value.ts';
import { duration, int, timestamp, uint } from './arithmetic.ts';

/** The type of a literal as the checker sees it, with the fields that may be set. */
function literal(type: CelType, fields: Readonly<Record<string, CelType>>, create: CelStruct['create']): CelStruct {
  return { type: new CelType(type.kind, type.name, type.parameters, fieldsOf(fields)), create };
}

const second = 1_000_000_000n;
const whole = (value: CelValue | undefined): bigint => (typeof value === 'bigint' ? value : 0n);
const time = { seconds: intType, nanos: intType };

function wrapper(of: CelType, zero: CelValue, check: (value: CelValue) => CelValue = (value) => value): CelStruct {
  return literal(wrapperType(of), { value: of }, (fields) => check(fields.get('value') ?? zero));
}

function limited(bits: 32n | 64n, signed: boolean) {
  const low = signed ? -(2n ** (bits - 1n)) : 0n;
  const high = signed ? 2n ** (bits - 1n) - 1n : 2n ** bits - 1n;
  return (value: bigint): bigint => {
    if (value < low || value > high) throw new CelError(signed ? 'integer overflow' : 'unsigned integer overflow');
    return value;
  };
}

const int32 = limited(32n, true);
const uint32 = limited(32n, false);

const structs: Readonly<Record<string, CelStruct>> = {
  Timestamp: literal(timestampType, time, (fields) =>
    timestamp(whole(fields.get('seconds')) * second + whole(fields.get('nanos'))),
  ),
  Duration: literal(durationType, time, (fields) =>
    duration(whole(fields.get('seconds')) * second + whole(fields.get('nanos'))),
  ),
  BoolValue: wrapper(boolType, false),
  BytesValue: wrapper(bytesType, new Uint8Array()),
  DoubleValue: wrapper(doubleType, 0),
  FloatValue: wrapper(doubleType, 0, (value) => (typeof value === 'number' ? Math.fround(value) : value)),
  Int32Value: wrapper(intType, 0n, (value) => int32(whole(value))),
  Int64Value: wrapper(intType, 0n, (value) => int(whole(value))),
  StringValue: wrapper(stringType, ''),
  UInt32Value: wrapper(uintType, uint(0n), (value) => uint(uint32(wholeOf(value)))),
  UInt64Value: wrapper(uintType, uint(0n)),
  Struct: literal(
    mapType(stringType, dynType),
    { fields: mapType(stringType, dynType) },
    (fields) => fields.get('fields') ?? EntryMap.of([]),
  ),
  ListValue: literal(
    listType(dynType),
    { values: listType(dynType) },
    (fields) => fields.get('values') ?? new CelArray([]),
  ),
  Value: literal(
    dynType,
    {
      null_value: dynType,
      number_value: doubleType,
      string_value: stringType,
      bool_value: boolType,
      struct_value: mapType(stringType, dynType),
      list_value: listType(dynType),
    },
    (fields) => [...fields.entries()].map(([field, value]) => (field === 'null_value' ? null : value))[0] ?? null,
  ),
};

const wholeOf = (value: CelValue): bigint =>
  typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'bigint' ? value.value : 0n;

const prefix = 'google.protobuf.';

/** Messages that are values of CEL's own types: `google.protobuf.Timestamp{seconds: 1}`. */
export function wellKnownStruct(name: string): CelStruct | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const own = name.slice(prefix.length);
  return Object.hasOwn(structs, own) ? structs[own] : undefined;
}
