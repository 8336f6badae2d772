import { isJsonArray, isJsonObject, type JsonValue, jsonKind } from './json.ts';
import { StatusError } from './status-error.ts';

/** What tells an element of a list from the others: its merge key, or for a list of scalars itself. */
export function mergeKeyOf(element: JsonValue | undefined, mergeKey: string | undefined): JsonValue | undefined {
  if (mergeKey === undefined) return element;
  return isJsonObject(element) ? element[mergeKey] : undefined;
}

export function sameScalar(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return a === b && a !== undefined;
}

export function findByKey(list: readonly JsonValue[], mergeKey: string, key: JsonValue | undefined): number {
  return list.findIndex((each) => isJsonObject(each) && sameScalar(each[mergeKey], key));
}

export function deduplicate(list: readonly JsonValue[]): JsonValue[] {
  return [...new Set(list)];
}

/** The one kind that all elements have. Throws if they differ, or are lists. */
export function elementKind(original: readonly JsonValue[], patch: readonly JsonValue[]): ReturnType<typeof jsonKind> {
  const kinds = new Set([...original, ...patch].map(jsonKind));
  const [kind = 'null'] = kinds;
  if (kinds.size > 1) {
    throw new StatusError({ code: 500, message: `list element types are not identical: ${goText([original, patch])}` });
  }
  if (kind === 'array') throw new StatusError({ code: 500, message: 'lists of lists are not supported' });
  return kind;
}

/**
 * Puts merged elements into order: those that `wanted` names stand as there, the others as on the server; where the
 * two meet, an element of the server goes first only if it stood first on the server.
 */
export function orderElements(
  merged: readonly JsonValue[],
  wanted: readonly JsonValue[],
  server: readonly JsonValue[],
  mergeKey: string | undefined,
): readonly JsonValue[] {
  if (mergeKey !== undefined) checkKeys(merged, wanted, mergeKey);
  const serverAt = positions(server, mergeKey);
  const wantedAt = positions(wanted, mergeKey);
  const place = (of: ReadonlyMap<JsonValue | undefined, number>, each: JsonValue | undefined) =>
    of.get(mergeKeyOf(each, mergeKey)) ?? -1;
  const named = merged
    .filter((each) => place(wantedAt, each) >= 0)
    .sort((a, b) => place(wantedAt, a) - place(wantedAt, b));
  // What stands nowhere comes last: only an empty list of wanted ones leaves something out that is new.
  const onServer = (each: JsonValue) => (place(serverAt, each) < 0 ? server.length : place(serverAt, each));
  const others = merged.filter((each) => place(wantedAt, each) < 0).sort((a, b) => onServer(a) - onServer(b));
  const result: JsonValue[] = [];
  let left = 0;
  let right = 0;
  while (left < others.length || right < named.length) {
    const other = others[left];
    const next = named[right];
    const otherAt = place(serverAt, other);
    const nextAt = place(serverAt, next);
    const otherFirst =
      right >= named.length || (left < others.length && otherAt >= 0 && nextAt >= 0 && otherAt < nextAt);
    if (otherFirst && other !== undefined) {
      result.push(other);
      left++;
    } else if (next !== undefined) {
      result.push(next);
      right++;
    }
  }
  return result;
}

function positions(list: readonly JsonValue[], mergeKey: string | undefined): Map<JsonValue | undefined, number> {
  const found = new Map<JsonValue | undefined, number>();
  list.forEach((each, at) => {
    const key = mergeKeyOf(each, mergeKey);
    if (key === undefined) {
      throw new StatusError({
        code: 500,
        message: isJsonObject(each)
          ? `map: ${goText(each)} does not contain declared merge key: ${mergeKey}`
          : `value for key ${at} is not a map`,
      });
    }
    if (!found.has(key)) found.set(key, at);
  });
  return found;
}

/** What is ordered is looked for in the wanted order element by element, which wants keys here and maps there. */
function checkKeys(merged: readonly JsonValue[], wanted: readonly JsonValue[], mergeKey: string): void {
  for (const each of merged) {
    const [key] = positions([each], mergeKey).keys();
    for (const [at, other] of wanted.entries()) {
      if (!isJsonObject(other)) throw new StatusError({ code: 500, message: `value for key ${at} is not a map` });
      if (sameScalar(other[mergeKey], key)) break;
    }
  }
}

/** Go's `%v` of a decoded JSON value: what the API's messages show. */
export function goText(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '<nil>';
  if (isJsonArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goText(value[key])}`);
  return `map[${members.join(' ')}]`;
}
