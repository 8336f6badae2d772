import { deepEqual, type JSONSchemaProps, validateDns1035Label } from '@keelson/core';
import { goRegexp, PatternWorkError } from '../cel/index.ts';
import { FieldErrors, goQuote } from '../registry/strategy.ts';
import { itemsOf, valuesOf } from './custom-decoder.ts';
import { hasFormat, isKnownFormat } from './formats.ts';
import { elementLike, isUnchanged } from './unchanged.ts';
import { validatedParts } from './validated-parts.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A whole number has 64 bits to Go. The greatest is read as the one after it, which is taken for it. */
const isInteger = (value: number) => Number.isInteger(value) && value <= 2 ** 63 && value >= -(2 ** 63);

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' ? (isInteger(value) ? 'integer' : 'number') : typeof value;
}

/** What cannot be read is refused before it comes here; it is not checked. */
function checkPattern(pattern: string, value: string, at: string, errors: FieldErrors): void {
  const read = goRegexp(pattern);
  if (!('regexp' in read)) return;
  const shown = pattern.length > shownOfPattern ? `${pattern.slice(0, shownOfPattern)}…` : pattern;
  try {
    if (!read.regexp.test(value)) errors.invalid(at, value, `${at} in body should match '${pattern}'`);
  } catch (error) {
    if (!(error instanceof PatternWorkError)) throw error;
    const why = `${at} in body is too long to be looked through for '${shown}' (${value.length} characters)`;
    errors.list.push({ type: 'FieldValueInvalid', field: at, message: `Invalid value: "": ${why}` });
  }
}

const shownOfPattern = 100;

/**
 * Everything in which a value does not fit an OpenAPI v3 schema, in the words of Kubernetes. What is as it was in `old`
 * is not looked at: a schema that became narrower does not stand in the way of other changes (KEP-4008).
 */
export function validateSchema(
  value: unknown,
  schema: JSONSchemaProps,
  at: string,
  errors: FieldErrors,
  old?: unknown,
): void {
  // What a write by way of the status puts back is the very value that was there.
  if (isUnchanged(value, old, schema)) return;
  // What is of a wrong type is held to all other rules that ask for no type.
  if (!validateType(value, schema, at, errors) && value === null) return;
  validateCombinations(value, schema, at, errors);
  if (typeof value === 'string') validateString(value, schema, at, errors);
  else if (typeof value === 'number') validateNumber(value, schema, at, errors);
  else if (Array.isArray(value)) validateList(value, schema, at, errors, old);
  // A null that is among the values has become a text to Go.
  if (schema.enum && (value === null || !schema.enum.some((each) => deepEqual(each, value)))) {
    errors.notSupported(
      at,
      value,
      schema.enum.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))),
    );
  }
  if (isObject(value)) validateObject(value, schema, at, errors, isObject(old) ? old : {});
}

/** What Go holds a number in. */
const goFormats: Readonly<Record<string, string>> = { integer: 'int64', number: 'float64' };

/** Whether the type is right. */
function validateType(value: unknown, schema: JSONSchemaProps, at: string, errors: FieldErrors): boolean {
  const type = typeOf(value);
  if (value === null && schema.nullable) return true;
  const wrong = (wanted: string, type = typeOf(value)) => {
    errors.list.push({
      type: 'FieldValueTypeInvalid',
      field: at,
      message: `Invalid value: "${type}": ${at} in body must be of type ${wanted}: "${type}"`,
    });
    return false;
  };
  if (schema['x-kubernetes-int-or-string']) return type === 'integer' || type === 'string' || wrong('integer,string');
  if (!schema.type || schema.type === type) return true;
  if (schema.type === 'number' && type === 'integer') return true;
  const { format = '' } = schema;
  if (schema.type !== 'string' || !isKnownFormat(format) || value === null) return wrong(schema.type);
  // Kubernetes asks for the format in the place of the type, and not at all of lists.
  return Array.isArray(value) || wrong(format, goFormats[type] ?? '');
}

function validateString(value: string, schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.tooLong(at, schema.maxLength);
  else if (schema.minLength !== undefined && length < schema.minLength) {
    errors.invalid(at, value, `${at} in body should be at least ${schema.minLength} chars long`);
  } else if (schema.pattern) checkPattern(schema.pattern, value, at, errors);
  if (schema.format && !hasFormat(schema.format, value)) {
    const why = `${at} in body must be of type ${schema.format}: ${JSON.stringify(value)}`;
    errors.list.push({ type: 'FieldValueTypeInvalid', field: at, message: `Invalid value: ${goQuote(value)}: ${why}` });
  }
}

function validateNumber(value: number, schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  // Go holds whole numbers against the whole part of a bound.
  const bound = (each: number | undefined) => (each !== undefined && isInteger(value) ? Math.trunc(each) : each);
  const [maximum, minimum, multipleOf] = [bound(schema.maximum), bound(schema.minimum), bound(schema.multipleOf)];
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum)) {
    errors.invalid(
      at,
      value,
      `${at} in body should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${maximum}`,
    );
  }
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum)) {
    errors.invalid(
      at,
      value,
      `${at} in body should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${minimum}`,
    );
  }
  if (multipleOf !== undefined && multipleOf <= 0) {
    errors.invalid(at, multipleOf, `factor MultipleOf declared for ${at} must be positive: ${multipleOf}`);
  } else if (multipleOf !== undefined && !Number.isSafeInteger(value / multipleOf)) {
    errors.invalid(at, value, `${at} in body should be a multiple of ${multipleOf}`);
  }
}

function validateList(
  value: readonly unknown[],
  schema: JSONSchemaProps,
  at: string,
  errors: FieldErrors,
  old: unknown,
): void {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    errors.invalid(at, value.length, `${at} in body should have at least ${schema.minItems} items`);
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    errors.tooMany(at, value.length, schema.maxItems);
  const items = itemsOf(schema);
  if (items) {
    value.forEach(
      (each, index) => void validateSchema(each, items, `${at}[${index}]`, errors, elementLike(each, old, schema)),
    );
  }
}

function validateObject(value: Json, schema: JSONSchemaProps, at: string, errors: FieldErrors, old: Json): void {
  const here = (name: string) => (at === '' ? name : `${at}.${name}`);
  const count = Object.keys(value).length;
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    errors.invalid(at, count, `${at} in body should have at least ${schema.minProperties} properties`);
  }
  if (schema.maxProperties !== undefined && count > schema.maxProperties)
    errors.tooMany(at, count, schema.maxProperties);
  const missing = new Set<string>();
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) {
      missing.add(name);
      errors.required(here(name));
    }
  }
  if (schema['x-kubernetes-embedded-resource'] && at !== '') {
    checkEmbeddedType(value, here, errors);
  }
  const values = valuesOf(schema);
  for (const [name, each] of Object.entries(value)) {
    if (missing.has(name)) continue;
    const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (own) validateSchema(each, own, here(name), errors, old[name]);
    else if (typeof values === 'object') validateSchema(each, values, `${at}.${name}`, errors, old[name]);
  }
}

/** Every resource has a type, also one that is a part of another. */
function checkEmbeddedType({ apiVersion, kind }: Json, here: (name: string) => string, errors: FieldErrors): void {
  for (const [name, each] of Object.entries({ apiVersion, kind })) {
    if (each === undefined || each === null) errors.required(here(name));
    else if (each === '') errors.invalid(here(name), '', 'must not be empty');
  }
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    errors.invalid(here('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  }
  if (typeof kind !== 'string' || kind === '') return;
  for (const each of validateDns1035Label(kind.toLowerCase())) {
    errors.invalid(here('kind'), kind, `may have mixed case, but should otherwise match: ${each}`);
  }
}

function validateCombinations(value: unknown, schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const failures = (each: JSONSchemaProps) => {
    const found = new FieldErrors();
    validateSchema(value, each, at, found);
    return found.list;
  };
  const closest = (alternatives: readonly JSONSchemaProps[], all: readonly FieldErrors['list'][]) => {
    const parts = alternatives.map((each) => validatedParts(value, each));
    return all[parts.indexOf(Math.max(...parts))] ?? [];
  };
  const wrong = (why: string) =>
    errors.list.push({ type: 'FieldValueInvalid', field: '<nil>', message: `Invalid value: "": "${at}" must ${why}` });
  if (schema.anyOf?.length) {
    const all = schema.anyOf.map(failures);
    if (all.every((each) => each.length > 0)) {
      wrong('validate at least one schema (anyOf)');
      errors.list.push(...closest(schema.anyOf, all));
    }
  }
  if (schema.oneOf?.length) {
    const all = schema.oneOf.map(failures);
    const fitting = all.filter((each) => each.length === 0).length;
    if (fitting === 0) {
      wrong('validate one and only one schema (oneOf). Found none valid');
      errors.list.push(...closest(schema.oneOf, all));
    } else if (fitting > 1) wrong(`validate one and only one schema (oneOf). Found ${fitting} valid alternatives`);
  }
  if (schema.allOf?.length) {
    const all = schema.allOf.map(failures);
    if (all.some((each) => each.length > 0)) {
      errors.list.push(...all.flat());
      wrong(`validate all the schemas (allOf)${all.every((each) => each.length > 0) ? '. None validated' : ''}`);
    }
  }
  if (schema.not && failures(schema.not).length === 0) wrong('not validate the schema (not)');
}
