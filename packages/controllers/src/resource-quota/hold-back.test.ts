import type { ResourceQuota } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { holdBack, quietMs } from './hold-back.ts';

const hard = { pods: '10', 'requests.cpu': '4' };
const quota = (used: Record<string, string>): ResourceQuota => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'n' },
  spec: { hard },
  status: { hard, used },
});
const counted = (used: Record<string, string>) => ({ hard, used });

describe('what is counted while admission charges', () => {
  const before = quota({ pods: '8', 'requests.cpu': '2' });

  it('is written at once where usage rises, or where nobody has charged for a while', () => {
    const rising = counted({ pods: '9', 'requests.cpu': '2' });
    const now = { raised: new Map([['pods', 1000]]), released: new Map() };
    expect(holdBack(before, rising, now, 1000)).toEqual({ status: rising });
    const lower = counted({ pods: '3', 'requests.cpu': '1' });
    expect(holdBack(before, lower, now, 1000 + quietMs)).toEqual({ status: lower });
  });

  it('waits for the resources that were charged for a moment ago, and for no others', () => {
    const lower = counted({ pods: '3', 'requests.cpu': '1' });
    const known = { raised: new Map([['pods', 900]]), released: new Map() };
    expect(holdBack(before, lower, known, 1000)).toEqual({
      status: counted({ pods: '8', 'requests.cpu': '1' }),
      wait: quietMs - 100,
    });
  });

  it('gives back meanwhile what was seen to go, and never falls below what is counted', () => {
    const lower = counted({ pods: '3', 'requests.cpu': '1900m' });
    const raised = new Map([
      ['pods', 950],
      ['requests.cpu', 900],
    ]);
    const released = new Map([
      ['pods', 2_000_000_000n],
      ['requests.cpu', 500_000_000n],
    ]);
    expect(holdBack(before, lower, { raised, released }, 1000)).toEqual({
      status: counted({ pods: '6', 'requests.cpu': '1900m' }),
      wait: quietMs - 100,
    });
  });
});
