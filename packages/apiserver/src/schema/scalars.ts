import { DecodeError, mismatch, type Place } from './decode-error.ts';

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;
const seconds = '2006-01-02T15:04:05Z07:00';
const micros = '2006-01-02T15:04:05.000000Z07:00';

function parse(value: string, layout: string): { readonly ms: number; readonly fraction: string } {
  const match = rfc3339.exec(value);
  const ms = match ? Date.parse(value.replace(/[.,]\d+/, '')) : Number.NaN;
  if (Number.isNaN(ms)) throw new DecodeError(timeError(value, layout));
  return { ms, fraction: match?.[7] ?? '' };
}

/** Follows Go's time.Parse as far as the first element of the layout that does not fit. */
function timeError(value: string, layout: string): string {
  const steps: readonly (readonly [RegExp, string])[] = [
    [/^\d{4}/, '2006'],
    [/^-/, '-'],
    [/^\d{2}/, '01'],
    [/^-/, '-'],
    [/^\d{2}/, '02'],
    [/^T/, 'T'],
    [/^\d{2}/, '15'],
    [/^:/, ':'],
    [/^\d{2}/, '04'],
    [/^:/, ':'],
    [/^\d{2}/, '05'],
    [/^(?:[.,]\d+)?(?:Z|[+-]\d{2}:\d{2})/, 'Z07:00'],
  ];
  let rest = value;
  for (const [pattern, element] of steps) {
    const match = pattern.exec(rest);
    if (!match) return `parsing time "${value}" as "${layout}": cannot parse "${rest}" as "${element}"`;
    rest = rest.slice(match[0].length);
  }
  return rest === '' ? `parsing time "${value}": day out of range` : `parsing time "${value}": extra text: "${rest}"`;
}

/** `metav1.Time`: whole seconds in UTC. */
export function decodeTime(value: unknown, place: () => Place): string | undefined {
  if (typeof value !== 'string') throw mismatch(value, place());
  if (isSeconds.test(value)) {
    parse(value, seconds);
    return value;
  }
  return `${new Date(parse(value, seconds).ms).toISOString().slice(0, 19)}Z`;
}
const isSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** `metav1.MicroTime`: six decimals in UTC. */
export function decodeMicroTime(value: unknown, place: () => Place): string | undefined {
  if (typeof value !== 'string') throw mismatch(value, place());
  const { ms, fraction } = parse(value, micros);
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function decodeBytes(value: unknown, place: () => Place): string {
  if (typeof value !== 'string') throw mismatch(value, place());
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (!base64.test(text)) throw new DecodeError(`illegal base64 data at input byte ${firstBad(text)}`);
  return text;
}

function firstBad(text: string): number {
  const bad = /[^A-Za-z0-9+/]/.exec(text)?.index ?? text.length;
  return bad;
}
