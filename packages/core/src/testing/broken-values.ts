import fc, { type Arbitrary } from 'fast-check';
import type { JSONSchemaProps } from '../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../machinery/index.ts';

/** One thing that is wrong with a value. */
export interface Breakage {
  /** For example `spec.ports[0].port`. */
  readonly path: string;
  /** What of the schema it breaks: `required`, `type`, `maximum` … */
  readonly broken: string;
  /** The whole value, with this one thing wrong. */
  readonly value: JsonValue;
}

/** Every single thing that can be made wrong with a value that fits the schema. */
export function breakagesOf(value: JsonValue, schema: JSONSchemaProps, path: string): readonly Breakage[] {
  const here = wrongValues(value, schema).map(([broken, wrong]) => ({ path, broken, value: wrong }));
  if (isJsonArray(value)) {
    const items = isSchema(schema.items) ? schema.items : {};
    const within = value.flatMap((each, at) =>
      breakagesOf(each, items, `${path}[${at}]`).map((found) => ({ ...found, value: value.with(at, found.value) })),
    );
    return [...here, ...within];
  }
  if (!isJsonObject(value)) return here;
  const { properties = {}, required = [], additionalProperties } = schema;
  const missing = required
    .filter((name) => value[name] !== undefined && properties[name]?.default === undefined)
    .map((name) => ({ path: join(path, name), broken: 'required', value: without(value, name) }));
  const within = Object.entries(value).flatMap(([name, each]) => {
    const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (each === undefined || !isSchema(own)) return [];
    return breakagesOf(each, own, join(path, name)).map((found) => ({
      ...found,
      value: { ...value, [name]: found.value },
    }));
  });
  return [...here, ...missing, ...within];
}

const isSchema = (value: unknown): value is JSONSchemaProps => isJsonObject(value);
const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);
const without = (value: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([each]) => each !== name));

/** By the keyword that it breaks; `undefined` where this schema has none to break, or the value cannot be made so. */
function wrongValues(value: JsonValue, schema: JSONSchemaProps): readonly (readonly [string, JsonValue])[] {
  if (value === null) return [];
  const found: (readonly [string, JsonValue])[] = [];
  const add = (broken: string, wrong: JsonValue) => void found.push([broken, wrong]);
  const { type, minimum, maximum, multipleOf, minLength, maxLength, minItems, maxItems } = schema;
  if (schema['x-kubernetes-int-or-string']) add('type', true);
  else if (type !== undefined) add('type', type === 'boolean' ? 'true' : type === 'string' ? 7 : 'a text');
  if (schema.enum && type === 'string') add('enum', 'none of them');
  if (typeof value === 'number') {
    if (minimum !== undefined) add('minimum', minimum - 1);
    if (minimum !== undefined && schema.exclusiveMinimum) add('exclusiveMinimum', minimum);
    if (maximum !== undefined) add('maximum', maximum + 1);
    if (maximum !== undefined && schema.exclusiveMaximum) add('exclusiveMaximum', maximum);
    if (type === 'integer') add('type', 0.5);
    if (type === 'integer' && multipleOf !== undefined && multipleOf > 1) add('multipleOf', multipleOf + 1);
  }
  if (typeof value === 'string' && !schema.enum) {
    if (minLength !== undefined && minLength > 0) add('minLength', [...value].slice(0, minLength - 1).join(''));
    if (maxLength !== undefined && maxLength < 100_000) add('maxLength', `${value}${'x'.repeat(maxLength + 1)}`);
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test('\u0001')) add('pattern', '\u0001');
  }
  if (isJsonArray(value)) {
    const [first] = value;
    if (minItems !== undefined && minItems > 0) add('minItems', value.slice(0, minItems - 1));
    if (maxItems !== undefined && first !== undefined && maxItems < 1000) {
      add('maxItems', [...value, ...Array.from({ length: maxItems + 1 - value.length }, () => first)]);
    }
    const listType = schema['x-kubernetes-list-type'];
    if ((listType === 'set' || listType === 'map') && first !== undefined)
      add('x-kubernetes-list-type', [...value, first]);
  }
  return found;
}

/** Values of `values` with one thing wrong; only those in which something can be. */
export function brokenValues<V extends JsonValue>(
  values: Arbitrary<V>,
  schema: JSONSchemaProps,
  path: string,
): Arbitrary<Breakage> {
  return values
    .map((value) => breakagesOf(value, schema, path))
    .filter((all) => all.length > 0)
    .chain((all) => fc.constantFrom(...all));
}
