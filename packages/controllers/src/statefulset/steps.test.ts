import type { Pod, StatefulSet } from '@keelson/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { at, meta, ms, pod } from '../pod-control/test-objects.ts';
import { nextSteps, type Step } from './steps.ts';

const set = (spec: Partial<StatefulSet['spec']> = {}): StatefulSet => ({
  metadata: meta('db'),
  spec: {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: { spec: { containers: [] } },
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...spec,
  },
});
const revisions = { current: 'db-1', update: 'db-1' };
const member = (
  ordinal: number,
  more: {
    readonly revision?: string;
    readonly ready?: boolean;
    readonly phase?: string;
    readonly going?: boolean;
  } = {},
): Pod =>
  pod(`db-${ordinal}`, {
    ...(more.ready !== false && { readyAt: 0 }),
    ...(more.phase && { phase: more.phase }),
    metadata: {
      labels: {
        'controller-revision-hash': more.revision ?? 'db-1',
        'statefulset.kubernetes.io/pod-name': `db-${ordinal}`,
      },
      ...(more.going && { deletionTimestamp: at(0) }),
    },
  });
const show = (steps: readonly Step[]) =>
  steps.map((step) => (step.type === 'create' ? `+${step.ordinal}:${step.revision}` : `-${step.pod.metadata.name}`));
const steps = (wanted: StatefulSet, pods: readonly Pod[], of = revisions) => show(nextSteps(wanted, pods, of, ms(60)));

describe('the next steps of a StatefulSet', () => {
  it('start one pod after the other', () => {
    expect(steps(set(), [])).toEqual(['+0:db-1']);
    expect(steps(set(), [member(0, { ready: false })])).toEqual([]);
    expect(steps(set(), [member(0)])).toEqual(['+1:db-1']);
    expect(steps(set({ podManagementPolicy: 'Parallel' }), [member(1)])).toEqual(['+0:db-1', '+2:db-1']);
    expect(steps(set({ ordinals: { start: 5 } }), [])).toEqual(['+5:db-1']);
  });

  it('replace what has failed before anything else', () => {
    expect(steps(set(), [member(0, { phase: 'Failed' }), member(2)])).toEqual(['-db-0']);
    expect(steps(set(), [member(0, { phase: 'Failed', going: true })])).toEqual([]);
  });

  it('stop from the highest ordinal down, and wait for each', () => {
    const pods = [0, 1, 2, 3].map((each) => member(each));
    expect(steps(set({ replicas: 2 }), pods)).toEqual(['-db-3']);
    expect(steps(set({ replicas: 2 }), [...pods.slice(0, 3), member(3, { going: true })])).toEqual([]);
    expect(steps(set({ replicas: 2, podManagementPolicy: 'Parallel' }), pods)).toEqual(['-db-3', '-db-2']);
  });

  it('roll out from the highest ordinal down to the partition', () => {
    const next = { current: 'db-1', update: 'db-2' };
    const pods = [0, 1, 2].map((each) => member(each));
    expect(steps(set(), pods, next)).toEqual(['-db-2']);
    expect(steps(set(), [...pods.slice(0, 2), member(2, { revision: 'db-2', ready: false })], next)).toEqual([]);
    const canary = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
    expect(steps(canary, [...pods.slice(0, 2), member(2, { revision: 'db-2' })], next)).toEqual([]);
    expect(steps(canary, pods.slice(1), next)).toEqual(['+0:db-1']);
    expect(steps(canary, pods.slice(0, 2), next)).toEqual(['+2:db-2']);
    const two = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } });
    expect(steps(two, pods, next)).toEqual(['-db-2', '-db-1']);
    expect(steps(set({ updateStrategy: { type: 'OnDelete' } }), pods, next)).toEqual([]);
  });

  it('never make more than one healthy pod unavailable at a time in order', () => {
    const state = fc.record({ ready: fc.boolean(), old: fc.boolean(), going: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.option(state), { maxLength: 6 }), (states) => {
        const pods = states.flatMap((each, ordinal) =>
          each ? [member(ordinal, { ready: each.ready, going: each.going, revision: each.old ? 'db-1' : 'db-2' })] : [],
        );
        const found = nextSteps(set({ replicas: 4 }), pods, { current: 'db-1', update: 'db-2' }, ms(60));
        expect(found.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
