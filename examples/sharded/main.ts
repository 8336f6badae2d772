import { runOperator } from '@keelson/core';
import operator, { identity } from './operator.ts';

const { EAST, WEST, LEASE_MS = '20000' } = process.env;
if (!EAST || !WEST) throw new Error('EAST and WEST must name the kubeconfigs of two clusters');

await runOperator(operator, {
  clusters: { east: { kubeconfig: EAST }, west: { kubeconfig: WEST } },
  // Where the Leases are by which the processes divide the pages of both clusters among each other.
  kubeconfig: EAST,
  sharding: {
    identity,
    shards: 12,
    leaseDurationMs: Number(LEASE_MS),
    renewDeadlineMs: Number(LEASE_MS) * 0.7,
    retryPeriodMs: Number(LEASE_MS) * 0.2,
  },
});
