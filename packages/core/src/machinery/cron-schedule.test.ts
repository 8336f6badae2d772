import { describe, expect, it } from 'vitest';
import { parseCronSchedule } from './cron-schedule.ts';

const next = (schedule: string, from: string, count = 1, zone?: string) => {
  const parsed = parseCronSchedule(schedule, zone);
  const times: string[] = [];
  let at = Date.parse(from);
  for (let index = 0; index < count; index++) {
    const found = parsed.next(at);
    if (found === undefined) return [...times, 'never'];
    at = found;
    times.push(new Date(at).toISOString().slice(0, 16));
  }
  return times;
};

describe('a cron schedule', () => {
  it('finds the next times', () => {
    expect(next('*/15 * * * *', '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-01-01T00:15',
      '2026-01-01T00:30',
      '2026-01-01T00:45',
    ]);
    expect(next('0 0 29 2 *', '2026-01-01T00:00:00Z')).toEqual(['2028-02-29T00:00']);
    expect(next('0 12 * JAN-mar mon', '2026-03-30T13:00:00Z')).toEqual(['2027-01-04T12:00']);
    expect(next('59 23 31 2 *', '2026-01-01T00:00:00Z')).toEqual(['never']);
    expect(next('@daily', '2026-01-01T00:00:00Z')).toEqual(['2026-01-02T00:00']);
    expect(next('@every 90m', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-01T01:30', '2026-01-01T03:00']);
    expect(next('20/20 3 * * *', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-01T03:20', '2026-01-01T03:40']);
  });

  it('takes either day where both are said, and both where one is open', () => {
    expect(next('0 0 13 * 5', '2026-02-01T00:00:00Z', 3)).toEqual([
      '2026-02-06T00:00',
      '2026-02-13T00:00',
      '2026-02-20T00:00',
    ]);
    expect(next('0 0 * * 5', '2026-02-01T00:00:00Z')).toEqual(['2026-02-06T00:00']);
  });

  it('skips hours that a zone skips, and meets twice those that it repeats', () => {
    expect(next('30 2 * * *', '2026-03-28T12:00:00Z', 2, 'Europe/Berlin')).toEqual([
      '2026-03-30T00:30',
      '2026-03-31T00:30',
    ]);
    expect(next('30 2 * * *', '2026-10-24T12:00:00Z', 3, 'Europe/Berlin')).toEqual([
      '2026-10-25T00:30',
      '2026-10-25T01:30',
      '2026-10-26T01:30',
    ]);
    expect(next('TZ=Asia/Tokyo 0 9 * * *', '2026-01-01T00:30:00Z')).toEqual(['2026-01-02T00:00']);
  });

  it.each([
    ['', 'empty spec string'],
    ['* * *', 'expected exactly 5 fields, found 3: [* * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['@never', 'unrecognized descriptor: @never'],
    ['TZ=Mars/One * * * * *', 'provided bad location Mars/One: unknown time zone Mars/One'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCronSchedule(text)).toThrow(message);
  });
});
