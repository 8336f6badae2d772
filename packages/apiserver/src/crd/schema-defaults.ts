import type { JSONSchemaProps } from '@keelson/core';
import { FieldErrors } from '../registry/strategy.ts';
import { itemsOf } from './custom-decoder.ts';
import { fieldSchema } from './schema-path.ts';
import { validateSchema } from './schema-validation.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether every default of a structural schema fits it; those of a map's values are not looked at, as in Kubernetes. */
export function checkDefaults(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  checkNode(schema, at, 'root', errors);
}

/** Whether there is a default anywhere in a schema, even where none can be. */
export function holdsDefault(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  if (schema['default'] !== undefined && schema['default'] !== null) return true;
  const named = ['properties', 'patternProperties', 'definitions', 'dependencies'].flatMap((field) => {
    const map = schema[field];
    return isObject(map) ? Object.values(map) : [];
  });
  const listed = ['allOf', 'anyOf', 'oneOf', 'items', 'not', 'additionalProperties', 'additionalItems'].flatMap(
    (field) => schema[field],
  );
  return [...named, ...listed].some(holdsDefault);
}

/** What a schema is of: the fields of metadata are known without being specified. */
type Part = 'root' | 'metadata' | 'other';

function checkNode(schema: JSONSchemaProps, at: string, part: Part, errors: FieldErrors): void {
  if (schema.default !== undefined && schema.default !== null) checkDefault(schema, `${at}.default`, part, errors);
  const items = itemsOf(schema);
  if (items) checkNode(items, `${at}.items`, 'other', errors);
  const ofObject = part === 'root' || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const below = ofObject && name === 'metadata' ? 'metadata' : 'other';
    checkNode(each, `${at}.properties[${name}]`, below, errors);
  }
}

function checkDefault(schema: JSONSchemaProps, at: string, part: Part, errors: FieldErrors): void {
  const value = schema.default;
  const root = part === 'root';
  if ((root || schema['x-kubernetes-embedded-resource']) && isObject(value)) {
    const before = errors.list.length;
    for (const field of ['apiVersion', 'kind']) {
      const each = value[field];
      if (each === undefined || each === '') errors.required(`${at}.${field}`);
      else if (typeof each !== 'string') errors.invalid(`${at}.${field}`, each, 'must be a string');
      if (errors.list.length > before && typeof each !== 'string' && each !== undefined) break;
    }
    if (errors.list.length > before) return;
  }
  if (part !== 'metadata' && !isKnown(value, schema, root)) errors.invalid(at, value, 'must not have unknown fields');
  const found = new FieldErrors();
  validateSchema(value, schema, '', found);
  for (const each of found.list) {
    const below = each.field === '' || each.field === '<nil>' ? '' : `.${(each.field ?? '').replace(/^\./, '')}`;
    errors.list.push({ ...each, field: at + below });
  }
}

/** Whether a schema specifies every field of a value. */
function isKnown(value: unknown, schema: JSONSchemaProps, root = false): boolean {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return !items || value.every((each) => isKnown(each, items));
  }
  if (!isObject(value)) return true;
  const ofObject = root || schema['x-kubernetes-embedded-resource'] === true;
  const free = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  return Object.entries(value).every(([name, each]) => {
    if (ofObject && ['apiVersion', 'kind', 'metadata'].includes(name)) return true;
    const field = fieldSchema(schema, name);
    return field ? isKnown(each, field) : free;
  });
}
