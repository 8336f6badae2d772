import type { JSONSchemaProps } from '@keelson/core';
import { NumberText } from '../../schema/number-text.ts';
import { isRecord } from '../../schema/records.ts';
import { CelError, type CelList, CelMap, type CelValue } from '../value.ts';
import { escapeName, unescapeName } from './escaping.ts';
import { type JsonRecord, jsonValue } from './json-value.ts';
import { itemsOf, valuesOf, withTypeAndObjectMeta } from './schema-declaration.ts';
import { KeyedList, LazyList, SetList } from './schema-lists.ts';
import { bytesOf, dateOf, durationOf, momentOf } from './schema-texts.ts';

/**
 * JSON as values of CEL by a structural schema; nothing is copied, and nothing converted before it is asked for. A value
 * that does not fit fails when it is asked for. `isRoot` for a whole object.
 */
export function schemaValue(json: unknown, schema: JSONSchemaProps, isRoot = false): CelValue {
  if (json === null || json === undefined) {
    if (schema.nullable) return null;
    throw new CelError('invalid data, got null for schema with nullable=false');
  }
  if (schema['x-kubernetes-int-or-string']) return intOrString(json);
  switch (schema.type) {
    case 'object':
      return objectValue(json, isRoot ? rootSchema(schema) : schema);
    case 'array':
      return listValue(json, schema);
    case 'string':
      return textValue(json, schema);
    case 'number':
      return doubleValue(json);
    case 'integer':
      return intValue(json);
    case 'boolean':
      if (typeof json !== 'boolean') throw unfit('bool', json);
      return json;
    default:
      if (schema['x-kubernetes-preserve-unknown-fields']) return jsonValue(json);
      throw new CelError(
        'invalid type, expected object, array, number, integer, boolean or string, or no type with ' +
          'x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ' +
          (schema.type ?? ''),
      );
  }
}

const unfit = (wanted: string, found: unknown): CelError =>
  new CelError(`invalid data, expected ${wanted}, got ${goType(found)}`);

/** As Go names the type of a decoded value. */
function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (value instanceof NumberText) return typeof jsonValue(value) === 'bigint' ? 'int64' : 'float64';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

function intOrString(json: unknown): CelValue {
  if (typeof json === 'string') return json;
  const value = typeof json === 'number' || json instanceof NumberText ? jsonValue(json) : undefined;
  if (typeof value === 'bigint') return value;
  throw new CelError('invalid data, expected XIntOrString value to be either a string or integer');
}

function doubleValue(json: unknown): number {
  if (typeof json === 'number') return json;
  if (json instanceof NumberText) return Number(json.text);
  throw unfit('float', json);
}

function intValue(json: unknown): bigint {
  const value = typeof json === 'number' || json instanceof NumberText ? jsonValue(json) : undefined;
  if (typeof value === 'bigint') return value;
  throw unfit('int', json);
}

const roots = new WeakMap<JSONSchemaProps, JSONSchemaProps>();

function rootSchema(schema: JSONSchemaProps): JSONSchemaProps {
  let root = roots.get(schema);
  if (!root) {
    root = withTypeAndObjectMeta(schema);
    roots.set(schema, root);
  }
  return root;
}

function objectValue(json: unknown, schema: JSONSchemaProps): CelValue {
  if (!isRecord(json)) {
    throw new CelError('invalid data, expected a map for the provided schema with type=object');
  }
  const own = schema['x-kubernetes-embedded-resource'] ? rootSchema(schema) : schema;
  const { properties } = own;
  const values = properties ? undefined : valuesOf(own);
  if (values) return new SchemaMap(json, values);
  return new SchemaObject(json, properties ?? {});
}

/** An object with declared fields, which are all that is seen of it. */
class SchemaObject extends CelMap {
  readonly #json: JsonRecord;
  readonly #properties: Readonly<Record<string, JSONSchemaProps>>;

  constructor(json: JsonRecord, properties: Readonly<Record<string, JSONSchemaProps>>) {
    super();
    this.#json = json;
    this.#properties = properties;
  }

  get size(): number {
    return Object.keys(this.#json).length;
  }

  get(key: CelValue): CelValue | undefined {
    const name = this.#find(key);
    const schema = name === undefined ? undefined : this.#properties[name];
    return name === undefined || !schema ? undefined : schemaValue(this.#json[name], schema);
  }

  override has(key: CelValue): boolean {
    return this.#find(key) !== undefined;
  }

  /** The property by its name in CEL, where it is declared and there; null is not there. */
  #find(key: CelValue): string | undefined {
    if (typeof key !== 'string') return undefined;
    const name = Object.hasOwn(this.#json, key) && !key.includes('__') ? key : unescapeName(key);
    if (!Object.hasOwn(this.#json, name) || !Object.hasOwn(this.#properties, name)) return undefined;
    const value = this.#json[name];
    return value === null || value === undefined ? undefined : name;
  }

  keys(): Iterable<string> {
    return Object.keys(this.#json).flatMap((name) => {
      const key = escapeName(name);
      return key !== undefined && this.has(key) ? [key] : [];
    });
  }
}

/** A map of `additionalProperties`. */
class SchemaMap extends CelMap {
  readonly #json: JsonRecord;
  readonly #values: JSONSchemaProps;

  constructor(json: JsonRecord, values: JSONSchemaProps) {
    super();
    this.#json = json;
    this.#values = values;
  }

  get size(): number {
    return Object.keys(this.#json).length;
  }

  get(key: CelValue): CelValue | undefined {
    return typeof key === 'string' && this.has(key) ? schemaValue(this.#json[key], this.#values) : undefined;
  }

  override has(key: CelValue): boolean {
    if (typeof key !== 'string' || !Object.hasOwn(this.#json, key)) return false;
    const value = this.#json[key];
    return value !== undefined && (value !== null || this.#values.nullable === true);
  }

  keys(): Iterable<string> {
    return Object.keys(this.#json);
  }
}

function listValue(json: unknown, schema: JSONSchemaProps): CelList {
  if (!Array.isArray(json)) {
    throw new CelError('invalid data, expected an array for the provided schema with type=array');
  }
  const items = itemsOf(schema);
  if (!items) throw new CelError('invalid array type, expected Items with a non-empty Schema');
  const at = (index: number) => schemaValue(json[index], items);
  const kind = schema['x-kubernetes-list-type'];
  if (kind === 'set') return new SetList(json.length, at);
  if (kind === 'map') return new KeyedList(json.length, at, schema['x-kubernetes-list-map-keys'] ?? []);
  return new LazyList(json.length, at);
}

function textValue(json: unknown, { format }: JSONSchemaProps): CelValue {
  if (typeof json !== 'string') throw unfit('string', json);
  switch (format) {
    case 'duration':
      return durationOf(json);
    case 'date':
      return dateOf(json);
    case 'date-time':
      return momentOf(json);
    case 'byte':
      return bytesOf(json);
    default:
      return json;
  }
}
