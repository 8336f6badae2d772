const unitNanos: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** Go's duration syntax (`1h30m`, `250ms`, `-1.5s`) in milliseconds; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!match) return /^[+-]?0$/.test(text) ? 0 : undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of (match[2] ?? '').matchAll(/([0-9.]+)([^0-9.]+)/g)) {
    total += Number(amount) * (unitNanos.get(unit) ?? 0);
  }
  return match[1] === '-' ? -total : total;
}

/** Go's way to print a duration given in milliseconds: `1h30m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  if (size < 1e-3) return `${sign}${Math.round(size * 1e6)}ns`;
  if (size < 1) return `${sign}${trim(size * 1e3)}µs`;
  if (size < 1000) return `${sign}${trim(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const seconds = `${trim((size % 60_000) / 1000)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

const trim = (value: number) => String(Number(value.toFixed(9)));

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([.,]\d+)?(Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 in milliseconds since the epoch; undefined for other text and for days that do not exist. */
export function parseTimestamp(text: string): number | undefined {
  const match = rfc3339.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  if (hour! > 23 || minute! > 59 || second! > 59) return undefined;
  const ms = Date.parse(text.replace(',', '.'));
  const utc = Date.UTC(year!, month! - 1, day!);
  const exists = new Date(utc).getUTCMonth() === month! - 1 && new Date(utc).getUTCDate() === day;
  return exists && !Number.isNaN(ms) ? ms : undefined;
}

/** `metav1.Time` of an instant in milliseconds: RFC 3339, whole seconds, UTC. */
export function formatTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
