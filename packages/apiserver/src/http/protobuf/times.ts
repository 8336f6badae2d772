const digit = (text: string, at: number) => text.charCodeAt(at) - 48;
const two = (text: string, at: number) => digit(text, at) * 10 + digit(text, at + 1);

const plain = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** Seconds since the epoch and nanoseconds of a canonical RFC 3339 time; `undefined` for what is none. */
export function parseTime(text: string): { readonly seconds: number; readonly nanos: number } | undefined {
  if (!plain.test(text)) {
    const ms = Date.parse(text);
    return Number.isNaN(ms)
      ? undefined
      : { seconds: Math.floor(ms / 1000), nanos: (((ms % 1000) + 1000) % 1000) * 1_000_000 };
  }
  const year = two(text, 0) * 100 + two(text, 2);
  const ms = Date.UTC(year, two(text, 5) - 1, two(text, 8), two(text, 11), two(text, 14), two(text, 17));
  // Date.UTC takes years below 100 for ones of the last century.
  const seconds = (year < 100 ? Date.parse(`${text.slice(0, 19)}Z`) : ms) / 1000;
  return { seconds, nanos: text.length > 20 ? Number(text.slice(20, -1).padEnd(9, '0')) : 0 };
}

/** Go's zero time, which stands for none. */
export const zeroSeconds = -62_135_596_800;

/** `2006-01-02T15:04:05Z`; `undefined` for what no calendar has. */
export function formatSeconds(seconds: number): string | undefined {
  if (Math.abs(seconds) > 8_640_000_000_000) return undefined;
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`;
}

/** `2006-01-02T15:04:05.000000Z`; `undefined` for what no calendar has. */
export function formatMicros(seconds: number, nanos: number): string | undefined {
  const whole = formatSeconds(seconds);
  return whole && `${whole.slice(0, -1)}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`;
}
