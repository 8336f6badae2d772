import { goText } from '@keelson/core';
import { describeJson } from '../schema/decode-error.ts';
import { definitions, type GoType, goFields } from '../schema/index.ts';
import { parseTime } from '../schema/times.ts';
import type { Schema } from './contract.ts';
import { isObject } from './draft.ts';

/**
 * What does not fit a definition, in the words of the converter that Kubernetes uses for strategic merge patches and
 * applies: it knows types, but no JSON. Undefined if all shapes fit.
 */
export function unstructuredError(definition: string, value: unknown): string | undefined {
  if (!isObject(value)) return `cannot restore struct from: ${kindOf(value)}`;
  const properties = definitions()[definition]?.properties;
  for (const { name, type } of goFields(definition) ?? []) {
    const schema = properties?.[name];
    const each = value[name];
    if (schema === undefined || each === undefined || each === null) continue;
    const found = check(schema, type, each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What Go's reflection calls the value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  if (isObject(value)) return 'map';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

function check(schema: Schema, type: GoType, value: unknown): string | undefined {
  const { ref } = schema;
  if (ref?.endsWith('.IntOrString')) return checkIntOrString(value);
  if (ref?.endsWith('.Time')) return checkTime(value, 'seconds');
  if (ref?.endsWith('.MicroTime')) return checkTime(value, 'micros');
  if (ref !== undefined) return goFields(ref) === undefined ? undefined : unstructuredError(ref, value);
  if (type.shape === 'bytes') return checkBytes(value);
  if (schema.type === 'array') return checkList(schema, type, value);
  if (schema.type === 'object') return checkMap(schema, type, value);
  return checkScalar(schema, type, value);
}

/** It reads itself, from JSON, and does not know where it stands. */
function checkIntOrString(value: unknown): string | undefined {
  if (typeof value === 'string') return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31) return undefined;
  const found = typeof value === 'number' ? `number ${goText(value)}` : describeJson(value);
  return `json: cannot unmarshal ${found} into Go value of type int32`;
}

/** Times, too, read themselves. */
function checkTime(value: unknown, precision: 'seconds' | 'micros'): string | undefined {
  if (typeof value !== 'string') return `json: cannot unmarshal ${describeJson(value)} into Go value of type string`;
  const parsed = parseTime(value, precision);
  return typeof parsed === 'string' ? undefined : parsed.problem;
}

function checkList(schema: Schema, type: GoType, value: unknown): string | undefined {
  if (!Array.isArray(value)) return `cannot restore slice from ${kindOf(value)}`;
  if (!schema.items || !type.element) return undefined;
  for (const each of value) {
    const found = each === null ? undefined : check(schema.items, type.element, each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Bytes are a text in base64, or a list of numbers. */
function checkBytes(value: unknown): string | undefined {
  if (typeof value === 'string') return undefined;
  if (!Array.isArray(value)) return `cannot restore slice from ${kindOf(value)}`;
  const fits = value.every((each) => each === null || typeof each === 'number');
  return fits ? undefined : 'unrecognized type: uint8';
}

function checkMap(schema: Schema, type: GoType, value: unknown): string | undefined {
  if (!isObject(value)) return `cannot restore map from ${kindOf(value)}`;
  const { additionalProperties: values } = schema;
  if (typeof values !== 'object' || !type.element) return undefined;
  for (const each of Object.values(value)) {
    const found = each === null || each === undefined ? undefined : check(values, type.element, each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Go converts between numbers, and a number to a text as if it were a character: these it refuses by name. */
function checkScalar(schema: Schema, type: GoType, value: unknown): string | undefined {
  const from = kindOf(value);
  const cannot = `cannot convert ${from} to ${type.name}`;
  switch (schema.type) {
    case 'string':
      if (schema.format !== undefined && schema.format !== 'byte') return undefined;
      if (from === 'string') return undefined;
      return from === 'int64' ? cannot : 'unrecognized type: string';
    case 'boolean':
      return from === 'bool' ? undefined : 'unrecognized type: bool';
    case 'integer': {
      if (from === 'int64') return undefined;
      return from === 'float64' ? cannot : `unrecognized type: ${schema.format ?? 'int64'}`;
    }
    case 'number':
      return from === 'int64' || from === 'float64' ? undefined : 'unrecognized type: float64';
    default:
      return undefined;
  }
}
