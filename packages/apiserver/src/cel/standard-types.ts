import { type CelFields, CelType } from './type.ts';
import type { CelDuration, CelList, CelMap, CelObject, CelOptional, CelTimestamp, CelUint, CelValue } from './value.ts';

export const dynType = new CelType<CelValue>('dyn', 'dyn');
export const anyType = new CelType<CelValue>('any', 'google.protobuf.Any');
export const nullType = new CelType<null>('null', 'null_type');
export const boolType = new CelType<boolean>('bool', 'bool');
export const intType = new CelType<bigint>('int', 'int');
export const uintType = new CelType<CelUint>('uint', 'uint');
export const doubleType = new CelType<number>('double', 'double');
export const stringType = new CelType<string>('string', 'string');
export const bytesType = new CelType<Uint8Array>('bytes', 'bytes');
export const durationType = new CelType<CelDuration>('duration', 'google.protobuf.Duration');
export const timestampType = new CelType<CelTimestamp>('timestamp', 'google.protobuf.Timestamp');
/** What stands for an expression that could not be typed, so that one mistake is told once. */
export const errorType = new CelType<never>('error', '!error!');

export const listType = (element: CelType): CelType<CelList> => new CelType('list', 'list', [element]);
export const mapType = (key: CelType, value: CelType): CelType<CelMap> => new CelType('map', 'map', [key, value]);
/** The type of types: `type(int)` is that of `int`. */
export const typeType = (of?: CelType): CelType<CelType> => new CelType('type', 'type', of ? [of] : []);
/** A parameter of a function's signature, by its name. */
export const paramType = (name: string): CelType<CelValue> => new CelType('param', name);
/** A primitive that may be null. */
export const wrapperType = (of: CelType): CelType<CelValue> => new CelType('wrapper', 'wrapper', [of]);
export const optionalType = (of: CelType): CelType<CelOptional> => new CelType('opaque', 'optional_type', [of]);
/** An abstract type of a library, with or without parameters. */
export const opaqueType = <V extends CelObject = CelObject>(
  name: string,
  parameters: readonly CelType[] = [],
): CelType<V> => new CelType('opaque', name, parameters);
/** A type with fields. Two object types are the same one where their names are. */
export const objectType = <V extends CelValue = CelObject>(name: string, fields: CelFields): CelType<V> =>
  new CelType('object', name, [], fields);

/** Fields from a plain table. */
export function fieldsOf(table: Readonly<Record<string, CelType>>): CelFields {
  const fields = new Map(Object.entries(table));
  return { type: (name) => fields.get(name), names: () => fields.keys() };
}
