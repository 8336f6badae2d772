import type { Json } from '../draft.ts';
import type { ListType, MapType, MergeType } from './merge-type.ts';
import { put } from './remove-fields.ts';
import { asList, asMap, listElement, memberType, shapeOf } from './typed-shape.ts';

/**
 * `applied` laid over `live`: nothing goes by it. Elements of lists come in the order of `applied`, with what only
 * `live` has where it stood. Both stay as they are; what neither changes is shared.
 */
export function mergeValues(type: MergeType, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live;
  if (live === undefined) return applied;
  const shape = shapeOf(type, applied === null ? live : applied);
  if (shape === 'map' && type.map) return mergeMaps(type.map, live, applied);
  if (shape === 'list' && type.list) return mergeLists(type.list, live, applied);
  return applied;
}

function mergeMaps(map: MapType, live: unknown, applied: unknown): unknown {
  const left = asMap(live);
  const right = asMap(applied);
  const hollow = (members: Readonly<Json> | undefined) => members === undefined || Object.keys(members).length === 0;
  if (map.atomic || (hollow(left) && hollow(right))) return applied;
  const result: Json = {};
  for (const name of Object.keys(left ?? {})) {
    const type = memberType(map, name);
    put(result, name, type ? mergeValues(type, left?.[name], right?.[name]) : left?.[name]);
  }
  for (const name of Object.keys(right ?? {})) {
    if (left?.[name] === undefined) put(result, name, right?.[name]);
  }
  return result;
}

function mergeLists(list: ListType, live: unknown, applied: unknown): unknown {
  const left = asList(live) ?? [];
  const right = asList(applied) ?? [];
  if (list.atomic || (left.length === 0 && right.length === 0)) return applied;
  const ours = left.map((each) => listElement(list, each));
  const theirs = right.map((each) => listElement(list, each));
  const known = new Map<string, unknown>();
  // An element that stands twice cannot be merged with: the applied one takes its place.
  ours.forEach((element, at) => {
    known.set(element, known.has(element) ? undefined : left[at]);
  });
  const wanted = new Map(theirs.map((element, at) => [element, right[at]]));
  const shared = theirs.filter((element) => known.has(element));
  let nextShared = 0;
  const taken = new Set<string>();
  const result: unknown[] = [];
  const take = (element: string) => {
    taken.add(element);
    result.push(mergeValues(list.item, known.get(element), wanted.get(element)));
  };
  for (let l = 0, r = 0; l < ours.length || r < theirs.length; ) {
    const our = ours[l];
    const their = theirs[r];
    if (our !== undefined && their !== undefined) {
      if (our === their) {
        take(our);
        l++;
        r++;
        nextShared++;
        continue;
      }
      if (wanted.has(our) && nextShared < shared.length && shared[nextShared] !== our) {
        l++;
        continue;
      }
    }
    if (our !== undefined) {
      if (!wanted.has(our)) {
        result.push(left[l]);
        l++;
        continue;
      }
      if (taken.has(our)) l++;
    }
    if (their !== undefined) {
      take(their);
      r++;
      if (shared[nextShared] === their) nextShared++;
    }
  }
  return result;
}
