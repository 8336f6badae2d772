import { deepEqual, isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '@keelson/core';

/** What tells the members of lists apart, the likeliest first. */
const identities = ['uid', 'type', 'name', 'key', 'ip', 'containerPort'] as const;

/**
 * The change from `before` to `after`, made to another state: fields that did not change are as they are there. Members
 * of lists of objects are told apart by what names them; of other lists, what came and went comes and goes.
 */
export function rebase(
  current: JsonValue | undefined,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): JsonValue | undefined {
  if (deepEqual(before, after)) return current;
  if (deepEqual(current, before)) return after;
  if (isJsonObject(before) && isJsonObject(after)) return members(isJsonObject(current) ? current : {}, before, after);
  if (isJsonArray(before) && isJsonArray(after) && isJsonArray(current)) return list(current, before, after);
  return after;
}

function members(current: JsonObject, before: JsonObject, after: JsonObject): JsonObject {
  const names = new Set([...Object.keys(current), ...Object.keys(before), ...Object.keys(after)]);
  const result: [string, JsonValue][] = [];
  for (const name of names) {
    const value = rebase(current[name], before[name], after[name]);
    if (value !== undefined) result.push([name, value]);
  }
  return Object.fromEntries(result);
}

function list(current: readonly JsonValue[], before: readonly JsonValue[], after: readonly JsonValue[]): JsonValue {
  const identity = identities.find((each) => [current, before, after].every((all) => areNamedBy(all, each)));
  const idOf = (value: JsonValue) =>
    identity !== undefined && isJsonObject(value) ? String(value[identity]) : JSON.stringify(value);
  const [was, is, now] = [before, after, current].map((all) => new Map(all.map((each) => [idOf(each), each])));
  if (!was || !is || !now) return after;
  const kept = current.filter((each) => is.has(idOf(each)) || !was.has(idOf(each)));
  const result = kept.map((each) => {
    const id = idOf(each);
    return is.has(id) ? (rebase(each, was.get(id), is.get(id)) ?? each) : each;
  });
  const come = after.filter((each) => !now.has(idOf(each)) && !deepEqual(was.get(idOf(each)), each));
  return [...result, ...come];
}

function areNamedBy(all: readonly JsonValue[], name: string): boolean {
  const names = all.map((each) => (isJsonObject(each) ? each[name] : undefined));
  return names.every((each) => each !== undefined) && new Set(names).size === names.length;
}
