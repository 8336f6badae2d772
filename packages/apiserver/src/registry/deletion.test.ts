import type { ConfigMap, KubernetesObject, Pod, RequestOptions } from '@keelson/core';
import { expect, it } from 'vitest';
import { decideDeletion, propagationOf } from './deletion.ts';
import type { Kind } from './kind.ts';
import type { Strategy } from './strategy.ts';

const now = Date.parse('2026-01-02T03:04:05Z');
const at = '2026-01-02T03:04:05Z';
const later = '2026-01-02T03:04:35Z';

function decide(object: KubernetesObject, options: RequestOptions, strategy: Strategy = {}) {
  return decideDeletion({ strategy } as Kind, object, options, now);
}

const configMap = (metadata: Partial<ConfigMap['metadata']> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...metadata },
});
const pod = (metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', generation: 1, ...metadata },
  spec: { containers: [] },
});
const graceful: Strategy = { gracePeriod: (_, asked) => asked ?? 30 };

it('what nothing holds goes without being marked', () => {
  expect(decide(configMap(), { gracePeriodSeconds: 5 })).toEqual({ type: 'removed', marked: undefined });
});

it('finalizers hold it, with no seconds left, and a new generation where there are any', () => {
  const held = decide(configMap({ finalizers: ['example.com/f'], generation: 1 }), { gracePeriodSeconds: -1 });
  expect(held).toMatchObject({
    type: 'marked',
    object: { metadata: { deletionTimestamp: at, deletionGracePeriodSeconds: 0, generation: 2 } },
  });
});

it('a pod without seconds is marked before it goes', () => {
  const outcome = decide(pod(), { gracePeriodSeconds: 0 }, graceful);
  const metadata = { deletionTimestamp: at, deletionGracePeriodSeconds: 0, generation: 2 };
  expect(outcome).toMatchObject({ type: 'removed', marked: { metadata } });
});

it('a period may become shorter, and no longer', () => {
  const going = pod({ deletionTimestamp: later, deletionGracePeriodSeconds: 30 });
  expect(decide(going, {}, graceful)).toEqual({ type: 'pending' });
  expect(decide(going, { gracePeriodSeconds: 30 }, graceful)).toEqual({ type: 'pending' });
  const metadata = { deletionTimestamp: '2026-01-02T03:04:10Z', deletionGracePeriodSeconds: 5, generation: 1 };
  expect(decide(going, { gracePeriodSeconds: 5 }, graceful)).toMatchObject({ type: 'marked', object: { metadata } });
});

it.each<[RequestOptions, readonly string[], readonly string[] | 'gone']>([
  [{ propagationPolicy: 'Orphan' }, [], ['orphan']],
  [{ propagationPolicy: 'Foreground' }, ['a.io/f', 'orphan'], ['a.io/f', 'foregroundDeletion']],
  [{ propagationPolicy: 'Background' }, ['foregroundDeletion'], 'gone'],
  [{ orphanDependents: true }, ['a.io/f'], ['a.io/f', 'orphan']],
  [{ orphanDependents: false }, ['orphan'], 'gone'],
  [{}, ['orphan', 'a.io/f'], ['orphan', 'a.io/f']],
])('%j makes of the finalizers %j: %j', (options, finalizers, after) => {
  const outcome = decide(configMap({ finalizers }), options);
  // Who only tries is shown what is left once the finalizers have gone.
  if (after === 'gone') expect(outcome).toMatchObject({ type: 'removed', shown: { metadata: { name: 'a' } } });
  else expect(outcome).toMatchObject({ type: 'marked', object: { metadata: { finalizers: after } } });
});

it('kinds may orphan by default, or have nothing to orphan', () => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'a' } };
  expect(decide(job, {}, { orphansByDefault: true })).toMatchObject({
    object: { metadata: { finalizers: ['orphan'] } },
  });
  expect(decide(job, { propagationPolicy: 'Orphan' }, { withoutDependents: true }).type).toBe('removed');
});

it('what the request says goes before what the finalizers say', () => {
  expect(propagationOf(['orphan'], { propagationPolicy: 'Foreground' })).toBe('Foreground');
  expect(propagationOf(['foregroundDeletion', 'orphan'], {})).toBe('Foreground');
  expect(propagationOf([], {})).toBeUndefined();
});
