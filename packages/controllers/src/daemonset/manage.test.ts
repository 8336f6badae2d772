import type { DaemonSet, Node, Pod } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { at, meta, ms, pod } from '../pod-control/test-objects.ts';
import { daemonPod, placementOf } from './daemon-pod.ts';
import { type Changes, manage, rollOut, viewOf } from './manage.ts';
import { daemonSetStatus } from './status.ts';

const set = (rollingUpdate: object = { maxUnavailable: 1, maxSurge: 0 }, spec = {}): DaemonSet => ({
  metadata: meta('agent'),
  spec: {
    selector: { matchLabels: { app: 'agent' } },
    template: { metadata: { name: '', labels: { app: 'agent' } }, spec: { containers: [], ...spec } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate },
  },
});
const node = (name: string, spec: Node['spec'] = {}, labels = {}): Node => ({ metadata: meta(name, { labels }), spec });
const daemon = (
  name: string,
  on: string,
  more: { readonly hash?: string; readonly ready?: boolean; readonly phase?: string; readonly going?: boolean } = {},
): Pod =>
  pod(name, {
    node: on,
    ...(more.ready !== false && { readyAt: 0 }),
    ...(more.phase && { phase: more.phase }),
    metadata: {
      labels: { 'controller-revision-hash': more.hash ?? 'new' },
      ...(more.going && { deletionTimestamp: at(1) }),
    },
  });
const nodes = ['n1', 'n2', 'n3'].map((name) => node(name));
const view = (wanted: DaemonSet, pods: readonly Pod[], on = nodes) => viewOf(wanted, on, pods, 'new', ms(60));
const show = ({ create, remove }: Changes) => [
  ...create.map((each) => `+${each}`),
  ...remove.map((each) => `-${each.metadata.name}`),
];

describe('a DaemonSet', () => {
  it('belongs on nodes whose taints it tolerates', () => {
    const tainted = (effect: string) => node('n', { taints: [{ key: 'x', effect }] });
    const place = placementOf(set());
    expect(place(node('n'))).toEqual({ run: true, stay: true });
    expect(place(tainted('NoSchedule'))).toEqual({ run: false, stay: true });
    expect(place(tainted('NoExecute'))).toEqual({ run: false, stay: false });
    expect(place(node('n', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] })).run).toBe(true);
    expect(placementOf(set({}, { nodeSelector: { a: 'b' } }))(node('n', {}, { a: 'b' })).run).toBe(true);
    expect(placementOf(set({}, { nodeSelector: { a: 'b' } }))(node('n'))).toEqual({ run: false, stay: false });
  });

  it('pins its pods to their nodes', () => {
    const made = daemonPod(set(), 'n1', 'new');
    expect(made.metadata.labels).toEqual({ app: 'agent', 'controller-revision-hash': 'new' });
    expect(viewOf(set(), nodes, [{ ...made, metadata: meta('x') } as Pod], 'new', 0).nodes[0]?.pods.length).toBe(1);
  });

  it('keeps one pod on each node', () => {
    expect(show(manage(view(set(), [daemon('a', 'n1'), daemon('b', 'n1'), daemon('c', 'n9')])))).toEqual([
      '+n2',
      '+n3',
      '-c',
      '-b',
    ]);
    expect(show(manage(view(set(), [daemon('a', 'n1', { phase: 'Failed' })], nodes.slice(0, 1))))).toEqual(['-a']);
    expect(show(manage(view(set(), [daemon('a', 'n1', { going: true })], nodes.slice(0, 1))))).toEqual([]);
  });

  it('rolls out in place, and by surge', () => {
    const old = nodes.map(({ metadata }, index) => daemon(`o${index}`, metadata.name, { hash: 'old' }));
    expect(show(rollOut(view(set(), old)))).toEqual(['-o0']);
    expect(show(rollOut(view(set({ maxUnavailable: '67%', maxSurge: 0 }), old)))).toEqual(['-o0', '-o1', '-o2']);
    expect(show(rollOut(view(set(), [daemon('x', 'n1', { ready: false }), ...old.slice(1)])))).toEqual([]);
    const surge = set({ maxUnavailable: 0, maxSurge: 1 });
    expect(show(rollOut(view(surge, old)))).toEqual(['+n1']);
    expect(show(rollOut(view(surge, [...old, daemon('x', 'n1', { ready: false })])))).toEqual([]);
    expect(show(rollOut(view(surge, [...old, daemon('x', 'n1')])))).toEqual(['+n2', '-o0']);
  });

  it('counts the oldest pod of each node', () => {
    const status = daemonSetStatus(
      view(set(), [daemon('a', 'n1'), daemon('b', 'n2', { ready: false, hash: 'old' })]),
      undefined,
    );
    expect(status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 2,
      numberReady: 1,
      numberUnavailable: 2,
      updatedNumberScheduled: 1,
    });
  });
});
