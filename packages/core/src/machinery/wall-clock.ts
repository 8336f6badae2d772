/** What a clock on a wall of this zone shows. `month` 1 to 12, `weekday` 0 (Sunday) to 6. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
}

/** The time of day in one time zone. */
export interface WallClock {
  at(ms: number): WallTime;
  /** The first instant of a day; month and day may be beyond their range, as for `Date.UTC`. */
  instantOf(year: number, month: number, day: number): number;
  /** RFC 3339 with the zone's offset, whole seconds. */
  format(ms: number): string;
}

/** @param timeZone IANA name. Throws RangeError for one that is not known. */
export function wallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  /** The wall's time as if it were UTC. */
  const wallMs = (ms: number) => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  const offset = (ms: number) => wallMs(ms) - Math.floor(ms / 1000) * 1000;
  const dayMs = 86_400_000;
  return {
    at(ms) {
      const wall = new Date(wallMs(ms));
      return {
        year: wall.getUTCFullYear(),
        month: wall.getUTCMonth() + 1,
        day: wall.getUTCDate(),
        hour: wall.getUTCHours(),
        minute: wall.getUTCMinutes(),
        second: wall.getUTCSeconds(),
        weekday: wall.getUTCDay(),
      };
    },
    instantOf(year, month, day) {
      const wall = Date.UTC(year, month - 1, day);
      const before = offset(wall - dayMs);
      const candidates = [before, offset(wall + dayMs)].map((each) => wall - each).filter((ms) => wallMs(ms) === wall);
      // Where midnight is skipped, the day begins when the clock has jumped.
      return candidates.length > 0 ? Math.min(...candidates) : wall - before;
    },
    format(ms) {
      const seconds = offset(ms) / 1000;
      const wall = new Date(wallMs(ms)).toISOString().slice(0, 19);
      if (seconds === 0) return `${wall}Z`;
      const minutes = Math.floor(Math.abs(seconds) / 60);
      const two = (value: number) => String(value).padStart(2, '0');
      return `${wall}${seconds < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
    },
  };
}
