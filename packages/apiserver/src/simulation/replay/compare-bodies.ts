import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, jsonPatchBetween } from '@keelson/core';

/** Fields that say when and where something was written, and not what. */
const ofTheMoment: ReadonlySet<string> = new Set([
  'resourceVersion',
  'uid',
  'managedFields',
  'creationTimestamp',
  'generation',
  'selfLink',
  'deletionTimestamp',
  // Sums up what is written beside it, values included that are not recorded.
  'keelson.dev/applied',
]);

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const someTime = '<a time>';
const hidden = '<not recorded>';
/** `redacted-` in base64. */
const hiddenInBase64 = 'cmVkYWN0ZWQt';

/** Whether two bodies say the same, whenever they were written. What was not recorded is as it is now. */
export function sameWrite(then: unknown, now: unknown): boolean {
  return changesOf(then, now).length === 0;
}

/** How what is written now differs from then: `spec.replicas: 2 → 3`. */
export function changesOf(then: unknown, now: unknown): readonly string[] {
  const before = comparable(jsonOf(then));
  const after = hideAlike(before, comparable(jsonOf(now)));
  return jsonPatchBetween(before, after).map((each) => {
    const path = each.path
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const was = each.op === 'add' ? undefined : at(before, path);
    const is = each.op === 'remove' ? undefined : each.value;
    return `${path.join('.') || 'everything'}: ${shown(was)} → ${shown(is)}`;
  });
}

const jsonOf = (value: unknown): JsonValue => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

function comparable(value: JsonValue): JsonValue {
  if (typeof value === 'string') return time.test(value) ? someTime : isHidden(value) ? hidden : value;
  if (isJsonArray(value)) return value.map(comparable);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([name]) => !ofTheMoment.has(name));
  return Object.fromEntries(kept.map(([name, each]) => [name, comparable(each ?? null)]));
}

const isHidden = (text: string) => /^redacted-[0-9a-f]{12}$/.test(text) || text.startsWith(hiddenInBase64);

/** What is not known of then is not known of now. */
function hideAlike(then: JsonValue | undefined, now: JsonValue): JsonValue {
  if (then === hidden) return hidden;
  if (isJsonArray(now)) return isJsonArray(then) ? now.map((each, index) => hideAlike(then[index], each)) : now;
  if (!isJsonObject(now) || !isJsonObject(then)) return now;
  const members: JsonObject = Object.fromEntries(
    Object.entries(now).map(([name, each]) => [name, hideAlike(then[name], each ?? null)]),
  );
  return members;
}

function at(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let found = value;
  for (const each of path) {
    if (isJsonArray(found)) found = found[Number(each)];
    else found = isJsonObject(found) ? found[each] : undefined;
  }
  return found;
}

const longestShown = 120;

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
