import { at, type Json, type JsonObject } from '../json.ts';
import { definitions, type FieldSchema, type Kind, resolve } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { isUntouchable, type Path, type Place, plausible } from '../values.ts';

const known = new Map<string, { readonly lists: readonly Place[]; readonly objects: readonly Place[] }>();

/** Every place of a kind that is a list, or an object, outside of `metadata` and `status`. */
function placesOf(kind: Kind): { readonly lists: readonly Place[]; readonly objects: readonly Place[] } {
  const found = known.get(kind.definition);
  if (found) return found;
  const lists: Place[] = [];
  const objects: Place[] = [];
  const visit = (schema: FieldSchema, path: Path, name: string, above: readonly string[]) => {
    const type = resolve(schema);
    if (schema.ref !== undefined && above.includes(schema.ref)) return;
    const refs = schema.ref === undefined ? above : [...above, schema.ref];
    if (type.type === 'array' && type.items) {
      lists.push({ path, schema, name });
      visit(type.items, [...path, 0], name, refs);
    }
    if (type.properties === undefined) return;
    if (path.length > 0) objects.push({ path, schema, name });
    for (const [each, field] of Object.entries(type.properties))
      if (!isUntouchable(kind.definition, path, each)) visit(field, [...path, each], each, refs);
  };
  visit(definitions.get(kind.definition) ?? {}, [], '', []);
  const places = { lists, objects };
  known.set(kind.definition, places);
  return places;
}

/** A list of the kind; those that the object has are as likely as all others. */
export function somePlace(kind: Kind, rng: Rng, object: JsonObject, what: 'lists' | 'objects'): Place | undefined {
  const all = placesOf(kind)[what];
  const present = all.filter(({ path }) => at(object, path.join('.')) !== undefined);
  const from = present.length > 0 && rng.bool() ? present : all;
  return from.length === 0 ? undefined : rng.pick(from);
}

/** An element of the list at a place: the object's own first one, or one made up. */
export function someItem({ path, schema, name }: Place, rng: Rng, object: JsonObject): Json {
  const own = at(object, [...path, 0].join('.'));
  return own !== undefined && rng.bool(0.7)
    ? structuredClone(own)
    : plausible(resolve(schema).items ?? {}, name.replace(/s$/, ''), rng);
}

/** By which fields elements of the list are told apart, in an apply and in a strategic merge patch. */
export const keysOf = ({ schema }: Place): readonly string[] => {
  const own = schema['x-kubernetes-patch-merge-key'];
  return schema['x-kubernetes-list-map-keys'] ?? (own === undefined ? [] : [own]);
};
