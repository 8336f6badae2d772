/** A number as it was written, where its value alone does not tell whether it is an integer: `1.0`, `1e3`, 20 digits. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const remembered = new WeakMap<object, ReadonlyMap<string, string>>();

/** Keeps how numbers in a parsed body were written, by their paths such as `spec.containers[0].stdin`. */
export function rememberNumbers(body: unknown, numbers: ReadonlyMap<string, string>): void {
  if (typeof body === 'object' && body !== null && numbers.size > 0) remembered.set(body, numbers);
}

/** The body with `NumberText` at the places that are known to be odd; the body itself where there are none. */
export function withNumberTexts(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const numbers = remembered.get(body);
  if (!numbers) return body;
  const replaced = replace(body, '', numbers);
  return isRecord(replaced) ? replaced : body;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function replace(value: unknown, at: string, numbers: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'number') {
    const text = numbers.get(at);
    return text === undefined ? value : new NumberText(text);
  }
  if (Array.isArray(value)) return value.map((each: unknown, index) => replace(each, `${at}[${index}]`, numbers));
  if (!isRecord(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    const own = replace(each, at === '' ? key : `${at}.${key}`, numbers);
    Object.defineProperty(result, key, { value: own, enumerable: true, writable: true, configurable: true });
  }
  return result;
}
