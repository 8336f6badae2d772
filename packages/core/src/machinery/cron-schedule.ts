import { parseDuration } from './time-format.ts';
import { wallClock } from './wall-clock.ts';

/** When something is due again and again. */
export interface CronSchedule {
  /** The first time after `ms` (since the epoch); undefined if there is none within five years. */
  next(ms: number): number | undefined;
}

/** A text that is no schedule; the message says why. */
export class CronScheduleError extends Error {
  override readonly name = 'CronScheduleError';
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?` without a step: says nothing about the day. */
  readonly open: boolean;
}

const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const minuteMs = 60_000;
const longestSearchMs = 5 * 366 * 24 * 60 * minuteMs;

/**
 * Reads a schedule as CronJobs have them (kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#writing-a-cronjob-spec):
 * five fields, a descriptor such as `@daily`, or `@every 1h30m`; a time zone may stand before it as `TZ=…`.
 *
 * @param timeZone IANA name; default UTC
 * @throws CronScheduleError in Kubernetes' words
 */
export function parseCronSchedule(text: string, timeZone = 'UTC'): CronSchedule {
  if (text === '') throw new CronScheduleError('empty spec string');
  const prefixed = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text);
  const zone = prefixed?.[1] ?? timeZone;
  const spec = (prefixed?.[2] ?? text).trim();
  if (!isTimeZone(zone)) throw new CronScheduleError(`provided bad location ${zone}: unknown time zone ${zone}`);
  if (spec.startsWith('@every ')) return every(spec);
  if (spec.startsWith('@') && descriptors[spec] === undefined) {
    throw new CronScheduleError(`unrecognized descriptor: ${spec}`);
  }
  const fields = (descriptors[spec] ?? spec).split(/\s+/);
  if (fields.length !== 5) {
    throw new CronScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  const [minute, hour, day, month, weekday] = fields.map((field, at) => parseField(field, bounds[at]!));
  return calendar({ minute: minute!, hour: hour!, day: day!, month: month!, weekday: weekday! }, zone);
}

/** Whether this machine knows a time zone of that name (IANA). */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

function every(spec: string): CronSchedule {
  const text = spec.slice('@every '.length);
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new CronScheduleError(`failed to parse duration ${spec}: time: invalid duration ${JSON.stringify(text)}`);
  }
  const delay = Math.max(1000, Math.floor(ms / 1000) * 1000);
  return { next: (from) => Math.floor(from / 1000) * 1000 + delay };
}

function parseField(text: string, limits: Bounds): Field {
  const values = new Set<number>();
  let open = false;
  for (const part of text.split(',')) {
    if (part === '') continue;
    const range = parseRange(part, limits);
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
    open ||= range.open;
  }
  return { values, open };
}

function parseRange(text: string, limits: Bounds) {
  const [span = '', stepText, ...more] = text.split('/');
  const [low = '', high, ...rest] = span.split('-');
  const open = low === '*' || low === '?';
  let start = open ? limits.min : parseValue(low, limits);
  if (!open && rest.length > 0) throw new CronScheduleError(`too many hyphens: ${text}`);
  let end = open ? limits.max : high === undefined ? start : parseValue(high, limits);
  let step = 1;
  if (more.length > 0) throw new CronScheduleError(`too many slashes: ${text}`);
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (!open && high === undefined) end = limits.max;
  }
  if (start < limits.min) {
    throw new CronScheduleError(`beginning of range (${start}) below minimum (${limits.min}): ${text}`);
  }
  if (end > limits.max) throw new CronScheduleError(`end of range (${end}) above maximum (${limits.max}): ${text}`);
  if (start > end) throw new CronScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new CronScheduleError(`step of range should be a positive number: ${text}`);
  start = Math.max(start, limits.min);
  return { start, end, step, open: open && step === 1 };
}

function parseValue(text: string, { names }: Bounds): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return names?.length === 12 ? named + 1 : named;
  return parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new CronScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  const value = Number(text);
  if (value < 0) throw new CronScheduleError(`negative number (${value}) not allowed: ${text}`);
  return value;
}

interface Fields {
  readonly minute: Field;
  readonly hour: Field;
  readonly day: Field;
  readonly month: Field;
  readonly weekday: Field;
}

/** Walks forward through real time, so that an hour that a zone skips is skipped, and one that it repeats comes twice. */
function calendar({ minute, hour, day, month, weekday }: Fields, timeZone: string): CronSchedule {
  const clock = wallClock(timeZone);
  const dayFits = (dayOfMonth: number, dayOfWeek: number) => {
    const fits = [day.values.has(dayOfMonth), weekday.values.has(dayOfWeek)];
    return day.open || weekday.open ? fits.every(Boolean) : fits.some(Boolean);
  };
  return {
    next(ms) {
      let at = (Math.floor(ms / minuteMs) + 1) * minuteMs;
      const last = at + longestSearchMs;
      while (at <= last) {
        const wall = clock.at(at);
        if (!month.values.has(wall.month)) at = clock.instantOf(wall.year, wall.month + 1, 1);
        else if (!dayFits(wall.day, wall.weekday)) at = clock.instantOf(wall.year, wall.month, wall.day + 1);
        else if (!hour.values.has(wall.hour)) at += (60 - wall.minute) * minuteMs;
        else if (!minute.values.has(wall.minute)) at += minuteMs;
        else return at;
      }
      return undefined;
    },
  };
}
