import { EventsV1Event, type Leadership, Node, Pod, PriorityClass } from '@keelson/core';
import type { SchedulerPlugin } from '@keelson/core/scheduling';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInPlugins } from '../src/scheduler/built-in-plugins.ts';
import { schedulerOptions } from '../src/scheduler/options.ts';
import { Scheduler } from '../src/scheduler/scheduler.ts';
import { type Cluster, createNode, newPod, openCluster } from './open-cluster.ts';

let cluster: Cluster;

beforeEach(async () => {
  cluster = await openCluster();
});
afterEach(() => cluster.close());

async function start(extra: readonly SchedulerPlugin[] = [], leadership?: Leadership) {
  const plugins = [...builtInPlugins(cluster.services), ...extra];
  const services = { ...cluster.services, ...(leadership && { leadership }) };
  const scheduler = new Scheduler(services, plugins, schedulerOptions.parse({}));
  await scheduler.start();
  cluster.onClose(() => scheduler.stop());
  return scheduler;
}

const get = (name: string) => cluster.client.get(Pod, { name, namespace: 'default' });
async function nodeOf(name: string): Promise<string> {
  return waitFor(async () => (await get(name)).spec?.nodeName);
}
async function refusal(name: string): Promise<string> {
  return waitFor(async () => {
    const condition = (await get(name)).status?.conditions?.find((each) => each.type === 'PodScheduled');
    return condition?.status === 'False' ? condition.message : undefined;
  });
}
const taint = { key: 'sch', value: 'x', effect: 'NoSchedule' };

describe('the scheduler', () => {
  it('binds a pod and says so', async () => {
    await createNode(cluster.client, 'node-1');
    await start();
    await cluster.client.create(Pod, newPod('a'));
    expect(await nodeOf('a')).toBe('node-1');
    const pod = await get('a');
    expect(pod.status?.conditions?.find((each) => each.type === 'PodScheduled')?.status).toBe('True');
    expect(await waitFor(async () => (await cluster.events('Scheduled'))[0])).toBe(
      'Successfully assigned default/a to node-1',
    );
    // As kube-scheduler tells it: by events.k8s.io.
    const [event] = (await cluster.client.list(EventsV1Event, { namespace: 'default' })).items;
    expect(event).toMatchObject({
      eventTime: expect.stringMatching(/\.\d{6}Z$/),
      action: 'Binding',
      reportingController: 'default-scheduler',
      reportingInstance: expect.stringMatching(/^default-scheduler/),
      regarding: { kind: 'Pod', name: 'a' },
    });
    expect(event).not.toHaveProperty('deprecatedCount');
  });

  it('places pods only while it leads, and knows what was placed meanwhile', async () => {
    const terms: ((lost: AbortSignal) => void)[] = [];
    const asked = async (count: number) => waitFor(async () => terms[count - 1]);
    await createNode(cluster.client, 'node-1');
    const scheduler = await start([], {
      lead: (signal) =>
        new Promise((resolve, reject) => {
          terms.push(resolve);
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    });
    const first = await asked(1);
    for (const name of ['a', 'b']) await cluster.client.create(Pod, newPod(name));
    await waitFor(async () => scheduler.queue.counts.active === 2);
    const target = { apiVersion: 'v1', kind: 'Node', name: 'node-1' };
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'b' }, target };
    await cluster.client.createSubresource(Pod, { name: 'b', namespace: 'default' }, 'binding', binding);
    await waitFor(async () => scheduler.queue.counts.active === 1);
    const term = new AbortController();
    first(term.signal);
    expect(await nodeOf('a')).toBe('node-1');
    term.abort(new Error('somebody else leads'));
    const second = await asked(2);
    await cluster.client.create(Pod, newPod('c'));
    await waitFor(async () => scheduler.queue.counts.active === 1);
    expect((await get('c')).spec?.nodeName).toBeUndefined();
    second(new AbortController().signal);
    expect(await nodeOf('c')).toBe('node-1');
  });

  it('words its refusals as Kubernetes v1.35 does', async () => {
    await createNode(cluster.client, 'node-1');
    await createNode(cluster.client, 'node-2');
    await createNode(cluster.client, 'node-3', { spec: { taints: [taint] } });
    await start();
    const hostname = { topologyKey: 'kubernetes.io/hostname' };
    const os = { topologyKey: 'kubernetes.io/os' };
    const anti = (labels: Record<string, string>) => ({
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ ...os, labelSelector: { matchLabels: labels } }],
      },
    });
    const byName = (value: string) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [value] }] }],
        },
      },
    });
    const requests = { cpu: '100', memory: '1Ti', 'example.com/gpu': '1' };
    const tail = 'no new claims to deallocate, preemption: 0/3 nodes are available:';
    const cases: readonly [Parameters<typeof newPod>[1], string][] = [
      [
        { containers: [{ name: 'c', image: 'i', resources: { requests, limits: { 'example.com/gpu': '1' } } }] },
        `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu, 2 Insufficient example.com/gpu, 2 Insufficient memory. ${tail} 3 Preemption is not helpful for scheduling.`,
      ],
      [
        { nodeSelector: { nope: '1' } },
        `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. ${tail} 3 Preemption is not helpful for scheduling.`,
      ],
      [
        { affinity: byName('zzz') },
        `0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity]. ${tail} 3 Preemption is not helpful for scheduling.`,
      ],
      [
        { affinity: byName('node-3') },
        `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. ${tail} 3 Preemption is not helpful for scheduling.`,
      ],
      [
        {
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { ...hostname, labelSelector: { matchLabels: { a: 'zz' } } },
              ],
            },
          },
        },
        `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod affinity rules. ${tail} 3 Preemption is not helpful for scheduling.`,
      ],
      [
        {
          nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
          containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100' } } }],
        },
        `0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s). ${tail} 3 Preemption is not helpful for scheduling.`,
      ],
    ];
    for (const [at, [spec, message]] of cases.entries()) {
      await cluster.client.create(Pod, newPod(`p${at}`, spec));
      expect(await refusal(`p${at}`)).toBe(message);
    }
    await cluster.client.create(Pod, newPod('anti1', { affinity: anti({ a: 'anti' }) }, { a: 'anti' }));
    await nodeOf('anti1');
    await cluster.client.create(Pod, newPod('anti2', { affinity: anti({ a: 'anti' }) }, { a: 'anti' }));
    await cluster.client.create(Pod, newPod('anti3', {}, { a: 'anti' }));
    const noVictims = `${tail} 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.`;
    expect(await refusal('anti2')).toBe(
      `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules. ${noVictims}`,
    );
    expect(await refusal('anti3')).toBe(
      `0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't satisfy existing pods anti-affinity rules. ${noVictims}`,
    );
  });

  it('tries again when a node comes, and not before', async () => {
    const scheduler = await start();
    await cluster.client.create(Pod, newPod('a'));
    expect(await refusal('a')).toBe('no nodes available to schedule pods');
    await waitFor(() => scheduler.queue.counts.unschedulable === 1);
    await createNode(cluster.client, 'node-1');
    expect(await nodeOf('a')).toBe('node-1');
  });

  it('spreads an anti-affine Deployment, and places the third pod when a third node comes', async () => {
    await createNode(cluster.client, 'node-1');
    await createNode(cluster.client, 'node-2');
    await start();
    const affinity = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } },
        ],
      },
    };
    for (const name of ['a', 'b', 'c']) await cluster.client.create(Pod, newPod(name, { affinity }, { app: 'x' }));
    expect(new Set([await nodeOf('a'), await nodeOf('b')])).toEqual(new Set(['node-1', 'node-2']));
    expect(await refusal('c')).toContain("2 node(s) didn't match pod anti-affinity rules");
    await createNode(cluster.client, 'node-3');
    expect(await nodeOf('c')).toBe('node-3');
  });

  it('makes room for a pod of higher priority', async () => {
    const capacity = { cpu: '1', memory: '1Gi', pods: '110' };
    await createNode(cluster.client, 'node-1', { status: { allocatable: capacity, capacity } });
    await start();
    const container = { name: 'c', image: 'i', resources: { requests: { cpu: '900m' } } };
    await cluster.client.create(Pod, newPod('low', { containers: [container], terminationGracePeriodSeconds: 0 }));
    await nodeOf('low');
    await cluster.client.create(PriorityClass, { metadata: { name: 'high' }, value: 1000 });
    const high = await cluster.client.create(
      Pod,
      newPod('high', { containers: [container], priorityClassName: 'high' }),
    );
    const refused = '0/1 nodes are available: 1 Insufficient cpu.';
    await waitFor(async () => (await cluster.events('FailedScheduling')).includes(refused));
    expect(await waitFor(async () => (await cluster.events('Preempted'))[0])).toBe(
      `Preempted by pod ${high.metadata.uid} on node node-1`,
    );
    const low = await cluster.client.get(Pod, { name: 'low', namespace: 'default' }).catch(() => undefined);
    if (low) await cluster.client.delete(Pod, low.metadata, { gracePeriodSeconds: 0 });
    expect(await nodeOf('high')).toBe('node-1');
  });

  it('does not count pods that are going, neither then nor when they have gone', async () => {
    for (const name of ['node-1', 'node-2']) await createNode(cluster.client, name);
    await start();
    const app = { app: 'x' };
    for (const [name, nodeName] of Object.entries({ a: 'node-1', b: 'node-1', c: 'node-1', d: 'node-2' }))
      await cluster.client.create(Pod, newPod(name, { nodeName }, app));
    const spread = {
      nodeSelector: { 'kubernetes.io/hostname': 'node-1' },
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: app },
          nodeAffinityPolicy: 'Ignore',
        },
      ],
    };
    await cluster.client.create(Pod, newPod('e', spread, app));
    expect(await refusal('e')).toContain("1 node(s) didn't match pod topology spread constraints");
    for (const name of ['b', 'c']) await cluster.client.delete(Pod, { name, namespace: 'default' });
    expect((await get('c')).metadata.deletionTimestamp).toBeDefined();
    expect(await nodeOf('e')).toBe('node-1');
    for (const name of ['b', 'c', 'e'])
      await cluster.client.delete(Pod, { name, namespace: 'default' }, { gracePeriodSeconds: 0 });
    await cluster.client.create(Pod, newPod('f', spread, app));
    expect(await nodeOf('f')).toBe('node-1');
  });

  it('spreads over zones, and says when it cannot', async () => {
    for (const [name, zone] of [
      ['node-1', 'a'],
      ['node-2', 'a'],
      ['node-3', 'b'],
    ] as const) {
      await createNode(cluster.client, name, { metadata: { name, labels: { zone } } });
    }
    await start();
    const constraint = {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { a: 's' } },
    };
    const spread = { topologySpreadConstraints: [constraint] };
    for (const name of ['a', 'b', 'c', 'd']) {
      await cluster.client.create(Pod, newPod(name, spread, { a: 's' }));
      await nodeOf(name);
    }
    const nodes = await Promise.all(['a', 'b', 'c', 'd'].map(nodeOf));
    expect(nodes.filter((each) => each === 'node-3')).toHaveLength(2);
    await cluster.client.create(
      Pod,
      newPod('missing', { topologySpreadConstraints: [{ ...constraint, topologyKey: 'no' }] }),
    );
    expect(await refusal('missing')).toContain(
      "3 node(s) didn't match pod topology spread constraints (missing required label)",
    );
    for (const name of ['e', 'f'])
      await cluster.client.create(Pod, newPod(name, { ...spread, nodeSelector: { zone: 'b' } }, { a: 's' }));
    await nodeOf('e');
  });

  it("asks a stranger's plugin", async () => {
    await createNode(cluster.client, 'node-1', { metadata: { name: 'node-1', labels: { rack: 'a' } } });
    await createNode(cluster.client, 'node-2', { metadata: { name: 'node-2', labels: { rack: 'b' } } });
    await start([
      {
        name: 'SameRack',
        filter: (pod, { node }) =>
          node.metadata.labels?.['rack'] === pod.metadata.labels?.['rack'] ? undefined : 'node(s) were in another rack',
      },
    ]);
    await cluster.client.create(Pod, newPod('a', {}, { rack: 'b' }));
    expect(await nodeOf('a')).toBe('node-2');
    await cluster.client.create(Pod, newPod('b', {}, { rack: 'z' }));
    expect(await refusal('b')).toContain('2 node(s) were in another rack');
    const node = await cluster.client.get(Node, { name: 'node-1' });
    await cluster.client.update(Node, { ...node, metadata: { ...node.metadata, labels: { rack: 'z' } } });
    expect(await nodeOf('b')).toBe('node-1');
  });

  it('leaves gated pods alone until their gates are gone', async () => {
    await createNode(cluster.client, 'node-1');
    const scheduler = await start();
    const gated = await cluster.client.create(Pod, newPod('g', { schedulingGates: [{ name: 'example.com/wait' }] }));
    await waitFor(() => scheduler.queue.counts.unschedulable === 1);
    await cluster.client.patch(Pod, gated.metadata, { merge: { spec: { schedulingGates: null } } });
    expect(await nodeOf('g')).toBe('node-1');
  });
});
