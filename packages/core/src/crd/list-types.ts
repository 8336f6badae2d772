import type { z } from 'zod';

/** What a key of a list's objects can be: the server compares scalars. */
type KeyOf<Item extends z.ZodObject> = {
  [K in keyof z.output<Item>]-?: z.output<Item>[K] extends string | number | boolean ? K : never;
}[keyof z.output<Item>] &
  string;

/**
 * A list of objects that are told apart by fields of theirs: no two have the same keys, and appliers (server-side apply)
 * own single objects of it. Each key is required or has a default.
 *
 * @example
 * mapList(z.object({ name: z.string(), port: z.int() }), 'name')
 */
export function mapList<Item extends z.ZodObject>(
  item: Item,
  ...keys: readonly [KeyOf<Item>, ...KeyOf<Item>[]]
): z.ZodArray<Item> {
  return item.array().meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** A list in which nothing comes twice, and of which appliers own single items; of scalars, or of `atomic` objects and lists. */
export function setList<Item extends z.ZodType>(item: Item): z.ZodArray<Item> {
  return item.array().meta({ 'x-kubernetes-list-type': 'set' });
}

interface Collection {
  readonly _zod: { readonly def: { readonly type: 'array' | 'object' | 'record' } };
}

/** A list, object or map that has one owner as a whole: appliers replace it and never merge into it. */
export function atomic<Schema extends z.ZodType & Collection>(schema: Schema): Schema {
  const key = schema._zod.def.type === 'array' ? 'x-kubernetes-list-type' : 'x-kubernetes-map-type';
  return schema.meta({ ...schema.meta(), [key]: 'atomic' });
}
