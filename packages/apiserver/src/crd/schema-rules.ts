import type { JSONSchemaProps } from '@keelson/core';
import type { FieldErrors } from '../registry/strategy.ts';
import { itemsOf } from './custom-decoder.ts';
import { inItems, inProperty, inValues, type RuleBudget, type RulePlace, rootPlace } from './rule-budget.ts';
import { checkRules } from './rule-checks.ts';
import { itemsShown } from './schema-shown.ts';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const junctors = ['allOf', 'oneOf', 'anyOf'] as const;

/** Where a schema stands: what stands in metadata may do less. */
interface Place {
  readonly root: boolean;
  readonly inMetadata: boolean;
  /** Where a default must not be set; undefined where it may. */
  readonly withoutDefault: string | undefined;
  /** Whether the whole can be read as a structural schema, so that paths in it can be followed. */
  readonly structural: boolean;
  /** Where the expressions of rules are looked at. */
  readonly rules: RulePlace | undefined;
}

/**
 * What every schema has to keep to, structural or not, in the order in which Kubernetes tells it. `budget` looks at the
 * expressions of one that is in order otherwise.
 */
export function checkSchema(
  schema: JSONSchemaProps,
  at: string,
  structural: boolean,
  errors: FieldErrors,
  budget: RuleBudget | undefined,
): void {
  const rules = budget && rootPlace;
  check(schema, at, { root: true, inMetadata: false, withoutDefault: undefined, structural, rules }, errors, budget);
}

function check(
  schema: JSONSchemaProps,
  at: string,
  place: Place,
  errors: FieldErrors,
  budget: RuleBudget | undefined,
): void {
  const before = errors.list.length;
  checkFields(schema, at, place, errors);
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.forbidden(`${at}.uniqueItems`, why);
  }
  checkBelow(schema, at, { ...place, root: false }, place.root, errors, budget);
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.invalid(`${at}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined');
  }
  checkMapType(schema, at, errors);
  checkListType(schema, at, errors);
  checkRules(schema, at, place.structural, errors);
  // What is wrong with a schema itself makes mistakes of expressions that mean nothing.
  if (place.rules && errors.list.length === before) budget?.check(schema, at, place.rules);
}

const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

const mayBeEmpty: ReadonlySet<string> = new Set(['patternProperties', 'definitions']);

function checkFields(schema: JSONSchemaProps, at: string, place: Place, errors: FieldErrors): void {
  const { type, items } = schema;
  if (type && !types.includes(type)) errors.notSupported(`${at}.type`, type, types);
  if (schema.default !== undefined && place.withoutDefault !== undefined) {
    errors.forbidden(`${at}.default`, `must not be set ${place.withoutDefault}`);
  }
  for (const field of unsupported) {
    const value = schema[field];
    const empty = value === '' ? field === 'id' : mayBeEmpty.has(field) && isEmptyMap(value);
    if (value !== undefined && !empty) errors.forbidden(`${at}.${field}`, `${field} is not supported`);
  }
  if (type === 'null') errors.forbidden(`${at}.type`, 'type cannot be set to null, use nullable as an alternative');
  if (Array.isArray(items) && items.length > 0) {
    errors.forbidden(`${at}.items`, 'items must be a schema object and not an array');
  }
  if (place.inMetadata && schema['x-kubernetes-embedded-resource']) {
    errors.forbidden(`${at}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta');
  }
}

const isEmptyMap = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkBelow(
  schema: JSONSchemaProps,
  at: string,
  place: Place,
  root: boolean,
  errors: FieldErrors,
  budget: RuleBudget | undefined,
): void {
  const { rules } = place;
  const aside = { ...place, rules: undefined };
  const { additionalProperties: values, properties } = schema;
  if (values !== undefined && values !== true && properties && Object.keys(properties).length > 0) {
    errors.forbidden(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive');
  }
  if (typeof values === 'object') {
    const withoutDefault = place.inMetadata
      ? 'inside additionalProperties applying to object metadata'
      : place.withoutDefault;
    check(
      values,
      `${at}.additionalProperties`,
      { ...place, withoutDefault, rules: rules && inValues(rules, schema) },
      errors,
      budget,
    );
  }
  const ofObject = root || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, each] of Object.entries(properties ?? {})) {
    const withoutDefault = root ? 'in top-level metadata' : place.withoutDefault;
    const own = { ...place, rules: rules && inProperty(rules) };
    const below = ofObject && name === 'metadata' ? { ...own, inMetadata: true, withoutDefault } : own;
    check(each, `${at}.properties[${name}]`, below, errors, budget);
  }
  if (schema.not) check(schema.not, `${at}.not`, aside, errors, budget);
  for (const name of junctors) {
    schema[name]?.forEach((each, index) => void check(each, `${at}.${name}[${index}]`, aside, errors, budget));
  }
  for (const [name, each] of Object.entries(schema.definitions ?? {})) {
    check(each, `${at}.definitions[${name}]`, aside, errors, budget);
  }
  const items = itemsOf(schema);
  if (items) check(items, `${at}.items`, { ...place, rules: rules && inItems(rules, schema, at) }, errors, budget);
  else if (Array.isArray(schema.items)) {
    const several: readonly JSONSchemaProps[] = schema.items;
    several.forEach((each, index) => void check(each, `${at}.items[${index}]`, aside, errors, budget));
  }
  for (const [name, each] of Object.entries(schema.dependencies ?? {})) {
    if (isSchema(each)) check(each, `${at}.dependencies[${name}]`, aside, errors, budget);
  }
}

function checkTypeFor(schema: JSONSchemaProps, at: string, wanted: string, because: string, errors: FieldErrors): void {
  if (schema.type === wanted) return;
  const why = `must be ${wanted} if ${because} is specified`;
  if (schema.type) errors.invalid(`${at}.type`, schema.type, why);
  else errors.required(`${at}.type`, why);
}

function checkMapType(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const type = schema['x-kubernetes-map-type'];
  if (type === undefined) return;
  checkTypeFor(schema, at, 'object', 'x-kubernetes-map-type', errors);
  const known = ['atomic', 'granular'];
  if (!known.includes(type)) errors.notSupported(`${at}.x-kubernetes-map-type`, type, known);
}

function checkListType(schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const known = ['atomic', 'set', 'map'];
  if (type !== undefined) checkTypeFor(schema, at, 'array', 'x-kubernetes-list-type', errors);
  if (type !== undefined && !known.includes(type)) errors.notSupported(`${at}.x-kubernetes-list-type`, type, known);
  if (keys.length > 0 && type !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (type === undefined) errors.required(`${at}.x-kubernetes-list-type`, why);
    else errors.invalid(`${at}.x-kubernetes-list-type`, type, why);
  }
  const items = itemsOf(schema);
  if (type === 'map') {
    checkListMap(schema, keys, at, errors);
    if (items) checkKeys(items, keys, `${at}.items`, errors);
  }
  if (type === 'set' && items && schema.type === 'array') checkSetItems(items, `${at}.items`, errors);
}

function checkListMap(schema: JSONSchemaProps, keys: readonly string[], at: string, errors: FieldErrors): void {
  if (keys.length === 0) {
    errors.required(`${at}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map');
  }
  const items = itemsOf(schema);
  if (schema.items === undefined) {
    errors.required(`${at}.items`, 'must have a schema if x-kubernetes-list-type is map');
  } else if (!items) {
    const why = 'must only have a single schema if x-kubernetes-list-type is map';
    errors.invalid(`${at}.items`, itemsShown(schema.items), why);
  } else if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    errors.invalid(`${at}.items.type`, items.type ?? '', why);
  } else {
    const seen = new Set<string>();
    for (const key of keys) {
      const field = items.properties?.[key];
      if (field?.type === 'array' || field?.type === 'object') {
        const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
        errors.invalid(`${at}.items.properties[${key}].type`, items.type, why);
      }
      if (!field) {
        errors.invalid(`${at}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties');
      }
      if (seen.has(key)) {
        errors.invalid(`${at}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries');
      }
      seen.add(key);
    }
  }
}

function checkKeys(items: JSONSchemaProps, keys: readonly string[], at: string, errors: FieldErrors): void {
  if (items.nullable) errors.forbidden(`${at}.nullable`, 'cannot be nullable when x-kubernetes-list-type is map');
  const because = 'this property is in x-kubernetes-list-map-keys, so it';
  for (const key of keys) {
    const field = items.properties?.[key];
    if (!field) continue;
    if (field.default === undefined && !items.required?.includes(key)) {
      errors.required(`${at}.properties[${key}].default`, `${because} must have a default or be a required property`);
    }
    if (field.nullable) errors.forbidden(`${at}.properties[${key}].nullable`, `${because} cannot be nullable`);
  }
}

function checkSetItems(items: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    // It is the type of the list that is shown.
    errors.invalid(`${at}.x-kubernetes-map-type`, listType, why);
  }
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic') {
    errors.invalid(`${at}.x-kubernetes-list-type`, listType, why);
  }
  if (items.nullable) errors.forbidden(`${at}.nullable`, 'cannot be nullable when x-kubernetes-list-type is set');
}
