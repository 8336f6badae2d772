import type { Schema } from './contract.ts';
import { isObject } from './draft.ts';
import { inGoOrder, memberSchema } from './go-order.ts';
import { goJson } from './ownership/path-element.ts';

/** What is patched: the object before, its schema, and whether the patch's own objects have been sorted on the way. */
export interface PatchedFrom {
  readonly before: unknown;
  readonly schema: Schema | undefined;
  readonly sorted: boolean;
  /** Of no Go type: all of it is in the order of names. */
  readonly untyped?: boolean;
}

/**
 * An outcome of a patch with its members in the order in which the API reads and shows them: of what the patch touched
 * sorted, of what stood there before as Go writes it (wherever it stands now), of what is new as it was sent, or sorted.
 */
export function inPatchedOrder(patched: unknown, { before, schema, sorted, untyped }: PatchedFrom): unknown {
  const origins = new Map<object, Schema | undefined>();
  if (!untyped) learn(before, schema, origins);
  const order = (value: unknown, old: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (origins.has(value)) return inGoOrder(value, origins.get(value));
    if (Array.isArray(value)) return value.map((each) => order(each, undefined));
    if (!isObject(value)) return null;
    const touched = isObject(old) ? old : undefined;
    const names = Object.keys(value).filter((key) => value[key] !== undefined);
    if (touched || sorted || untyped) names.sort();
    return Object.fromEntries(names.map((key) => [key, order(value[key], touched?.[key])]));
  };
  return order(patched, before);
}

export const patchedText = (patched: unknown, from: PatchedFrom): string => goJson(inPatchedOrder(patched, from));

function learn(value: unknown, schema: Schema | undefined, origins: Map<object, Schema | undefined>): void {
  if (typeof value !== 'object' || value === null || origins.has(value)) return;
  origins.set(value, schema);
  if (Array.isArray(value)) for (const each of value) learn(each, schema?.items, origins);
  else for (const [name, each] of Object.entries(value)) learn(each, schema && memberSchema(schema, name), origins);
}
