import { expect, it } from 'vitest';
import { isLeftByDeletion } from './index.ts';

const going = { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' };

it.each([
  [false, 'a Status', { kind: 'Status', status: 'Success' }],
  [false, 'what was there', { metadata: { name: 'x', finalizers: ['a'] } }],
  [false, 'a pod without grace', { metadata: { ...going, deletionGracePeriodSeconds: 0 }, spec: {} }],
  [true, 'a pod with grace', { metadata: { ...going, deletionGracePeriodSeconds: 30 }, spec: {} }],
  [true, 'what has a finalizer', { metadata: { ...going, finalizers: ['foregroundDeletion'] } }],
  [true, 'a namespace', { metadata: going, spec: { finalizers: ['kubernetes'] } }],
  [false, 'a namespace that is empty', { metadata: going, spec: {} }],
])('%s for %s', (left, _, answer) => expect(isLeftByDeletion(answer)).toBe(left));
