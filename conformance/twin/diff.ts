import { isObject, type Json } from './json.ts';
import type { Answer } from './normalise.ts';
import { inSteadyOrder, inSteadyWords } from './unordered-causes.ts';

/** One place in which the two sides differ. */
export interface Difference {
  /** Index of the step. */
  readonly step: number;
  /** `status`, `header.NAME`, or a JSON path into the body, from `body`. */
  readonly path: string;
  /** The real server's; `undefined`: absent. */
  readonly expected: Json | undefined;
  readonly got: Json | undefined;
}

const ok = (status: number) => status >= 200 && status < 300;

/**
 * All differences of one step. Where one side refuses what the other accepts, that is the only one: the rest follows
 * from it.
 */
export function diffAnswers(step: number, expected: Answer, got: Answer): Difference[] {
  if (ok(expected.status) !== ok(got.status)) {
    return [{ step, path: 'status', expected: summary(expected), got: summary(got) }];
  }
  const result: Difference[] = [];
  if (expected.status !== got.status) {
    result.push({ step, path: 'status', expected: summary(expected), got: summary(got) });
    return result;
  }
  for (const name of new Set([...Object.keys(expected.headers), ...Object.keys(got.headers)])) {
    const [a, b] = [expected.headers[name], got.headers[name]];
    if (!equal(a, b)) result.push({ step, path: `header.${name}`, expected: a, got: b });
  }
  result.push(...diffBodies(expected.body, got.body).map((each) => ({ step, ...each })));
  return result;
}

/** Status and message: what tells a refusal from an acceptance. */
function summary({ status, body }: Answer): Json {
  if (isObject(body) && body['kind'] === 'Status')
    return `${status} ${String(body['reason'] ?? '')}: ${String(body['message'] ?? '')}`;
  return typeof body === 'string' ? `${status} ${body.slice(0, 200)}` : String(status);
}

type Found = Omit<Difference, 'step'>;

function diffBodies(expected: Json, got: Json): Found[] {
  const found: Found[] = [];
  if (isObject(expected) && isObject(got) && expected['kind'] === 'Status' && got['kind'] === 'Status') {
    const [told, ours] = [causesOf(expected), causesOf(got)];
    if (!equal(told, ours)) {
      const [a, b] = [inSteadyOrder(told, groupOf(expected)), inSteadyOrder(ours, groupOf(got))];
      if (!equal(a, b)) diffCauses(a, b, found);
      // The message only repeats the causes.
      const bare = (value: typeof expected): Json => {
        const { message: _, details, ...rest } = value;
        return { ...rest, ...(isObject(details) && { details: without(details, 'causes') }) };
      };
      compare(bare(expected), bare(got), 'body', found);
      return found;
    }
    if (expected['message'] !== undefined && got['message'] !== undefined) {
      const steady = (value: typeof expected) => ({ ...value, message: inSteadyWords(value['message'] ?? null) });
      compare(steady(expected), steady(got), 'body', found);
      return found;
    }
  }
  const [a, b] = [typeOf(expected), typeOf(got)];
  // Two answers of different types have nothing more to compare.
  if (a !== b) return [{ path: 'body (type)', expected: a, got: b }];
  compare(expected, got, 'body', found);
  return found;
}

const typeOf = (body: Json) =>
  isObject(body) && typeof body['kind'] === 'string' ? `${String(body['apiVersion'])} ${body['kind']}` : typeof body;

const without = (value: { readonly [key: string]: Json }, name: string): Json =>
  Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));

function causesOf({ details }: { readonly [key: string]: Json }): Json[] {
  return isObject(details) && Array.isArray(details['causes']) ? details['causes'] : [];
}

function groupOf({ details }: { readonly [key: string]: Json }): Json {
  return (isObject(details) && details['group']) || '';
}

function diffCauses(expected: readonly Json[], got: readonly Json[], found: Found[]): void {
  const left = [...got];
  const missing: Json[] = [];
  for (const cause of expected) {
    const index = left.findIndex((each) => equal(each, cause));
    if (index >= 0) left.splice(index, 1);
    else missing.push(cause);
  }
  // A cause about the same field is the same cause, said otherwise; one with the same reason before others.
  const alike = (cause: Json, keys: readonly string[]) =>
    left.findIndex((each) => isObject(each) && isObject(cause) && keys.every((key) => each[key] === cause[key]));
  for (const cause of [...missing].sort((a, b) => alike(b, ['field', 'reason']) - alike(a, ['field', 'reason']))) {
    const exact = alike(cause, ['field', 'reason']);
    const index = exact >= 0 ? exact : alike(cause, ['field']);
    const other = index >= 0 ? left.splice(index, 1)[0] : undefined;
    found.push({ path: 'body.details.causes[*]', expected: cause, got: other });
  }
  for (const cause of left) found.push({ path: 'body.details.causes[*]', expected: undefined, got: cause });
  if (missing.length === 0 && left.length === 0)
    found.push({ path: 'body.details.causes (order)', expected: [...expected], got: [...got] });
}

function compare(expected: Json | undefined, got: Json | undefined, path: string, found: Found[]): void {
  if (equal(expected, got)) return;
  if (isObject(expected) && isObject(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)]))
      compare(
        expected[key],
        got[key],
        /^[\w-]+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`,
        found,
      );
    return;
  }
  if (Array.isArray(expected) && Array.isArray(got)) {
    compareLists(expected, got, path, found);
    return;
  }
  found.push({ path, expected, got });
}

function compareLists(expected: readonly Json[], got: readonly Json[], path: string, found: Found[]): void {
  const identify = path.endsWith('managedFields')
    ? managedFieldsKey
    : path.endsWith('conditions')
      ? typeKey
      : undefined;
  if (identify) {
    const before = found.length;
    const [left, right] = [keyed(expected, identify), keyed(got, identify)];
    for (const key of new Set([...left.keys(), ...right.keys()]))
      compare(left.get(key), right.get(key), `${path}[${key}]`, found);
    if (found.length === before && !equal(inOneSecond(expected), inOneSecond(got)))
      found.push({ path: `${path} (order)`, expected: [...left.keys()], got: [...right.keys()] });
    return;
  }
  if (expected.length !== got.length && !expected.every(isObject)) {
    found.push({ path, expected: [...expected], got: [...got] });
    return;
  }
  for (let i = 0; i < Math.max(expected.length, got.length); i++) compare(expected[i], got[i], `${path}[${i}]`, found);
}

const managedFieldsKey = (entry: Json) =>
  isObject(entry)
    ? ['manager', 'operation', 'apiVersion', 'subresource']
        .map((key) => String(entry[key] ?? ''))
        .join(' ')
        .trim()
    : '';
/** Entries of the run itself are ordered by seconds, which end at different times for both sides: here by name. */
const inOneSecond = (entries: readonly Json[]): Json[] =>
  entries
    .map((entry) => {
      const time = isObject(entry) ? String(entry['time'] ?? '') : '';
      const operation = isObject(entry) ? String(entry['operation'] ?? '') : '';
      const fixed = time.startsWith('<now') ? '<' : time;
      return { order: [operation, fixed, fixed === '<' ? managedFieldsKey(entry) : ''].join(' '), entry };
    })
    .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
    .map(({ entry }) => managedFieldsKey(entry));

const typeKey = (entry: Json) => (isObject(entry) ? String(entry['type'] ?? '') : '');

function keyed(list: readonly Json[], identify: (entry: Json) => string): Map<string, Json> {
  const result = new Map<string, Json>();
  for (const entry of list) {
    let key = identify(entry);
    while (result.has(key)) key += ' (again)';
    result.set(key, entry);
  }
  return result;
}

const future = /^<now\+(\d+)s:(.*)>$/;

/** Deep equality; moments in the future count as equal within two seconds. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a === 'string' && typeof b === 'string') {
    const [x, y] = [future.exec(a), future.exec(b)];
    return !!x && !!y && x[2] === y[2] && Math.abs(Number(x[1]) - Number(y[1])) <= 2;
  }
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => equal(each, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
}
