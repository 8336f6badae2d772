import { fromJSON, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { criDescriptorJson } from '@keelson/core/cri';
import { z } from 'zod';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

/**
 * The methods of one service of `runtime.v1`, ready to (de)serialize the generated types: names of fields in camelCase,
 * 64-bit integers as numbers, enums by name.
 */
export function criService(name: 'RuntimeService' | 'ImageService'): ServiceDefinition {
  const root = fromJSON(jsonObject.parse(camelCaseFields(jsonObject.parse(JSON.parse(criDescriptorJson)))), {
    longs: Number,
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  });
  const service = root[`runtime.v1.${name}`];
  if (service === undefined || 'format' in service) throw new Error(`the CRI descriptor holds no service ${name}`);
  return service;
}

export type CriMethod = MethodDefinition<object, object>;

/** On the wire a field is its number: the names are ours to choose, and the generated types have chosen camelCase. */
function camelCaseFields(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, child]): [string, Json] => {
      if (!isObject(child)) return [key, child];
      if (key !== 'fields') return [key, camelCaseFields(child)];
      return [key, Object.fromEntries(Object.entries(child).map(([field, type]) => [camelCase(field), type]))];
    }),
  );
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function camelCase(name: string): string {
  return name.slice(0, 1) + name.slice(1).replace(/_([a-zA-Z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** An absent message is `undefined` in the generated types; the decoder says `null`. Bytes are left alone. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const result: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) if (child !== null) result[key] = withoutNulls(child);
  return result;
}
