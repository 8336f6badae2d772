import { definitions, type GoType, goFields } from '../schema/index.ts';
import type { Schema } from './contract.ts';
import { isObject, type Json } from './draft.ts';

/**
 * The value with integers as Go's own conversion leaves them where they do not fit their type: it keeps the lowest bits.
 * That is what becomes of them in strategic merge patches and applies, where every number was read without looking at
 * its type. The value itself where all fit.
 */
export function withWrappedIntegers(definition: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  const properties = definitions()[definition]?.properties;
  let result: Json | undefined;
  for (const { name, type } of goFields(definition) ?? []) {
    const schema = properties?.[name];
    const each = value[name];
    if (schema === undefined || each === undefined || each === null) continue;
    const wrapped = wrap(schema, type, each);
    if (wrapped === each) continue;
    result ??= { ...value };
    result[name] = wrapped;
  }
  return result ?? value;
}

function wrap(schema: Schema, type: GoType, value: unknown): unknown {
  const { ref } = schema;
  if (ref !== undefined) return goFields(ref) === undefined ? value : withWrappedIntegers(ref, value);
  if (schema.type === 'integer') return typeof value === 'number' ? wrapped(value, schema.format === 'int32') : value;
  if (schema.type === 'array' && Array.isArray(value)) return wrapList(schema, type, value);
  if (schema.type === 'object' && isObject(value)) return wrapMap(schema, type, value);
  return value;
}

function wrapList({ items }: Schema, { element }: GoType, values: readonly unknown[]): unknown {
  if (!items || !element) return values;
  const result = values.map((each) => wrap(items, element, each));
  return result.some((each, index) => each !== values[index]) ? result : values;
}

function wrapMap({ additionalProperties }: Schema, { element }: GoType, values: Readonly<Json>): unknown {
  if (typeof additionalProperties !== 'object' || !element) return values;
  const entries = Object.entries(values).map(
    ([key, each]) => [key, wrap(additionalProperties, element, each)] as const,
  );
  return entries.some(([key, each]) => each !== values[key]) ? Object.fromEntries(entries) : values;
}

const least = -(2 ** 63);
/** The largest integer of 64 bits is read as the next power of two, which no JavaScript number tells from it. */
const most = 2 ** 63;

function wrapped(value: number, short: boolean): number {
  if (!Number.isInteger(value)) return value;
  // What is no integer of 64 bits came as a float: a processor makes the least integer of it.
  const fits = value >= least && value <= most;
  if (!short) return fits ? Math.min(value, most - 1024) : least;
  if (!fits) return 0;
  return value === most ? -1 : Number(BigInt.asIntN(32, BigInt(value)));
}
