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
  optionalType,
  stringType,
  timestampType,
  typeType,
  uintType,
} from '../standard-types.ts';
import { CelType } from '../type.ts';
import {
  CelDuration,
  CelList,
  CelMap,
  CelObject,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
} from '../value.ts';

const list = listType(dynType);
const map = mapType(dynType, dynType);
const optional = optionalType(dynType);
const type = typeType();

/** The type of a value as it runs: lists and maps do not know what they hold. */
export function typeOf(value: CelValue): CelType {
  switch (typeof value) {
    case 'string':
      return stringType;
    case 'bigint':
      return intType;
    case 'boolean':
      return boolType;
    case 'number':
      return doubleType;
    default:
      return value === null ? nullType : typeOfObject(value);
  }
}

function typeOfObject(value: Exclude<CelValue, null | boolean | bigint | number | string>): CelType {
  if (value instanceof CelList) return list;
  if (value instanceof CelMap) return map;
  if (value instanceof CelObject) return value.type;
  if (value instanceof CelTimestamp) return timestampType;
  if (value instanceof CelDuration) return durationType;
  if (value instanceof CelOptional) return optional;
  if (value instanceof CelUint) return uintType;
  return value instanceof CelType ? type : bytesType;
}

/** Whether a value may be given where a type is declared; elements of lists and maps are not looked at. */
export function accepts(wanted: CelType, value: CelValue): boolean {
  switch (wanted.kind) {
    case 'string':
      return typeof value === 'string';
    case 'int':
      return typeof value === 'bigint';
    case 'bool':
      return typeof value === 'boolean';
    case 'double':
      return typeof value === 'number';
    case 'list':
      return value instanceof CelList;
    case 'map':
      return value instanceof CelMap;
    case 'uint':
      return value instanceof CelUint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'timestamp':
      return value instanceof CelTimestamp;
    case 'duration':
      return value instanceof CelDuration;
    case 'null':
      return value === null;
    case 'type':
      return value instanceof CelType;
    case 'wrapper':
      return value === null || (wanted.parameters[0] !== undefined && accepts(wanted.parameters[0], value));
    case 'opaque':
    case 'object':
      if (value instanceof CelOptional) return wanted.name === 'optional_type';
      return value instanceof CelObject && value.type.name === wanted.name;
    default:
      return true;
  }
}
