import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  quantityToNumber,
  quantityValue,
  roundUpToMilli,
  subtractQuantity,
} from './quantity.ts';

/** What a v1.35 API server answered for each text. */
const answers: Record<string, string> = {
  '1000m': '1',
  '1024Ki': '1Mi',
  '0.5': '500m',
  '1.5Gi': '1536Mi',
  '1e3': '1e3',
  '1E3': '1E3',
  '+1': '+1',
  '001': '001',
  '5.': '5.',
  '1e+3': '1e+3',
  '1E-3': '1E-3',
  '1.5E1': '1.5E1',
  '1.500': '1.500',
  '0.123': '123m',
  '1.5e3': '1500',
  '1E+2': '100',
  '+1k': '+1k',
  '0001024Ki': '1Mi',
  '001Ki': '001Ki',
  '1.0000000001': '1000000001n',
  '0.9n': '1n',
  '3.14159Mi': '3294195875840u',
  '0.1Ki': '102400m',
  '1e-10': '1e-9',
  '1.5E4': '1.5E4',
  '15E1': '150',
  '0.0e3': '0',
  '00': '0',
  '+0': '0',
  '-0': '0',
  '8Ei': '9223372036854775807',
  '1e30': '1e30',
  '1e22': '10e21',
  '0.00000000001Ki': '11n',
  '12345.678e3': '12345.678e3',
  '123456789012345678901234567890000': '123456789012345678901234567890k',
  '100000000000000000000': '100E',
  '1.0001k': '1000100m',
  '0.5Ki': '512',
  '1.5Ki': '1536',
  '1000000Ki': '1000000Ki',
  '1023.5Ki': '1048064',
  '0.000001Mi': '1048576u',
  '9223372036854775808': '9223372036854775808',
  '9.3e18': '9300e15',
  '1e19': '10e18',
  '5e-1': '500e-3',
  '5e-4': '500e-6',
  '1e5': '100e3',
  '.': '0',
  m: '0',
  '1 ': '1',
};

const text = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.nat({ max: 1_000_000 }),
    fc.option(fc.nat({ max: 999_999 })),
    fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'e-2', 'E1'),
  )
  .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`);

describe('quantity', () => {
  it.each(Object.entries(answers))('gives %s back as %s', (from, to) => expect(canonicalQuantity(from)).toBe(to));

  it('takes JSON numbers', () => {
    expect([2, 0.5, 1000, 1e21].map(canonicalQuantity)).toEqual(['2', '500m', '1k', '1e+21']);
    expect(formatQuantity(2)).toBe('2');
  });

  it.each(['', '0x1', '1_000', '1g', '1e3m', 'NaN', '１', '1e2.5'])('refuses %j by its form', (bad) =>
    expect(() => parseQuantity(bad)).toThrow('quantities must match the regular expression'));

  it.each(['1e', '1Kii', '1K', '1ki', '1e9223372036854775808', '1e2147483648'])('refuses the suffix of %j', (bad) =>
    expect(() => parseQuantity(bad)).toThrow("unable to parse quantity's suffix"));

  it('formats to a text that means the same and is its own form', () => {
    fc.assert(
      fc.property(text, (each) => {
        const formatted = formatQuantity(each);
        expect(compareQuantity(formatted, each)).toBe(0);
        expect(formatQuantity(formatted)).toBe(formatted);
        expect(compareQuantity(canonicalQuantity(each), each)).toBe(0);
      }),
    );
  });

  it('adds exactly, in any order, and subtracts what it added', () => {
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(compareQuantity(addQuantity(a, b), addQuantity(b, a))).toBe(0);
        expect(compareQuantity(addQuantity(addQuantity(a, b), c), addQuantity(a, addQuantity(b, c)))).toBe(0);
        expect(compareQuantity(subtractQuantity(addQuantity(a, b), b), a)).toBe(0);
      }),
    );
  });

  it('orders totally', () => {
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(compareQuantity(a, b) + compareQuantity(b, a)).toBe(0);
        const [x, y, z] = [a, b, c].sort(compareQuantity);
        expect(compareQuantity(x ?? '', y ?? '')).toBeLessThanOrEqual(0);
        expect(compareQuantity(x ?? '', z ?? '')).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('rounds away from zero', () => {
    expect(quantityValue('1100m')).toBe(2);
    expect(quantityValue('-1100m')).toBe(-2);
    expect(milliValue('0.0001')).toBe(1);
    expect(milliValue('250m')).toBe(250);
    expect(formatQuantity(roundUpToMilli('1n'))).toBe('1m');
    expect(quantityToNumber('1.5Gi')).toBe(1610612736);
  });
});
