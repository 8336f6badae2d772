const buffer = new DataView(new ArrayBuffer(8));

/** A finite double as `numerator / denominator`, exactly; the sign is left out. */
function fraction(value: number): { readonly numerator: bigint; readonly denominator: bigint } {
  buffer.setFloat64(0, Math.abs(value));
  const bits = buffer.getBigUint64(0);
  const stored = bits >> 52n;
  const mantissa = bits & 0xfffffffffffffn;
  const [significand, exponent] = stored === 0n ? [mantissa, -1074n] : [mantissa | (1n << 52n), stored - 1075n];
  return exponent >= 0n
    ? { numerator: significand << exponent, denominator: 1n }
    : { numerator: significand, denominator: 1n << -exponent };
}

/** To the nearest, and from the middle to the even one. */
function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** The digits of a finite double with so many behind the point, all of them exact; no sign, which is the caller's. */
export function exactFixed(value: number, decimals: number): { readonly whole: string; readonly decimals: string } {
  const { numerator, denominator } = fraction(value);
  const scaled = roundedQuotient(numerator * 10n ** BigInt(decimals), denominator);
  const digits = scaled.toString().padStart(decimals + 1, '0');
  return { whole: digits.slice(0, digits.length - decimals), decimals: digits.slice(digits.length - decimals) };
}

/** As `d.dddddd` times a power of ten. */
export function exactScientific(
  value: number,
  decimals: number,
): { readonly digits: string; readonly exponent: number } {
  if (value === 0) return { digits: '0'.repeat(decimals + 1), exponent: 0 };
  const { numerator, denominator } = fraction(value);
  let exponent = Math.floor(Math.log10(Math.abs(value)));
  const scaledBy = (power: number) => {
    const shift = decimals - power;
    const up = shift >= 0 ? 10n ** BigInt(shift) : 1n;
    const down = shift < 0 ? 10n ** BigInt(-shift) : 1n;
    return roundedQuotient(numerator * up, denominator * down).toString();
  };
  let digits = scaledBy(exponent);
  // The logarithm may be off by one, and rounding may carry.
  while (digits.length !== decimals + 1) {
    exponent += digits.length > decimals + 1 ? 1 : -1;
    digits = scaledBy(exponent);
  }
  return { digits, exponent };
}
