import type { CelDuration, CelTimestamp } from '../value.ts';

/** A double as Go's shortest form (`strconv.FormatFloat(x, 'g', -1, 64)`): `1.5`, `1e+21`, `1e-05`, `+Inf`. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  // Go's rule for the shortest form.
  if (power >= -4 && power < 6) return String(value);
  const sign = power < 0 ? '-' : '+';
  return `${mantissa}e${sign}${Math.abs(power).toString().padStart(2, '0')}`;
}

const perSecond = 1_000_000_000n;

function fractionText(nanoseconds: bigint): string {
  return nanoseconds === 0n ? '' : `.${nanoseconds.toString().padStart(9, '0').replace(/0+$/, '')}`;
}

/** A duration in seconds: `3601.000000001s`. */
export function durationText({ nanoseconds }: CelDuration): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  return `${nanoseconds < 0n ? '-' : ''}${size / perSecond}${fractionText(size % perSecond)}s`;
}

/** A moment by RFC 3339 in UTC, with as many digits of a second as it has: `2023-02-03T23:31:20.5Z`. */
export function timestampText({ nanoseconds }: CelTimestamp): string {
  const rest = ((nanoseconds % perSecond) + perSecond) % perSecond;
  const milliseconds = Number((nanoseconds - rest) / 1_000_000n);
  return `${new Date(milliseconds).toISOString().slice(0, 19)}${fractionText(rest)}Z`;
}
