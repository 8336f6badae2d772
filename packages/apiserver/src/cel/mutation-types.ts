import { formatQuantity } from '@keelson/core';
import { NumberText } from '../schema/number-text.ts';
import { CelQuantity, isEqual } from './library/index.ts';
import { timestampText } from './standard/times.ts';
import { dynType, objectType, stringType } from './standard-types.ts';
import { CelType } from './type.ts';
import type { CelStruct } from './types/struct.ts';
import {
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelObject,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
} from './value.ts';

type Fields = ReadonlyMap<string, CelValue>;

/** A value with fields that a literal gave. */
abstract class LiteralObject extends CelObject {
  readonly type: CelType;
  readonly fields: Fields;

  constructor(type: CelType, fields: Fields) {
    super();
    this.type = type;
    this.fields = fields;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof LiteralObject) || other.type.name !== this.type.name) return false;
    if (this.fields.size !== other.fields.size) return false;
    return [...this.fields].every(([field, value]) => isEqual(value, other.fields.get(field)));
  }

  override has(field: string): boolean {
    return this.fields.has(field);
  }
}

/** What `Object{…}` of a mutating policy makes: a part of an object, to be merged into it as by server-side apply. */
export class CelObjectPatch extends LiteralObject {
  override get(field: string): CelValue {
    return this.fields.get(field) ?? null;
  }

  /** Whether each `Object.x.y{…}` stands where its name says; what Kubernetes says where one does not. */
  get mismatch(): string | undefined {
    return mismatchWithin(this, this.type.name);
  }

  /** Throws a `CelError` for a map whose keys are no texts. */
  toJson(): Record<string, unknown> {
    return Object.fromEntries([...this.fields].map(([field, value]) => [field, fieldJson(field, value)]));
  }
}

function fieldJson(field: string, value: CelValue): unknown {
  try {
    return toJson(value);
  } catch (error) {
    if (error instanceof CelError) throw new CelError(`fail to convert field "${field}": ${error.message}`);
    throw error;
  }
}

function mismatchWithin(value: CelValue, expected: string): string | undefined {
  if (value instanceof CelObjectPatch) {
    const { name } = value.type;
    if (name !== expected) {
      return `unexpected type name "${name}", expected "${expected}", which matches field name path from root Object type`;
    }
    return first([...value.fields], ([field, each]) => mismatchWithin(each, `${expected}.${field}`));
  }
  // Lists and maps have no name of their own.
  if (value instanceof CelList) return first([...value], (each) => mismatchWithin(each, expected));
  if (value instanceof CelMap) {
    return first([...value.keys()], (key) => mismatchWithin(value.get(key) ?? null, expected));
  }
  return undefined;
}

function first<T>(all: readonly T[], look: (each: T) => string | undefined): string | undefined {
  for (const each of all) {
    const found = look(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What `JSONPatch{…}` makes: an operation of RFC 6902. */
export class CelJsonPatch extends LiteralObject {
  override get(field: string): CelValue {
    return this.fields.get(field) ?? (field === 'value' ? null : '');
  }

  toOperation(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.fields].map(([field, value]) => [field, toJson(value)]));
  }
}

/** A value as JSON. Whole numbers that a double does not hold keep their text. */
export function toJson(value: CelValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return wholeJson(value);
  if (value instanceof CelUint) return wholeJson(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof CelDuration) return wholeJson(value.nanoseconds);
  if (value instanceof CelTimestamp) return timestampText(value);
  if (value instanceof CelOptional) return toJson(value.value ?? null);
  if (value instanceof CelList) return [...value].map(toJson);
  if (value instanceof CelMap) return mapJson(value);
  if (value instanceof CelType) return value.name;
  return objectJson(value);
}

function wholeJson(value: bigint): number | NumberText {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : new NumberText(String(value));
}

function mapJson(map: CelMap): Record<string, unknown> {
  return Object.fromEntries(
    Array.from(map.keys(), (key) => {
      if (typeof key !== 'string') throw new CelError('map key is not of type string');
      return [key, toJson(map.get(key) ?? null)];
    }),
  );
}

function objectJson(value: CelObject): unknown {
  if (value instanceof CelObjectPatch) return value.toJson();
  if (value instanceof CelJsonPatch) return value.toOperation();
  return value instanceof CelQuantity ? formatQuantity(value.amount) : String(value);
}

const objects = new Map<string, CelStruct>();
/** Names come from expressions: no more of them are kept than that. */
const mostObjects = 10_000;

function objectStruct(name: string): CelStruct {
  let struct = objects.get(name);
  if (!struct) {
    const type = objectType<CelObjectPatch>(name, { type: () => dynType, names: () => [] });
    struct = { type, create: (fields) => new CelObjectPatch(type, fields) };
    if (objects.size >= mostObjects) objects.clear();
    objects.set(name, struct);
  }
  return struct;
}

const patchFields = new Map<string, CelType>([
  ['op', stringType],
  ['from', stringType],
  ['path', stringType],
  ['value', dynType],
]);
const patchStruct: CelStruct = {
  type: objectType<CelJsonPatch>('JSONPatch', {
    type: (name) => patchFields.get(name),
    names: () => patchFields.keys(),
  }),
  create: (fields) => new CelJsonPatch(patchStruct.type, fields),
};

/** The types that mutating policies write literals of: `Object`, `Object.spec.template` and so on, and `JSONPatch`. */
export function mutationStruct(name: string): CelStruct | undefined {
  if (name === 'JSONPatch') return patchStruct;
  return name === 'Object' || name.startsWith('Object.') ? objectStruct(name) : undefined;
}

/** What the expression of an apply configuration gives, and that of a JSON patch (a list of these). */
export const objectPatchType: CelType = objectStruct('Object').type;
export const jsonPatchType: CelType = patchStruct.type;
