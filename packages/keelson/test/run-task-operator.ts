import { runOperator } from '@keelson/core';
import operator from './task-operator.ts';

/** A copy of the operator with the times that a test wants: `WHO`, `KUBECONFIG`, `LEASE_MS` and `DRAIN_MS`. */
const leaseDurationMs = Number(process.env['LEASE_MS']);

await runOperator(operator, {
  drainMs: Number(process.env['DRAIN_MS']),
  leaderElection: {
    identity: process.env['WHO'] ?? '',
    leaseDurationMs,
    renewDeadlineMs: leaseDurationMs * 0.6,
    retryPeriodMs: 300,
  },
});
