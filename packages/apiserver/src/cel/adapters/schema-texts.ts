import { parseDuration, parseTimestamp } from '../standard/times.ts';
import { CelDuration, CelError, type CelTimestamp } from '../value.ts';

/** A text of the format duration. */
export function durationOf(text: string): CelDuration {
  const found = parseDuration(text.replaceAll(/\s+/g, '')) ?? longDuration(text);
  if (!found) throw new CelError(`Invalid duration ${text}: unable to parse ${text} as duration`);
  return found;
}

const words: readonly (readonly [RegExp, bigint])[] = [
  [/^(?:ns|nano|nanos|nanosecond|nanoseconds)$/, 1n],
  [/^(?:us|µs|micro|micros|microsecond|microseconds)$/, 1_000n],
  [/^(?:ms|milli|millis|millisecond|milliseconds)$/, 1_000_000n],
  [/^(?:s|sec|secs|second|seconds)$/, 1_000_000_000n],
  [/^(?:m|min|mins|minute|minutes)$/, 60_000_000_000n],
  [/^(?:h|hr|hrs|hour|hours)$/, 3_600_000_000_000n],
  [/^(?:d|day|days)$/, 86_400_000_000_000n],
  [/^(?:w|wk|wks|week|weeks)$/, 604_800_000_000_000n],
];

/** `3 days`, `1w`: what the format takes besides Go's durations. */
function longDuration(text: string): CelDuration | undefined {
  const match = /^(\d{1,18})\s*([a-zµ]+)$/.exec(text.trim().toLowerCase());
  const unit = words.find(([word]) => word.test(match?.[2] ?? ''))?.[1];
  if (!match || unit === undefined) return undefined;
  return new CelDuration(BigInt(match[1] ?? '0') * unit);
}

/** A text of the format date: its midnight, UTC. */
export function dateOf(text: string): CelTimestamp {
  const found = /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseTimestamp(`${text}T00:00:00Z`) : undefined;
  if (!found) {
    throw new CelError(
      `Invalid date formatted string ${text}: parsing time "${text}" as "2006-01-02": cannot parse "${text}" as "2006"`,
    );
  }
  return found;
}

/** A text of the format date-time. */
export function momentOf(text: string): CelTimestamp {
  const found = parseTimestamp(text.replace('t', 'T').replace('z', 'Z'));
  if (!found) {
    throw new CelError(
      `Invalid date-time formatted string ${text}: parsing time "${text}" as "2006-01-02T15:04:05": cannot parse ` +
        `"${text}" as "2006"`,
    );
  }
  return found;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A text of the format byte. */
export function bytesOf(text: string): Uint8Array {
  if (!base64.test(text)) {
    const at = /[^A-Za-z0-9+/=]/.exec(text)?.index ?? text.length;
    throw new CelError(`Invalid byte formatted string ${text}: illegal base64 data at input byte ${at}`);
  }
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
