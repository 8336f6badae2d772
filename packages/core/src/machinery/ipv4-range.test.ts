import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIpv4, ipv4At, parseIpv4, parseIpv4Range } from './ipv4-range.ts';

describe('IPv4 ranges', () => {
  it('reads and writes every address', () => {
    fc.assert(fc.property(fc.nat(2 ** 32 - 1), (value) => parseIpv4(formatIpv4(value)) === value));
  });

  it('holds exactly the addresses of its prefix', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 0, max: 32 }), (value, bits) => {
        const range = parseIpv4Range(`${formatIpv4(value)}/${bits}`);
        return range.size === 2 ** (32 - bits) && range.first <= value && value < range.first + range.size;
      }),
    );
  });

  it('counts from either end', () => {
    const range = parseIpv4Range('10.244.3.7/24');
    expect([ipv4At(range, 0), ipv4At(range, 1), ipv4At(range, -1)]).toEqual([
      '10.244.3.0',
      '10.244.3.1',
      '10.244.3.255',
    ]);
    expect(() => ipv4At(range, 256)).toThrow(RangeError);
  });

  it('refuses what is no range', () => {
    for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.256/8', 'x/8', '10.0.0.0/8/8', '10.0.0.0/']) {
      expect(() => parseIpv4Range(text)).toThrow(RangeError);
    }
  });
});
