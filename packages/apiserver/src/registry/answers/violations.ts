/** A change of one place of a body: a JSON pointer (RFC 6901) and the new value; without one the place is taken away. */
export type Violation = readonly [pointer: string, value?: unknown];

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');
const unescaped = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~');
const server = new Set(['/apiVersion', '/kind', '/metadata']);
const mapNames = new Set(['matchLabels', 'labels', 'annotations', 'nodeSelector', 'parameters', 'extra', 'attributes']);

/** One violation at a time, for every place of a valid body: taken away, emptied, out of range, given twice. */
export function violationsOf(body: Json): readonly Violation[] {
  const found: Violation[] = [];
  walk(body, '', found);
  return found;
}

function walk(value: unknown, at: string, found: Violation[]): void {
  if (Array.isArray(value)) {
    found.push([at, []]);
    if (value.length > 0) {
      found.push([at, [...value, value[0]]]);
      if (value.length > 1) found.push([`${at}/0`]);
    }
    value.forEach((each, index) => {
      walk(each, `${at}/${index}`, found);
    });
    return;
  }
  if (isObject(value)) {
    if (at !== '' && !server.has(at) && Object.keys(value).length > 0) found.push([at, {}]);
    const name = at.slice(at.lastIndexOf('/') + 1);
    if (mapNames.has(name)) found.push([`${at}/bad key!`, Object.values(value)[0] ?? 'x']);
    for (const [key, each] of Object.entries(value)) {
      const here = `${at}/${escaped(key)}`;
      if (here === '/apiVersion' || here === '/kind') continue;
      if (here !== '/metadata') found.push([here]);
      walk(each, here, found);
    }
    return;
  }
  if (at.startsWith('/metadata/name') && at !== '/metadata/name') return;
  if (typeof value === 'string') {
    if (value !== '') found.push([at, '']);
    found.push([at, 'Bad Value_!'], [at, `${'x'.repeat(300)}`]);
  } else if (typeof value === 'number') found.push([at, -1], [at, 0], [at, 70000], [at, 2000000000]);
  else if (typeof value === 'boolean') found.push([at, !value]);
}

/** The body with one change made. */
export function violated(body: Json, [pointer, value]: Violation): Json {
  // Not a structured clone: that would keep one value in two places one.
  const copy = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
  const keys = pointer.split('/').slice(1).map(unescaped);
  const last = keys.pop() ?? '';
  let place: Record<string, unknown> | unknown[] = copy;
  for (const key of keys) {
    const next: unknown = Array.isArray(place) ? place[Number(key)] : place[key];
    if (Array.isArray(next) || isObject(next)) place = next as Record<string, unknown> | unknown[];
    else if (!Array.isArray(place)) {
      const made: Record<string, unknown> = {};
      place[key] = made;
      place = made;
    }
  }
  if (Array.isArray(place)) {
    if (value === undefined) place.splice(Number(last), 1);
    else place[Number(last)] = value;
  } else if (value === undefined) delete place[last];
  else place[last] = value;
  return copy;
}
