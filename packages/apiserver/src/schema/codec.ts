import { canonicalQuantity } from '@keelson/core';
import type { Schema } from '../registry/contract.ts';
import { DecodeError, mismatch, outOfRange, type Place } from './decode-error.ts';
import { decodeBytes, decodeMicroTime, decodeTime } from './scalars.ts';
import { alwaysWritten, definitions } from './table.ts';

/** What a decoder found besides the value: fields that the schema does not know, as `unknown field "spec.foo"`. */
export interface DecodeFindings {
  readonly unknown: string[];
}

/**
 * Copies a JSON value by its schema: unknown fields and nulls are left out, quantities and times are written the one
 * canonical way. Throws `DecodeError`. `at` is the path with indices, for unknown fields; `place` without.
 */
type Decoder = (value: unknown, at: string, path: string, findings: DecodeFindings) => unknown;

interface Field {
  readonly name: string;
  readonly decode: Decoder;
  /** Empty lists and maps are absent, as are empty strings and zeros of metadata. */
  readonly dropEmpty: boolean;
}

const opaque = new Set([
  'io.k8s.apimachinery.pkg.runtime.RawExtension',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
]);
const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.';
const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const decoders = new Map<string, Decoder>();

/** Decodes a whole object of a definition. */
export function decodeAs(definition: string, value: unknown, findings: DecodeFindings): unknown {
  return decoderOf(definition)(value, '', '', findings);
}

const join = (at: string, name: string) => (at === '' ? name : `${at}.${name}`);
const goName = (definition: string) => definition.split('.').slice(-2).join('.');
const shortName = (definition: string) => definition.slice(definition.lastIndexOf('.') + 1);

function decoderOf(name: string): Decoder {
  const known = decoders.get(name);
  if (known) return known;
  // Definitions may be recursive: the decoder exists before its fields do.
  let compiled: Decoder | undefined;
  const late: Decoder = (value, at, path, findings) => {
    compiled ??= compile(name);
    return compiled(value, at, path, findings);
  };
  decoders.set(name, late);
  return late;
}

function compile(name: string): Decoder {
  if (opaque.has(name)) return (value) => copy(value);
  if (name === `${crd}JSONSchemaPropsOrBool`)
    return alternative((value) => typeof value === 'boolean', decoderOf(`${crd}JSONSchemaProps`));
  if (name === `${crd}JSONSchemaPropsOrArray` || name === `${crd}JSONSchemaPropsOrStringArray`)
    return alternative(Array.isArray, decoderOf(`${crd}JSONSchemaProps`));
  const schema = definitions()[name];
  if (schema === undefined || schema.properties === undefined) return scalarOf(name, schema, rootPlace(name));
  return structDecoder(name, schema, schema.properties);
}

function alternative(isOther: (value: unknown) => boolean, decode: Decoder): Decoder {
  return (value, at, path, findings) => (isOther(value) ? copy(value) : decode(value, at, path, findings));
}

const rootPlace = (name: string): Place => ({ struct: shortName(name), path: '', goType: goName(name) });

function structDecoder(name: string, schema: Schema, properties: Readonly<Record<string, Schema>>): Decoder {
  const struct = shortName(name);
  const required = new Set(schema.required ?? []);
  const fields = new Map<string, Field>();
  for (const [field, each] of Object.entries(properties)) {
    fields.set(field, {
      name: field,
      decode: fieldDecoder(struct, field, each),
      dropEmpty: name === objectMeta || ((each.type === 'array' || each.type === 'object') && !required.has(field)),
    });
  }
  const filled = (alwaysWritten()[name] ?? '')
    .split(' ')
    .filter((each) => each !== '')
    .map((each) => {
      const [field = '', zero] = each.split('=');
      if (zero !== undefined) return { field, empty: () => (zero === '' ? '' : zero === '0' ? 0 : false) };
      const decode = fields.get(field)?.decode;
      return { field, empty: () => decode?.({}, '', '', { unknown: [] }) };
    });
  return (value, at, path, findings) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw mismatch(value, { struct, path, goType: goName(name) });
    const result: Record<string, unknown> = {};
    for (const key in value) {
      const field = fields.get(key);
      const each = (value as Readonly<Record<string, unknown>>)[key];
      if (field === undefined) {
        findings.unknown.push(`unknown field "${join(at, key)}"`);
        continue;
      }
      if (each === null || each === undefined) continue;
      const decoded = field.decode(
        each,
        at === '' ? key : `${at}.${key}`,
        path === '' ? key : `${path}.${key}`,
        findings,
      );
      if (decoded === undefined || (field.dropEmpty && isEmpty(decoded))) continue;
      result[key] = decoded;
    }
    for (const { field, empty } of filled) if (result[field] === undefined) result[field] = empty();
    return result;
  };
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) {
    for (const _ in value) return false;
    return true;
  }
  return value === '' || value === 0;
}

/** Types named by a struct are known; a scalar's Go name is its JSON type's (Kubernetes also has named string types). */
function goTypeOf(schema: Schema): string {
  if (schema.ref)
    return schema.ref.endsWith('.Time') || schema.ref.endsWith('MicroTime') ? 'string' : goName(schema.ref);
  if (schema.type === 'array') return `[]${schema.items ? goTypeOf(schema.items) : 'interface {}'}`;
  if (schema.type === 'object') {
    const values = schema.additionalProperties;
    return `map[string]${typeof values === 'object' ? goTypeOf(values) : 'interface {}'}`;
  }
  if (schema.type === 'integer') return schema.format ?? 'int64';
  if (schema.type === 'number') return 'float64';
  if (schema.type === 'boolean') return 'bool';
  return schema.format === 'byte' ? '[]uint8' : 'string';
}

function fieldDecoder(struct: string, field: string, schema: Schema): Decoder {
  return valueDecoder(schema, (path) => ({ struct, path, goType: goTypeOf(schema) }), `${struct}.${field}`);
}

function valueDecoder(schema: Schema, place: (path: string) => Place, label: string): Decoder {
  const { ref } = schema;
  if (ref !== undefined) {
    const definition = definitions()[ref];
    if (opaque.has(ref) || definition?.properties !== undefined || ref.startsWith(`${crd}JSONSchemaPropsOr`)) {
      const decode = decoderOf(ref);
      const isStruct = definition?.properties !== undefined;
      return (value, at, path, findings) => {
        if (isStruct && (typeof value !== 'object' || Array.isArray(value))) throw mismatch(value, place(path));
        return decode(value, at, path, findings);
      };
    }
    return scalarOf(ref, definition, undefined, place);
  }
  if (schema.type === 'array') {
    const item = valueDecoder(
      schema.items ?? {},
      (path) => ({ ...place(path), goType: goTypeOf(schema.items ?? {}) }),
      label,
    );
    return (value, at, path, findings) => {
      if (!Array.isArray(value)) throw mismatch(value, place(path));
      const result: unknown[] = new Array(value.length);
      for (let index = 0; index < value.length; index++) {
        const each: unknown = value[index];
        result[index] =
          each === null || each === undefined ? zeroOf(schema.items) : item(each, `${at}[${index}]`, path, findings);
      }
      return result;
    };
  }
  if (schema.type === 'object') {
    const values = schema.additionalProperties;
    if (typeof values !== 'object') return (value) => copy(value);
    const item = valueDecoder(values, (path) => ({ ...place(path), goType: goTypeOf(values) }), label);
    return (value, at, path, findings) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, place(path));
      const result: Record<string, unknown> = {};
      for (const key in value) {
        const each = (value as Readonly<Record<string, unknown>>)[key];
        const decoded =
          each === null || each === undefined ? zeroOf(values) : item(each, `${at}.${key}`, path, findings);
        if (key === '__proto__') Object.defineProperty(result, key, { value: decoded, enumerable: true });
        else result[key] = decoded;
      }
      return result;
    };
  }
  return scalarOf(undefined, schema, undefined, place);
}

/** Go's zero value, which a null inside a list or a map stands for. */
function zeroOf(schema: Schema | undefined): unknown {
  if (schema?.type === 'string') return '';
  if (schema?.type === 'integer' || schema?.type === 'number') return 0;
  if (schema?.type === 'boolean') return false;
  if (schema?.type === 'array') return [];
  return schema?.ref && /Quantity$/.test(schema.ref) ? '0' : {};
}

function scalarOf(
  name: string | undefined,
  schema: Schema | undefined,
  root: Place | undefined,
  place: (path: string) => Place = () => root ?? { struct: '', path: '', goType: '' },
): Decoder {
  if (name?.endsWith('.Quantity')) {
    return (value) => {
      if (typeof value !== 'string' && typeof value !== 'number') throw new DecodeError(badQuantity);
      try {
        return canonicalQuantity(value);
      } catch (error) {
        throw new DecodeError(error instanceof Error ? error.message : badQuantity);
      }
    };
  }
  if (name?.endsWith('.MicroTime')) return (value, _at, path) => decodeMicroTime(value, () => place(path));
  if (name?.endsWith('.Time')) return (value, _at, path) => decodeTime(value, () => place(path));
  if (schema?.format === 'int-or-string') {
    return (value, _at, path) => {
      if (typeof value === 'string') return value;
      return integer(value, 'int32', { ...place(path), goType: 'int32' });
    };
  }
  switch (schema?.type) {
    case 'string':
      if (schema.format === 'byte') return (value, _at, path) => decodeBytes(value, () => place(path));
      return (value, _at, path) => {
        if (typeof value !== 'string') throw mismatch(value, place(path));
        return value;
      };
    case 'integer': {
      const format = schema.format === 'int32' ? 'int32' : 'int64';
      return (value, _at, path) => integer(value, format, () => place(path));
    }
    case 'number':
      return (value, _at, path) => {
        if (typeof value !== 'number') throw mismatch(value, place(path));
        return value;
      };
    case 'boolean':
      return (value, _at, path) => {
        if (typeof value !== 'boolean') throw mismatch(value, place(path));
        return value;
      };
    default:
      return (value) => copy(value);
  }
}

const badQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function integer(value: unknown, format: 'int32' | 'int64', place: Place | (() => Place)): number {
  if (typeof value === 'number' && Number.isInteger(value)) {
    const limit = format === 'int32' ? 2 ** 31 : 2 ** 63;
    if (value >= -limit && value < limit) return value;
  }
  const where = typeof place === 'function' ? place() : place;
  throw typeof value === 'number' ? outOfRange(value, where) : mismatch(value, where);
}

/** A copy of plain JSON that shares nothing with the caller's value. */
export function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? value.map(copy) : copyObject(value);
}

function copyObject(value: object): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined) continue;
    if (key === '__proto__') Object.defineProperty(result, key, { value: copy(each), enumerable: true });
    else result[key] = copy(each);
  }
  return result;
}
