import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CelDuration, CelError, CelTimestamp, CelUint, type CelValue } from '../value.ts';
import { add, divide, modulo, multiply, subtract } from './arithmetic.ts';
import { doubleFromText, doubleText, intFromText } from './numbers.ts';
import { durationSeconds, parseDuration, parseTimestamp, timestampText } from './times.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

/** The value, or the message of the error. */
function tried(run: () => CelValue): CelValue {
  try {
    return run();
  } catch (error) {
    if (error instanceof CelError) return `error: ${error.message}`;
    throw error;
  }
}

const plain: readonly [(a: CelValue, b: CelValue) => CelValue, (a: bigint, b: bigint) => bigint][] = [
  [add, (a, b) => a + b],
  [subtract, (a, b) => a - b],
  [multiply, (a, b) => a * b],
];

describe('arithmetic of CEL', () => {
  it('is exact within 64 bits, and an error beyond them', () => {
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        for (const [mine, exact] of plain) {
          const value = exact(a, b);
          const fits = BigInt.asIntN(64, value) === value;
          expect(tried(() => mine(a, b))).toBe(fits ? value : 'error: integer overflow');
        }
      }),
    );
    fc.assert(
      fc.property(uint64, uint64, (a, b) => {
        for (const [mine, exact] of plain) {
          const value = exact(a, b);
          const found = tried(() => mine(new CelUint(a), new CelUint(b)));
          if (BigInt.asUintN(64, value) === value) expect(found).toEqual(new CelUint(value));
          else expect(found).toBe('error: unsigned integer overflow');
        }
      }),
    );
  });

  it('divides so that quotient and remainder make the number again', () => {
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        fc.pre(b !== 0n && !(a === -(2n ** 63n) && b === -1n));
        expect(add(multiply(divide(a, b), b), modulo(a, b))).toBe(a);
      }),
    );
  });

  it('reads the numbers that it writes', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
        Object.is(doubleFromText(doubleText(value)), value),
      ),
    );
    fc.assert(fc.property(int64, (value) => intFromText(String(value)) === value));
  });

  it('reads the moments and durations that it writes', () => {
    const moment = fc.bigInt({ min: -62135596800n * 10n ** 9n, max: 253402300799n * 10n ** 9n });
    fc.assert(
      fc.property(moment, fc.integer({ min: -14 * 60, max: 14 * 60 }), (nanoseconds, minutes) => {
        const value = new CelTimestamp(nanoseconds, minutes * 60);
        const text = timestampText(value);
        // A zone may lead out of the years that can be written.
        fc.pre(/^\d{4}-/.test(text));
        expect(parseTimestamp(text)).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (nanoseconds) => {
        expect(parseDuration(durationSeconds(new CelDuration(nanoseconds)))?.nanoseconds).toBe(nanoseconds);
      }),
    );
  });
});
