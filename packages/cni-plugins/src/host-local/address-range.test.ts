import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidates, formatAddress, gatewayOf, parseAddress, parseRange } from './address-range.ts';

describe('address range', () => {
  it('reads and writes every address', () => {
    fc.assert(fc.property(fc.nat(2 ** 32 - 1), (value) => parseAddress(formatAddress(value)) === value));
  });

  it('gives each pod address once, from any start, and never network, gateway or broadcast', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 22, max: 30 }), fc.nat(2000), (base, bits, step) => {
        const range = parseRange(`${formatAddress(base)}/${bits}`);
        const start = formatAddress(range.first + (step % range.size));
        const given = [...candidates(range, start)];
        expect(new Set(given).size).toBe(range.size - 3);
        for (const reserved of [range.first, range.first + 1, range.first + range.size - 1])
          expect(given).not.toContain(formatAddress(reserved));
      }),
      { numRuns: 50 },
    );
  });

  it('goes on after the last one given, so that an address rests before it is used again', () => {
    const range = parseRange('10.244.3.0/29');
    expect([...candidates(range, '10.244.3.5')]).toEqual([
      '10.244.3.6',
      '10.244.3.2',
      '10.244.3.3',
      '10.244.3.4',
      '10.244.3.5',
    ]);
    expect(gatewayOf(range)).toBe('10.244.3.1');
  });

  it('refuses what is no range', () => {
    for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.256/8', 'x/8', '10.0.0.0/8/8'])
      expect(() => parseRange(text)).toThrow(RangeError);
  });
});
