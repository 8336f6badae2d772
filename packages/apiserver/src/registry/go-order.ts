import { definitions, goFields } from '../schema/index.ts';
import type { Schema } from './contract.ts';
import { isObject, type Json } from './draft.ts';

/** The value with its members as Go writes them: structs as they are declared, maps by their keys. */
export function inGoOrder(value: unknown, schema: Schema | undefined): unknown {
  if (Array.isArray(value)) return value.map((each) => inGoOrder(each, schema?.items));
  if (!isObject(value) || schema === undefined) return value;
  const order = namesInOrder(value, schema);
  return Object.fromEntries(order.map((name) => [name, inGoOrder(value[name], memberSchema(schema, name))]));
}

/** What a member of an object is; undefined where that is not known. */
export function memberSchema({ ref, additionalProperties, properties }: Schema, name: string): Schema | undefined {
  if (ref !== undefined) return definitions()[ref]?.properties?.[name];
  return properties?.[name] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
}

function namesInOrder(value: Readonly<Json>, { ref, additionalProperties }: Schema): readonly string[] {
  const names = Object.keys(value);
  if (typeof additionalProperties === 'object') return names.sort();
  const fields = ref === undefined ? undefined : goFields(ref);
  if (!fields) return names;
  const known = fields.map(({ name }) => name).filter((name) => name in value);
  return [...known, ...names.filter((name) => !known.includes(name))];
}
