import type { IPAddress, ServiceCIDR } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { dependants } from './covered.ts';

const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({ metadata: { name }, spec: { cidrs } });
const address = (name: string): IPAddress => ({
  metadata: { name },
  spec: { parentRef: { resource: 'services', name: 's' } },
});
const names = (list: readonly IPAddress[]) => list.map((each) => each.metadata.name);

describe('dependants', () => {
  const addresses = ['10.0.0.5', '10.0.1.5', '10.9.0.1', 'fd00::5'].map(address);
  it('are the addresses in no other range', () => {
    const own = cidr('a', '10.0.0.0/16', 'fd00::/112');
    expect(names(dependants(own, [own], addresses))).toEqual(['10.0.0.5', '10.0.1.5', 'fd00::5']);
    expect(names(dependants(own, [own, cidr('b', '10.0.1.0/24')], addresses))).toEqual(['10.0.0.5', 'fd00::5']);
  });
  it('are not kept by a range that goes itself', () => {
    const own = cidr('a', '10.0.0.0/16');
    const going = {
      metadata: { name: 'b', deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { cidrs: ['10.0.0.0/8'] },
    };
    expect(names(dependants(own, [own, going], addresses))).toEqual(['10.0.0.5', '10.0.1.5']);
    expect(dependants(cidr('c', '192.168.0.0/24'), [], addresses)).toEqual([]);
  });
});
