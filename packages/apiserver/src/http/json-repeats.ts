/**
 * Parses a JSON text in which objects have keys twice as Go does: the second object goes into the first, where
 * `JSON.parse` would put it in its place. `repeats` are where the later keys stand.
 */
export function mergeRepeats(text: string, repeats: readonly (readonly [number, number])[]): unknown {
  const mark = freeMark(text);
  let marked = '';
  let from = 0;
  repeats.forEach(([start, end], index) => {
    const key: unknown = JSON.parse(text.slice(start, end));
    marked += `${text.slice(from, start)}${JSON.stringify(`${mark}${index}:${String(key)}`)}`;
    from = end;
  });
  const value: unknown = JSON.parse(marked + text.slice(from));
  const waiting: unknown[] = [value];
  for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
    if (typeof each !== 'object' || each === null) continue;
    if (isObject(each)) fold(each, mark);
    for (const child of Object.values(each)) if (typeof child === 'object' && child !== null) waiting.push(child);
  }
  return value;
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A beginning that no key of the text can have. */
function freeMark(text: string): string {
  let mark = '#';
  while (text.includes(mark)) mark += '#';
  return `${mark}\u0001`;
}

function fold(object: Json, mark: string): void {
  for (const marked of Object.keys(object)) {
    if (!marked.startsWith(mark)) continue;
    const key = marked.slice(marked.indexOf(':') + 1);
    const later = object[marked];
    delete object[marked];
    const earlier = object[key];
    const value = isObject(earlier) && isObject(later) ? merged(earlier, later) : later;
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  }
}

/** Structs and maps are filled further; everything else is replaced. A null changes nothing that has fields. */
function merged(earlier: Json, later: Json): Json {
  for (const [key, each] of Object.entries(later)) {
    const own = earlier[key];
    const value = isObject(own) && isObject(each) ? merged(own, each) : each;
    Object.defineProperty(earlier, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return earlier;
}
