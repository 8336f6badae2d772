import { CelDuration, CelError, CelTimestamp } from '../value.ts';
import { int, timestamp } from './arithmetic.ts';
import { conversionError, plainText } from './numbers.ts';

const second = 1_000_000_000n;
const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
};

const durationText = /^([+-]?)((?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/;
const part = /([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)/g;

/** Go's time.ParseDuration; undefined where it is none. */
export function parseDuration(text: string): CelDuration | undefined {
  const match = text.length > 1000 ? null : durationText.exec(text);
  if (!match) return undefined;
  const [, sign, parts = ''] = match;
  let sum = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of parts.matchAll(part)) {
    const scale = units[unit] ?? 0n;
    sum += BigInt(whole || '0') * scale;
    if (fraction !== '') sum += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  const value = sign === '-' ? -sum : sum;
  return value >= -(2n ** 63n) && value < 2n ** 63n ? new CelDuration(value) : undefined;
}

export function durationFromText(text: string): CelDuration {
  const found = parseDuration(text);
  if (!found) throw conversionError('string', 'google.protobuf.Duration');
  return found;
}

/** Seconds, as `string()` shows a duration. */
export function durationSeconds({ nanoseconds }: CelDuration): string {
  const whole = Number(nanoseconds / second) + Number(nanoseconds % second) / 1e9;
  return `${plainText(whole)}s`;
}

const moment =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))$/;

/** RFC 3339 as Go reads it; undefined where it is none. */
export function parseTimestamp(text: string): CelTimestamp | undefined {
  const match = text.length > 1000 ? null : moment.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, seconds, fraction = '', utc, sign, zoneHour, zoneMinute] = match;
  const numbers = [year, month, day, hour, minute, seconds].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = numbers;
  if (mo < 1 || mo > 12 || d < 1 || d > daysIn(y, mo) || h > 23 || mi > 59 || s > 59) return undefined;
  const [oh, om] = [Number(zoneHour ?? 0), Number(zoneMinute ?? 0)];
  if (utc === undefined && (oh > 24 || om > 60)) return undefined;
  const offset = (sign === '-' ? -1 : 1) * (oh * 3600 + om * 60);
  const nanoseconds = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  const epoch = utcSeconds(y, mo, d) + h * 3600 + mi * 60 + s - offset;
  return new CelTimestamp(BigInt(epoch) * second + nanoseconds, offset);
}

export function timestampFromText(text: string): CelTimestamp {
  const found = parseTimestamp(text);
  if (!found) throw conversionError('string', 'google.protobuf.Timestamp');
  return timestamp(found.nanoseconds, found.offset);
}

const daysIn = (year: number, month: number): number => {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
};

/** `Date.UTC` takes years below 100 for ones of the last century. */
function utcSeconds(year: number, month: number, day: number): number {
  const shifted = Date.UTC(year + 400, month - 1, day) / 1000;
  return shifted - 146097 * 86400;
}

const floorDivide = (value: bigint, by: bigint): bigint => {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
};

/** Whole seconds since 1970, downwards. */
export const unixSeconds = ({ nanoseconds }: CelTimestamp): bigint => floorDivide(nanoseconds, second);

/** As `string()` shows it: RFC 3339 with as many digits as it takes, in the zone that it was written with. */
export function timestampText(value: CelTimestamp): string {
  const { seconds, nanoseconds } = split(value, value.offset);
  const date = new Date(seconds * 1000).toISOString();
  const [whole = ''] = date.split('.');
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  return whole + fraction + offsetText(value.offset);
}

function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const size = Math.abs(offset);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(size / 3600)}:${two((size % 3600) / 60)}`;
}

function split(
  { nanoseconds }: CelTimestamp,
  offset: number,
): { readonly seconds: number; readonly nanoseconds: number } {
  const whole = floorDivide(nanoseconds, second);
  return { seconds: Number(whole) + offset, nanoseconds: Number(nanoseconds - whole * second) };
}

const fields = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDayOfYear: dayOfYear,
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDate: (date) => date.getUTCDate(),
  getDayOfWeek: (date) => date.getUTCDay(),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
} as const satisfies Record<string, (date: Date) => number>;

export type TimestampField = keyof typeof fields | 'getMilliseconds';

export const timestampFields: readonly TimestampField[] = [
  'getFullYear',
  'getMonth',
  'getDayOfYear',
  'getDayOfMonth',
  'getDate',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
];

/** A part of a moment as the clocks of a zone show it: `UTC`, `Europe/Berlin`, `+02:00`; empty is UTC. */
export function timestampField(field: TimestampField, value: CelTimestamp, zone = 'UTC'): bigint {
  const { seconds, nanoseconds } = split(value, 0);
  if (field === 'getMilliseconds') return BigInt(Math.floor(nanoseconds / 1_000_000));
  const date = new Date((seconds + zoneOffset(zone, seconds)) * 1000);
  return BigInt(fields[field](date));
}

function dayOfYear(date: Date): number {
  const year = date.getUTCFullYear();
  const today = utcSeconds(year, date.getUTCMonth() + 1, date.getUTCDate());
  return (today - utcSeconds(year, 1, 1)) / 86400;
}

const atoi = (text: string): number => {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new CelError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
};

/** Seconds east of UTC that a zone is off at a moment. */
function zoneOffset(zone: string, seconds: number): number {
  if (zone === '' || zone === 'UTC' || zone === 'Local') return 0;
  const colon = zone.indexOf(':');
  if (colon < 0) return namedOffset(zone, seconds);
  const hours = atoi(zone.slice(0, colon));
  const minutes = atoi(zone.slice(colon + 1));
  return hours * 3600 + (zone.startsWith('-') ? -minutes : minutes) * 60;
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** Names of zones come from expressions; these are more than there are zones. */
const mostFormats = 1000;

function namedOffset(zone: string, seconds: number): number {
  const shown = formatOf(zone).formatToParts(new Date(seconds * 1000));
  const part = (type: string) => Number(shown.find((each) => each.type === type)?.value ?? 0);
  const local = utcSeconds(part('year'), part('month'), part('day'));
  return local + part('hour') * 3600 + part('minute') * 60 + part('second') - seconds;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  if (/^[+-]/.test(zone)) throw new CelError(`unknown time zone ${zone}`);
  try {
    const format = new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    if (formats.size >= mostFormats) formats.clear();
    formats.set(zone, format);
    return format;
  } catch (error) {
    if (error instanceof RangeError) throw new CelError(`unknown time zone ${zone}`);
    throw error;
  }
}

const inUnits = {
  getHours: 3600n * second,
  getMinutes: 60n * second,
  getSeconds: second,
  getMilliseconds: 1_000_000n,
} as const;

export type DurationField = keyof typeof inUnits;
export const durationFields: readonly DurationField[] = ['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'];

/** A duration in whole units, towards zero. */
export const durationField = (field: DurationField, { nanoseconds }: CelDuration): bigint =>
  int(nanoseconds / inUnits[field]);
