import { deepEqual, isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../machinery/index.ts';

/**
 * The merge patch that makes `live` what is desired: sets what differs, removes what was desired before and is no
 * longer, and leaves alone what others (the server's defaults, other writers) have put in. `undefined` if there is
 * nothing to do.
 */
export function threeWayPatch(previous: JsonObject, desired: JsonObject, live: JsonObject): JsonObject | undefined {
  const patch: [string, JsonValue][] = [];
  for (const key of Object.keys(previous)) {
    if (previous[key] !== undefined && desired[key] === undefined && live[key] !== undefined) patch.push([key, null]);
  }
  for (const [key, value] of Object.entries(desired)) {
    if (value === undefined) continue;
    const [before, now] = [previous[key], live[key]];
    if (isJsonObject(value) && isJsonObject(now)) {
      const inner = threeWayPatch(isJsonObject(before) ? before : {}, value, now);
      if (inner) patch.push([key, inner]);
      continue;
    }
    // Within a list nothing tells what somebody else has put in from what was desired before: a changed wish replaces it.
    const wishChanged = isJsonArray(value) && before !== undefined && !deepEqual(before, value);
    if (wishChanged ? !deepEqual(value, now) : !covers(now, value)) patch.push([key, value]);
  }
  return patch.length === 0 ? undefined : Object.fromEntries(patch);
}

/** Whether `live` has everything that is desired, and perhaps more within objects. */
export function covers(live: JsonValue | undefined, desired: JsonValue | undefined): boolean {
  if (desired === undefined || desired === null) return desired === undefined || live === undefined || live === null;
  if (isJsonObject(desired)) {
    // An object without content is what the server may leave out.
    if (live === undefined) return Object.values(desired).every((each) => each === undefined);
    return isJsonObject(live) && Object.entries(desired).every(([key, value]) => covers(live[key], value));
  }
  if (isJsonArray(desired)) {
    if (live === undefined) return desired.length === 0;
    return isJsonArray(live) && live.length === desired.length && desired.every((each, at) => covers(live[at], each));
  }
  return live === desired;
}
