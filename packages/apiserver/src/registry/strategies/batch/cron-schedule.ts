import type { CronJob } from '@keelson/core';
import { type FieldErrors, goQuote } from '../../strategy.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

export function checkSchedule(
  { schedule, timeZone }: CronJob['spec'],
  old: string | undefined,
  errors: FieldErrors,
): void {
  const zoned = schedule.includes('TZ');
  const wrong = scheduleError(schedule);
  if (wrong !== undefined) errors.invalid('spec.schedule', schedule, wrong);
  if (!zoned) return;
  if (schedule !== old) {
    errors.invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  } else if (timeZone !== undefined) {
    errors.invalid('spec.schedule', schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule');
  }
}

/** What is wrong with a schedule in cron's standard form, in the words of the field's parser; undefined when nothing is. */
export function scheduleError(text: string): string | undefined {
  let rest = text;
  if (rest === '') return 'empty spec string';
  if (rest.startsWith('TZ=') || rest.startsWith('CRON_TZ=')) {
    const space = rest.indexOf(' ');
    const name = rest.slice(rest.indexOf('=') + 1, space < 0 ? undefined : space);
    if (!isTimeZone(name)) return `provided bad location ${name}: unknown time zone ${name}`;
    rest = rest.slice(space).trim();
  }
  if (rest.startsWith('@')) return descriptorError(rest);
  const fields = rest.split(/\s+/).filter((each) => each !== '');
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  for (const [at, field] of fields.entries()) {
    const wrong = fieldError(field, bounds[at] ?? { min: 0, max: 0 });
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function descriptorError(text: string): string | undefined {
  if (descriptors.includes(text)) return undefined;
  if (!text.startsWith('@every ')) return `unrecognized descriptor: ${text}`;
  const duration = text.slice('@every '.length);
  if (isDuration(duration)) return undefined;
  return `failed to parse duration ${text}: time: invalid duration ${goQuote(duration)}`;
}

const isDuration = (text: string) => /^[+-]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text);

function fieldError(field: string, of: Bounds): string | undefined {
  for (const part of field.split(',').filter((each) => each !== '')) {
    const wrong = rangeError(part, of);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function rangeError(text: string, of: Bounds): string | undefined {
  const steps = text.split('/');
  const ends = (steps[0] ?? '').split('-');
  const [low = ''] = ends;
  let start: number;
  let end: number;
  if (low === '*' || low === '?') {
    start = of.min;
    end = of.max;
  } else {
    const first = numberOrName(low, of);
    if (typeof first === 'string') return first;
    start = first;
    if (ends.length > 2) return `too many hyphens: ${text}`;
    if (ends.length === 2) {
      const second = numberOrName(ends[1] ?? '', of);
      if (typeof second === 'string') return second;
      end = second;
    } else end = start;
  }
  let step = 1;
  if (steps.length > 2) return `too many slashes: ${text}`;
  if (steps.length === 2) {
    const each = number(steps[1] ?? '');
    if (typeof each === 'string') return each;
    step = each;
    if (ends.length === 1 && low !== '*' && low !== '?') end = of.max;
  }
  if (start < of.min) return `beginning of range (${start}) below minimum (${of.min}): ${text}`;
  if (end > of.max) return `end of range (${end}) above maximum (${of.max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  if (step === 0) return `step of range should be a positive number: ${text}`;
  return undefined;
}

function numberOrName(text: string, { names }: Bounds): number | string {
  const index = text === '' ? -1 : (names?.indexOf(text.toLowerCase()) ?? -1);
  return index >= 0 ? index : number(text);
}

function number(text: string): number | string {
  if (!/^[+-]?\d+$/.test(text)) {
    return `failed to parse int from ${text}: strconv.Atoi: parsing ${goQuote(text)}: invalid syntax`;
  }
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}

const zones = new Map<string, boolean>();

function isTimeZone(name: string): boolean {
  const known = zones.get(name);
  if (known !== undefined) return known;
  let found = name === '' || name === 'UTC' || name === 'Local';
  if (!found && /^[A-Za-z0-9_+\-/]+$/.test(name) && !/^[+-]/.test(name)) {
    try {
      new Intl.DateTimeFormat('en', { timeZone: name });
      // Zones are files to Kubernetes, whose names have one spelling: capitals begin every word of an IANA name.
      found = /^[A-Z]/.test(name) && name !== 'Utc';
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  if (zones.size > 2000) zones.clear();
  zones.set(name, found);
  return found;
}

export function checkTimeZone(zone: string, errors: FieldErrors): void {
  const at = 'spec.timeZone';
  if (zone === '') {
    errors.invalid(at, zone, 'timeZone must be nil or non-empty string');
    return;
  }
  if (zone.toLowerCase() === 'local') {
    errors.invalid(at, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
  }
  if (isTimeZone(zone)) return;
  // Go reads no files above that of its time zones; a whole segment of a path never comes so far.
  const climbs = zone.includes('..') && !zone.split('/').includes('..');
  errors.invalid(at, zone, climbs ? 'time: invalid location name' : `unknown time zone ${zone}`);
}
