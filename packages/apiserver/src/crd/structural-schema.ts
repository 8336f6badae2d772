import type { JSONSchemaProps } from '@keelson/core';
import { FieldErrors } from '../registry/strategy.ts';
import { itemsOf, valuesOf } from './custom-decoder.ts';
import { compilePattern, validateSchema } from './schema-validation.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const junctors = ['allOf', 'anyOf', 'oneOf'] as const;

/**
 * The main rules of a structural schema (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
 * custom-resource-definitions/#specifying-a-structural-schema): a type everywhere, nothing structural below
 * allOf, anyOf, oneOf and not, defaults that fit.
 */
export function validateStructure(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  if (!schema.type) errors.required(`${at}.type`, 'must not be empty at the root');
  else if (schema.type !== 'object') errors.invalid(`${at}.type`, schema.type, 'must be object at the root');
  else validateNode(schema, at, errors, true);
}

function validateNode(schema: JSONSchemaProps, at: string, errors: FieldErrors, root = false): void {
  const free = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'];
  if (!schema.type) {
    if (!free) errors.required(`${at}.type`, 'must not be empty for specified object fields');
  } else if (!types.includes(schema.type)) errors.notSupported(`${at}.type`, schema.type, types);
  if (schema.type === 'array' && !schema.items) errors.required(`${at}.items`, 'must be specified');
  if (Array.isArray(schema.items)) errors.forbidden(`${at}.items`, 'items must be a schema object and not an array');
  if (schema.additionalProperties !== undefined && schema.properties && Object.keys(schema.properties).length > 0) {
    errors.forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
  }
  if (schema.additionalProperties === false) {
    errors.forbidden(`${at}.additionalProperties`, 'additionalProperties cannot be set to false');
  }
  if (schema.$ref) errors.forbidden(`${at}.$ref`, '$ref is not supported');
  if (schema.uniqueItems)
    errors.forbidden(
      `${at}.uniqueItems`,
      'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    );
  if (root && schema.nullable) errors.forbidden(`${at}.nullable`, 'nullable cannot be true at the root');
  validatePattern(schema, at, errors);
  validateListType(schema, at, errors);
  validateDefault(schema, at, errors);
  for (const name of junctors) {
    schema[name]?.forEach((each, index) => void validateValueOnly(each, `${at}.${name}[${index}]`, errors));
  }
  if (schema.not) validateValueOnly(schema.not, `${at}.not`, errors);
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    if (root && name === 'metadata') continue;
    validateNode(each, `${at}.properties[${name}]`, errors);
  }
  const items = itemsOf(schema);
  if (items) validateNode(items, `${at}.items`, errors);
  const values = valuesOf(schema);
  if (typeof values === 'object') validateNode(values, `${at}.additionalProperties`, errors);
}

function validatePattern({ pattern }: JSONSchemaProps, at: string, errors: FieldErrors): void {
  if (!pattern || compilePattern(pattern)) return;
  errors.invalid(
    `${at}.pattern`,
    pattern,
    `must be a valid regular expression, but isn't: error parsing regexp: ${regexpProblem(pattern)}`,
  );
}

function regexpProblem(pattern: string): string {
  const open = (pattern.match(/(?<!\\)\(/g) ?? []).length;
  const close = (pattern.match(/(?<!\\)\)/g) ?? []).length;
  return open > close ? `missing closing ): \`${pattern}\`` : `invalid or unsupported syntax: \`${pattern}\``;
}

function validateListType(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const type = schema['x-kubernetes-list-type'];
  if (type !== undefined && !['atomic', 'map', 'set'].includes(type)) {
    errors.notSupported(`${at}.x-kubernetes-list-type`, type, ['atomic', 'map', 'set']);
  }
  if (type !== undefined && schema.type !== 'array') {
    errors.invalid(`${at}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified');
  }
  const keys = schema['x-kubernetes-list-map-keys'];
  if (type === 'map' && !keys?.length) {
    errors.required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map');
  }
  if (type !== 'map' && keys?.length) {
    errors.forbidden(`${at}.x-kubernetes-list-map-keys`, 'must be empty if x-kubernetes-list-type is not map');
  }
}

function validateDefault(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  if (schema.default === undefined) return;
  const found = new FieldErrors();
  validateSchema(schema.default, schema, '', found);
  for (const each of found.list) {
    errors.list.push({
      ...each,
      type: 'FieldValueInvalid',
      field: each.field === '' ? `${at}.default` : `${at}.default.${each.field}`,
    });
  }
}

/** Below a junctor a schema may only say what values are good, not what there is. */
function validateValueOnly(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  if (schema.type && !(schema.type === 'integer' || schema.type === 'string')) {
    errors.forbidden(`${at}.type`, 'must be empty to be structural');
  }
  if (schema.additionalProperties !== undefined) {
    errors.forbidden(`${at}.additionalProperties`, 'must be undefined to be structural');
  }
  for (const field of ['default', 'description', 'nullable', 'title'] as const) {
    if (schema[field] !== undefined && schema[field] !== '' && schema[field] !== false) {
      errors.forbidden(`${at}.${field}`, 'must be undefined to be structural');
    }
  }
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    if (each.type) errors.forbidden(`${at}.properties[${name}].type`, 'must be empty to be structural');
    else validateValueOnly(each, `${at}.properties[${name}]`, errors);
  }
  const items = itemsOf(schema);
  if (items) validateValueOnly(items, `${at}.items`, errors);
  for (const name of junctors) {
    schema[name]?.forEach((each, index) => void validateValueOnly(each, `${at}.${name}[${index}]`, errors));
  }
}
