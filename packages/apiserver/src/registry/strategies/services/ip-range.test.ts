import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, candidates, holdsAddress, nameOfAddress, rangeOf } from './ip-range.ts';

describe('ranges of addresses', () => {
  it.each([
    ['10.96.0.0/16', '10.96.0.1', '10.96.255.254'],
    ['10.0.0.8/29', '10.0.0.9', '10.0.0.14'],
    ['fd00::/112', 'fd00::1', 'fd00::ffff'],
  ])('%s goes from %s to %s', (cidr, first, last) => {
    const range = rangeOf(cidr);
    expect(range && [addressOf(range.first, range.family), addressOf(range.last, range.family)]).toEqual([first, last]);
    expect(range && holdsAddress(range, last)).toBe(true);
    expect(range && holdsAddress(range, addressOf(range.base, range.family))).toBe(false);
  });

  it('names an address in one way', () => {
    expect(nameOfAddress('010.096.0.1')).toBe('10.96.0.1');
    expect(nameOfAddress('FD00:0::1')).toBe('fd00::1');
    expect(nameOfAddress('::ffff:1.2.3.4')).toBe('1.2.3.4');
  });

  it('tries every number once, the reserved ones last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (size, chance) => {
        const all = [...candidates(1n, BigInt(size), () => chance)].map(Number);
        expect(new Set(all).size).toBe(size);
        expect(Math.min(...all)).toBe(1);
        const reserved = size < 16 ? 0 : Math.min(256, Math.max(16, Math.floor(size / 16)));
        const upper = all.slice(0, size - reserved);
        expect(upper.every((each) => each > reserved)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
