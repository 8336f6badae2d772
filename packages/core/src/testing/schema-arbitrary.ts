import fc, { type Arbitrary } from 'fast-check';
import type { JSONSchemaProps } from '../api/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../machinery/index.ts';

/** Arbitraries for single places, by their path: `spec.image`, `spec.ports[].name`, `spec.labels[*]`. */
export type Given = Readonly<Record<string, Arbitrary<JsonValue>>>;

/** Beyond what a schema demands, so that objects stay small. */
const more = 4;

/**
 * Values that fit a structural schema, before the server has put in defaults. Rules in CEL are not looked at.
 * @param at the value's path
 */
export function valuesOf(schema: JSONSchemaProps, at: string, given: Given = {}): Arbitrary<JsonValue> {
  const own = given[at] ?? plainValues(schema, at, given);
  return schema.nullable && (!schema.enum || schema.enum.includes(null)) ? fc.option(own, { nil: null }) : own;
}

function plainValues(schema: JSONSchemaProps, at: string, given: Given): Arbitrary<JsonValue> {
  if (schema.enum) return fc.constantFrom(...schema.enum.filter(isValue));
  if (schema['x-kubernetes-int-or-string']) return fc.oneof(integers({ format: 'int32' }), texts({ maxLength: 10 }));
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return integers(schema);
    case 'number':
      return numbers(schema);
    case 'string':
      return texts(schema);
    case 'array':
      return lists(schema, at, given);
    case 'object':
      return objects(schema, at, given);
    default:
      return anything();
  }
}

const isValue = (value: unknown): value is Exclude<JsonValue, null> => value !== null && value !== undefined;

function bounds(schema: JSONSchemaProps, step: number, least: number, most: number): { min: number; max: number } {
  const { minimum = least, maximum = most, exclusiveMinimum, exclusiveMaximum } = schema;
  const [low, high] = [Math.ceil(minimum / step), Math.floor(maximum / step)];
  return {
    min: exclusiveMinimum && low * step <= minimum ? low + 1 : low,
    max: exclusiveMaximum && high * step >= maximum ? high - 1 : high,
  };
}

function integers(schema: JSONSchemaProps): Arbitrary<number> {
  const step = schema.multipleOf ?? 1;
  const small = schema.format === 'int32';
  const [least, most] = small ? [-(2 ** 31), 2 ** 31 - 1] : [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  return fc.integer(bounds(schema, step, least, most)).map((each) => each * step || 0);
}

function numbers(schema: JSONSchemaProps): Arbitrary<number> {
  const {
    multipleOf: step,
    minimum = -1e9,
    maximum = 1e9,
    exclusiveMinimum = false,
    exclusiveMaximum = false,
  } = schema;
  // Whole numbers are held against the whole parts of bounds.
  const whole = { least: Math.trunc(minimum), most: Math.trunc(maximum), step: step && Math.trunc(step) };
  const isTaken = (each: number) =>
    Number.isInteger(each)
      ? (exclusiveMinimum ? each > whole.least : each >= whole.least) &&
        (exclusiveMaximum ? each < whole.most : each <= whole.most) &&
        (whole.step === undefined || Number.isInteger(each / whole.step))
      : step === undefined || Number.isInteger(each / step);
  const range = { min: minimum, max: maximum, minExcluded: exclusiveMinimum, maxExcluded: exclusiveMaximum };
  const values =
    step === undefined
      ? fc.double({ ...range, noNaN: true, noDefaultInfinity: true })
      : fc.integer(bounds(schema, step, -1e9, 1e9)).map((each) => each * step);
  return values.map((each) => each || 0).filter(isTaken);
}

const formats: Readonly<Record<string, () => Arbitrary<string>>> = {
  'date-time': () => instants().map((each) => each.toISOString()),
  date: () => instants().map((each) => each.toISOString().slice(0, 10)),
  email: () => fc.stringMatching(/^[a-z][a-z0-9]{0,9}@[a-z]{1,9}\.com$/),
  uuid: () => fc.uuid(),
  uri: () => fc.webUrl(),
  ipv4: () => fc.ipV4(),
  ipv6: () => fc.ipV6(),
  byte: () => fc.uint8Array({ minLength: 1, maxLength: 12 }).map((each) => Buffer.from(each).toString('base64')),
};

const instants = () =>
  fc.date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2099-12-31T00:00:00Z'), noInvalidDate: true });

function texts(schema: JSONSchemaProps): Arbitrary<string> {
  const { minLength = 0, maxLength = minLength + 4 * more, pattern, format = '', allOf = [] } = schema;
  const patterns = [pattern, ...allOf.map((each) => each.pattern)].flatMap((each) =>
    each === undefined ? [] : [each],
  );
  const [first, ...others] = patterns.map((each) => new RegExp(each));
  // What zod writes for a format is narrower than what the server takes for it.
  const source = first
    ? fc.stringMatching(first)
    : (formats[format]?.() ?? fc.string({ minLength, maxLength, unit: 'grapheme-composite' }));
  return source.filter((each) => {
    // The server counts characters, not what JavaScript counts.
    const length = [...each].length;
    return length >= minLength && length <= (schema.maxLength ?? Infinity) && others.every((other) => other.test(each));
  });
}

function lists(schema: JSONSchemaProps, at: string, given: Given): Arbitrary<JsonValue> {
  const items = isSchema(schema.items) ? schema.items : {};
  const { minItems = 0, maxItems = minItems + more } = schema;
  const size = { minLength: minItems, maxLength: Math.min(maxItems, minItems + more) };
  const values = valuesOf(items, `${at}[]`, given);
  const type = schema['x-kubernetes-list-type'];
  if (type !== 'set' && type !== 'map') return fc.array(values, size);
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const keyOf = (item: JsonValue) =>
    type === 'set' || !isJsonObject(item)
      ? JSON.stringify(item)
      : JSON.stringify(keys.map((key) => item[key] ?? items.properties?.[key]?.default));
  return fc.uniqueArray(values, { ...size, selector: keyOf });
}

const isSchema = (value: unknown): value is JSONSchemaProps => isJsonObject(value);

function objects(schema: JSONSchemaProps, at: string, given: Given): Arbitrary<JsonValue> {
  const { properties = {}, required = [], minProperties = 0, maxProperties = Infinity } = schema;
  if (schema['x-kubernetes-embedded-resource'] && !schema.properties) return fc.constant(embedded);
  if (isSchema(schema.additionalProperties)) {
    const values = valuesOf(schema.additionalProperties, `${at}[*]`, given);
    const size = { minKeys: minProperties, maxKeys: Math.min(maxProperties, minProperties + more) };
    return fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/), values, { ...size, noNullPrototype: true });
  }
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, each]) => [name, valuesOf(each, at === '' ? name : `${at}.${name}`, given)]),
  );
  const needed = required.filter((name) => properties[name]?.default === undefined);
  const whole: Arbitrary<JsonObject> = fc.record(model, { requiredKeys: needed, noNullPrototype: true });
  if (minProperties === 0 && maxProperties === Infinity) return whole;
  const withDefaults = Object.keys(properties).filter((name) => properties[name]?.default !== undefined);
  return whole.filter((each) => {
    const size = new Set([...Object.keys(each), ...withDefaults]).size;
    return size >= minProperties && size <= maxProperties;
  });
}

const embedded = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'embedded' } };

const anything = (): Arbitrary<JsonValue> =>
  fc.oneof(
    fc.boolean(),
    integers({ format: 'int32' }),
    texts({ maxLength: 10 }),
    fc.array(fc.boolean(), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), texts({ maxLength: 10 }), { maxKeys: 3, noNullPrototype: true }),
  );
