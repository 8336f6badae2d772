import { isRecord } from './records.ts';

/**
 * Go tells a list, map or bytes that were given and hold nothing from what was not given. Storage knows no such difference,
 * and neither does the rest of this server: such members are left out (or null, where Go writes null). The few places
 * where the difference shows (who owns a field, messages that print a struct, fields that may not be set at all) find
 * here what was given. It hangs on the object that the member is missing from, so that it goes wherever copies go, and
 * not into JSON.
 */
const members: unique symbol = Symbol('hollow members');
const somewhere: unique symbol = Symbol('hollow somewhere');

interface Hollow {
  [members]?: Record<string, unknown>;
  [somewhere]?: true;
}

/** Keeps in mind that `member` of `parent` was given as the empty list, map or bytes that `value` is. */
export function noteHollow(parent: object, member: string, value: unknown): void {
  const noted: Hollow = parent;
  noted[members] ??= {};
  noted[members][member] = value;
}

/** Says of a whole object that something in it was noted. */
export function markHollow(root: object): void {
  const marked: Hollow = root;
  marked[somewhere] = true;
}

/** The whole object holds, or held before it was copied, something that was noted. */
export function isMarkedHollow(root: object): boolean {
  const marked: Hollow = root;
  return marked[somewhere] === true;
}

/** The empty list, map or bytes that a member was given as; undefined where it was not, or is not empty. */
export function hollowMember(parent: object, member: string): unknown {
  const noted: Hollow = parent;
  return noted[members]?.[member];
}

/** For a member that is dropped: it was never given. */
export function forgetHollow(parent: object, member: string): void {
  const noted: Hollow = parent;
  if (noted[members]) delete noted[members][member];
}

/** Takes all that was noted along to another object that holds the same members. */
export function copyHollow(from: object, to: object): void {
  const [source, target]: [Hollow, Hollow] = [from, to];
  if (source[members]) target[members] = source[members];
  if (source[somewhere]) target[somewhere] = true;
}

/**
 * The value with what was noted put back; `shown`: only where Go would write a null in its place. Shares what stays.
 */
export function withHollows(value: unknown, which: 'all' | 'shown'): unknown {
  if (Array.isArray(value)) {
    const made = value.map((each: unknown) => withHollows(each, which));
    return made.some((each, index) => each !== value[index]) ? made : value;
  }
  if (!isRecord(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const each = withHollows(value[key], which);
    if (each === value[key]) continue;
    result ??= { ...value };
    result[key] = each;
  }
  const noted: Hollow = value;
  for (const [key, each] of Object.entries(noted[members] ?? {})) {
    const now = value[key];
    if (now !== undefined && now !== null) continue;
    if (which === 'shown' && now !== null) continue;
    result ??= { ...value };
    result[key] = each;
  }
  return result ?? value;
}

/** Whether anything that was noted in the value or below it is still empty. */
export function holdsHollow(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsHollow);
  if (!isRecord(value)) return false;
  const noted: Hollow = value;
  // What was given empty and has been filled in since is none any more.
  const empty = Object.keys(noted[members] ?? {}).some((each) => value[each] === undefined || value[each] === null);
  return empty || Object.values(value).some(holdsHollow);
}

/** Whether bytes were given as empty in the value or below it, and are still. */
export function holdsBlank(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsBlank);
  if (!isRecord(value)) return false;
  const noted: Hollow = value;
  for (const [key, each] of Object.entries(noted[members] ?? {})) {
    if (each === '' && (value[key] === undefined || value[key] === null)) return true;
  }
  return Object.values(value).some(holdsBlank);
}
