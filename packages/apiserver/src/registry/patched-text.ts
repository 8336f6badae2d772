import type { Schema } from './contract.ts';
import { isObject } from './draft.ts';
import { inGoOrder, memberSchema } from './go-order.ts';

/**
 * An outcome of a patch as the API shows it in messages: the members of what the patch touched in order, what stood
 * there before as Go writes it (wherever it stands now), and what is new as it was sent, or `sorted`.
 */
export function patchedText(patched: unknown, before: unknown, schema: Schema | undefined, sorted = false): string {
  const origins = new Map<object, Schema | undefined>();
  learn(before, schema, origins);
  const text = (value: unknown, old: unknown): string => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
    if (origins.has(value)) return JSON.stringify(inGoOrder(value, origins.get(value)));
    if (Array.isArray(value)) return `[${value.map((each) => text(each, undefined)).join(',')}]`;
    if (!isObject(value)) return 'null';
    const touched = isObject(old) ? old : undefined;
    const names = Object.keys(value).filter((key) => value[key] !== undefined);
    if (touched || sorted) names.sort();
    return `{${names.map((key) => `${JSON.stringify(key)}:${text(value[key], touched?.[key])}`).join(',')}}`;
  };
  return text(patched, before);
}

function learn(value: unknown, schema: Schema | undefined, origins: Map<object, Schema | undefined>): void {
  if (typeof value !== 'object' || value === null || origins.has(value)) return;
  origins.set(value, schema);
  if (Array.isArray(value)) for (const each of value) learn(each, schema?.items, origins);
  else for (const [name, each] of Object.entries(value)) learn(each, schema && memberSchema(schema, name), origins);
}
