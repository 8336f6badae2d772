import { isJsonArray, isJsonObject, type JsonValue } from '../machinery/index.ts';

/** Whether `live` has everything that is desired, and perhaps more within objects. Lists of named things have no order. */
export function covers(live: JsonValue | undefined, desired: JsonValue | undefined): boolean {
  if (desired === undefined || desired === null) return desired === undefined || live === undefined || live === null;
  if (isJsonObject(desired)) {
    // An object without content is what the server may leave out.
    if (live === undefined) return Object.values(desired).every((each) => each === undefined);
    return isJsonObject(live) && Object.entries(desired).every(([key, value]) => covers(live[key], value));
  }
  if (isJsonArray(desired)) {
    if (live === undefined) return desired.length === 0;
    if (!isJsonArray(live) || live.length !== desired.length) return false;
    const named = byName(live);
    const wanted = byName(desired);
    if (named && wanted) return [...wanted].every(([name, value]) => covers(named.get(name), value));
    return desired.every((each, at) => covers(live[at], each));
  }
  return live === desired;
}

/** Where each of them has a name of its own. */
function byName(list: readonly JsonValue[]): ReadonlyMap<string, JsonValue> | undefined {
  const named = new Map<string, JsonValue>();
  for (const each of list) {
    if (!isJsonObject(each) || typeof each['name'] !== 'string' || named.has(each['name'])) return undefined;
    named.set(each['name'], each);
  }
  return named;
}
