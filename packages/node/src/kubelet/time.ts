/** `metav1.Time` of milliseconds since the epoch: RFC 3339, whole seconds, UTC. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Milliseconds since the epoch of an RFC 3339 time, or `undefined` for none or nonsense. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** CRI times are nanoseconds, and 0 for never. */
export function fromNanos(nanos: number | undefined): number | undefined {
  return nanos === undefined || nanos <= 0 ? undefined : Math.floor(nanos / 1e6);
}

/** A duration as Go prints it, for messages that people compare: `10s`, `1m20s`, `5m0s`, `1.5s`, `20ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${trim(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = trim((ms % 60_000) / 1000);
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(3)));
}
