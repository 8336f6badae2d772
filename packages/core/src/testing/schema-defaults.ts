import type { JSONSchemaProps } from '../api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../machinery/index.ts';

/** A value as a server reads it: with defaults put in, and nulls gone where a default stands for them. */
export function withDefaults(value: JsonValue, schema: JSONSchemaProps): JsonValue {
  if (isJsonArray(value)) {
    const { items } = schema;
    return isSchema(items) ? value.map((each) => withDefaults(each, items)) : value;
  }
  if (!isJsonObject(value)) return value;
  const { properties = {}, additionalProperties } = schema;
  const filled: JsonObject = { ...value, ...missingDefaults(value, properties) };
  return Object.fromEntries(
    Object.entries(filled).flatMap(([name, each]) => {
      if (each === undefined) return [];
      const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
      return [[name, isSchema(own) ? withDefaults(each, own) : each]];
    }),
  );
}

function missingDefaults(value: JsonObject, properties: Readonly<Record<string, JSONSchemaProps>>): JsonObject {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, each]) => {
      const given = value[name];
      const isMissing = given === undefined || (given === null && !each.nullable);
      return isMissing && isJsonValue(each.default) ? [[name, each.default]] : [];
    }),
  );
}

const isSchema = (value: unknown): value is JSONSchemaProps => isJsonObject(value);
const isJsonValue = (value: unknown): value is JsonValue => value !== undefined && typeof value !== 'function';
