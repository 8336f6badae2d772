import { formatIpv4, parseIpv4Range } from '@keelson/core/machinery';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatewayOf, podCandidates } from './pod-candidates.ts';

describe('addresses for pods', () => {
  it('are each given once, from any start, and never network, gateway or broadcast', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 22, max: 30 }), fc.nat(2000), (base, bits, step) => {
        const range = parseIpv4Range(`${formatIpv4(base)}/${bits}`);
        const given = [...podCandidates(range, formatIpv4(range.first + (step % range.size)))];
        expect(new Set(given).size).toBe(range.size - 3);
        for (const reserved of [range.first, range.first + 1, range.first + range.size - 1]) {
          expect(given).not.toContain(formatIpv4(reserved));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('go on after the last one given, so that an address rests before it is used again', () => {
    const range = parseIpv4Range('10.244.3.0/29');
    expect([...podCandidates(range, '10.244.3.5')]).toEqual([
      '10.244.3.6',
      '10.244.3.2',
      '10.244.3.3',
      '10.244.3.4',
      '10.244.3.5',
    ]);
    expect(gatewayOf(range)).toBe('10.244.3.1');
  });
});
