import type { JSONSchemaProps } from '@keelson/core';
import { goRegexp } from '../cel/index.ts';
import { FieldErrors } from '../registry/strategy.ts';
import { itemsOf, valuesOf } from './custom-decoder.ts';

const junctors = ['allOf', 'anyOf', 'oneOf'] as const;

type Level = 'root' | 'items' | 'field';

/**
 * Whether a schema is structural (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
 * custom-resource-definitions/#specifying-a-structural-schema): a type everywhere, nothing structural below allOf,
 * anyOf, oneOf and not, and nothing said there of what is not there. The errors are in the order of their texts.
 */
export function checkStructure(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const found = new FieldErrors();
  checkNode(schema, at, 'root', found);
  checkComplete(schema, schema, at, at, found);
  const text = ({ field = '', message }: (typeof found.list)[number]) => `${field}: ${message}`;
  errors.list.push(...found.list.sort((a, b) => Buffer.compare(Buffer.from(text(a)), Buffer.from(text(b)))));
}

const foreign = [
  ['id', 'id'],
  ['$schema', 'schema'],
  ['$ref', '$ref'],
  ['patternProperties', 'patternProperties'],
  ['dependencies', 'dependencies'],
  ['additionalItems', 'additionalItems'],
  ['definitions', 'definitions'],
] as const;

/** Why a schema cannot be read as a structural one at all; undefined where it can. */
export function structuralProblem(schema: JSONSchemaProps): string | undefined {
  for (const [field, name] of foreign) {
    const value = schema[field];
    const empty = typeof value === 'object' ? Object.keys(value).length === 0 : !value;
    if (field === 'additionalItems' ? value !== undefined : !empty) return `OpenAPIV3Schema '${name}' is not supported`;
  }
  const values = valuesOf(schema);
  const around = [...junctors.flatMap((name) => schema[name] ?? []), schema.not, typeof values === 'object' && values];
  return (
    firstProblem(around) ??
    ownProblem(schema) ??
    firstProblem([itemsOf(schema), ...Object.values(schema.properties ?? {})])
  );
}

function ownProblem(schema: JSONSchemaProps): string | undefined {
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  }
  const several = Array.isArray(schema.items) && schema.items.length > 0;
  return several ? "OpenAPIV3Schema 'items' must be a schema, but is an array" : undefined;
}

function firstProblem(schemas: readonly (JSONSchemaProps | false | undefined)[]): string | undefined {
  for (const each of schemas) {
    const problem = each ? structuralProblem(each) : undefined;
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkNode(schema: JSONSchemaProps, at: string, level: Level, errors: FieldErrors): void {
  const items = itemsOf(schema);
  if (schema.type === 'array' && !items) errors.required(`${at}.items`, 'must be specified');
  if (items) checkNode(items, `${at}.items`, 'items', errors);
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    checkNode(each, `${at}.properties[${name}]`, 'field', errors);
  }
  const values = valuesOf(schema);
  if (typeof values === 'object') checkNode(values, `${at}.additionalProperties`, 'field', errors);
  const hasValues = values !== undefined && values !== false;
  if (level === 'root' && hasValues) errors.forbidden(`${at}.additionalProperties`, 'must not be used at the root');
  if (schema['x-kubernetes-int-or-string']) {
    for (const field of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
      if (schema[field]) errors.invalid(`${at}.${field}`, true, 'must be false if x-kubernetes-int-or-string is true');
    }
  }
  checkPattern(schema, at, errors);
  checkJunctors(schema, at, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf), errors);
  checkType(schema, at, level, errors);
  if (level === 'root' || schema['x-kubernetes-embedded-resource']) checkTypeMeta(schema, at, level, errors);
}

const empty: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  items: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function checkType(schema: JSONSchemaProps, at: string, level: Level, errors: FieldErrors): void {
  const { type } = schema;
  if (schema['x-kubernetes-embedded-resource']) {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    if (!type) errors.required(`${at}.type`, why);
    else if (type !== 'object') errors.invalid(`${at}.type`, type, why);
    const values = valuesOf(schema);
    if (values !== undefined && values !== false) {
      errors.forbidden(`${at}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set');
    }
    if (!schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(schema.properties ?? {}).length === 0) {
      const alone =
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
      errors.required(`${at}.properties`, alone);
    }
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    errors.required(`${at}.type`, empty[level]);
  }
  if (level === 'root' && type && type !== 'object') {
    errors.invalid(`${at}.type`, type, 'must be object at the root');
  }
}

function checkTypeMeta({ properties = {} }: JSONSchemaProps, at: string, level: Level, errors: FieldErrors): void {
  for (const name of ['kind', 'apiVersion']) {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (field && field.type !== 'string') {
      errors.invalid(`${at}.properties[${name}].type`, field.type ?? '', 'must be string');
    }
  }
  const metadata = Object.hasOwn(properties, 'metadata') ? properties['metadata'] : undefined;
  if (!metadata) return;
  const here = `${at}.properties[metadata]`;
  if (metadata.type !== 'object') errors.invalid(`${here}.type`, metadata.type ?? '', 'must be object');
  if (level === 'root' && saysMore(metadata)) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
    errors.forbidden(here, why);
  }
}

/** Whether a schema of metadata has more to it than its type and the two names. */
function saysMore({ type: _type, properties, default: _default, ...rest }: JSONSchemaProps): boolean {
  if (Object.keys(properties ?? {}).some((name) => name !== 'name' && name !== 'generateName')) return true;
  return Object.entries(rest).some(([, value]) => !isEmpty(value));
}

const isEmpty = (value: unknown) =>
  value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0);

/** The two forms in which older tools write that a value is a number or a string. */
function isIntOrString(alternatives: readonly JSONSchemaProps[] | undefined): boolean {
  if (alternatives?.length !== 2) return false;
  return ['integer', 'string'].every((type, index) => {
    const { type: own, ...rest } = alternatives[index] ?? {};
    return own === type && Object.values(rest).every(isEmpty);
  });
}

function checkPattern({ pattern }: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const read = pattern ? goRegexp(pattern) : undefined;
  if (!read || 'regexp' in read) return;
  errors.invalid(`${at}.pattern`, pattern, `must be a valid regular expression, but isn't: ${read.problem}`);
}

function checkJunctors(
  schema: JSONSchemaProps,
  at: string,
  skipsAnyOf: boolean,
  skipsFirst: boolean,
  errors: FieldErrors,
): void {
  for (const name of junctors) {
    if (name === 'anyOf' && skipsAnyOf) continue;
    schema[name]?.forEach((each, index) => {
      checkValueOnly(each, `${at}.${name}[${index}]`, errors, name === 'allOf' && index === 0 && skipsFirst);
    });
  }
  if (schema.not) checkValueOnly(schema.not, `${at}.not`, errors);
}

/** What a schema below a junctor must not say: it may only say which values are good, not what there is. */
const forbidden = [
  ['type', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['title', 'must be empty to be structural'],
  ['default', 'must be undefined to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
] as const;

function checkValueOnly(schema: JSONSchemaProps, at: string, errors: FieldErrors, skipsAnyOf = false): void {
  checkPattern(schema, at, errors);
  checkJunctors(schema, at, skipsAnyOf, false, errors);
  const items = itemsOf(schema);
  if (items) checkValueOnly(items, `${at}.items`, errors);
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const here = `${at}.properties[${name}]`;
    checkValueOnly(each, here, errors);
    if (name === 'metadata') errors.forbidden(here, 'must not be specified in a nested context');
  }
  for (const [field, why] of forbidden) if (!isEmpty(schema[field])) errors.forbidden(`${at}.${field}`, why);
}

/** What junctors of the root speak of must be specified outside of them, too. */
function checkComplete(
  schema: JSONSchemaProps,
  specified: JSONSchemaProps,
  at: string,
  said: string,
  errors: FieldErrors,
): void {
  const nested = (each: JSONSchemaProps, here: string) => checkNested(each, specified, at, here, errors);
  if (schema.not) nested(schema.not, `${said}.not`);
  for (const name of junctors) schema[name]?.forEach((each, index) => void nested(each, `${said}.${name}[${index}]`));
}

function checkNested(
  schema: JSONSchemaProps,
  specified: JSONSchemaProps | undefined,
  at: string,
  said: string,
  errors: FieldErrors,
): void {
  if (!specified) {
    errors.required(at, `because it is defined in ${said}`);
    return;
  }
  checkComplete(schema, specified, at, said, errors);
  const items = itemsOf(schema);
  if (items) checkNested(items, itemsOf(specified), `${at}.items`, `${said}.items`, errors);
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const own = specified.properties && Object.hasOwn(specified.properties, name);
    const below = `properties[${name}]`;
    checkNested(each, own ? specified.properties[name] : undefined, `${at}.${below}`, `${said}.${below}`, errors);
  }
}
