import {
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  CustomResourceDefinition,
  defineOperator,
  defineResource,
  isStatusError,
  Namespace,
  Pod,
  Secret,
} from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestCluster, testCluster } from './test-cluster.ts';

const Note = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Note',
  spec: z.object({ text: z.string().max(5) }),
  status: z.object({ length: z.int() }),
});
const operator = defineOperator({
  name: 'note',
  for: Note,
  owns: [ConfigMap],
  async reconcile({ spec }, { apply, setStatus }) {
    await apply(ConfigMap, { data: { text: spec.text } });
    setStatus({ length: spec.text.length });
  },
}) as AnyPlugin;

const ref = (name: string) => ({ name, namespace: 'default' });
const map = (name: string) => ({ metadata: ref(name) });
const note = (name: string, text = 'hi') => ({ metadata: ref(name), spec: { text } });

describe('a cluster for tests', () => {
  const clusters: TestCluster[] = [];
  const kept = async (starting: Promise<TestCluster>) => {
    const cluster = await starting;
    clusters.push(cluster);
    return cluster;
  };
  afterEach(async () => {
    await Promise.all(clusters.splice(0).map((each) => each.stop()));
  });
  const names = async ({ client }: TestCluster) =>
    (await client.list(ConfigMap, { namespace: 'default' })).items.map(({ metadata: { name } }) => name);

  it('begins as every cluster does, and has nothing of others', async () => {
    const [a, b] = await Promise.all([kept(testCluster()), kept(testCluster())]);
    await a.client.create(ConfigMap, map('only-in-a'));
    expect(await names(a)).toEqual(['only-in-a']);
    expect(await names(b)).toEqual([]);
    for (const { client } of [a, b]) {
      const { items } = await client.list(Namespace);
      expect(items.map(({ metadata: { name } }) => name)).toEqual([
        'default',
        'kube-node-lease',
        'kube-public',
        'kube-system',
      ]);
    }
  });

  it('forks: what is there is in both, and what is written later only where it was written', async () => {
    const original = await kept(testCluster());
    await original.client.create(ConfigMap, map('before'));
    const fork = await kept(original.fork());
    const [inOriginal, inFork] = await Promise.all([
      original.client.create(ConfigMap, map('in-original')),
      fork.client.create(ConfigMap, map('in-fork')),
    ]);
    expect(await names(original)).toEqual(['before', 'in-original']);
    expect(await names(fork)).toEqual(['before', 'in-fork']);
    expect(inFork.metadata.resourceVersion).toBe(inOriginal.metadata.resourceVersion);
    await fork.client.delete(ConfigMap, ref('before'));
    const again = await kept(fork.fork());
    expect(await names(again)).toEqual(['in-fork']);
    expect(await names(original)).toEqual(['before', 'in-original']);
    await original.stop();
    await fork.client.create(ConfigMap, map('later'));
    expect(await names(fork)).toEqual(['in-fork', 'later']);
  });

  it('forks custom kinds, roles, and operators that are started anew', async () => {
    const original = await kept(testCluster({ plugins: [operator] }));
    await original.client.create(Note, note('one'));
    await original.eventually(() => original.client.get(ConfigMap, ref('one')));
    const [quiet, busy] = [await kept(original.fork()), await kept(original.fork({ plugins: 'same' }))];
    await quiet.client.create(Note, note('two'));
    await busy.client.create(Note, note('two'));
    await busy.waitFor(async () => (await busy.client.get(Note, ref('two'))).status?.length === 2);
    expect(await names(quiet)).toEqual(['one']);
    expect(await names(busy)).toEqual(['one', 'two']);
    expect(busy.traces.list().length).toBeGreaterThan(0);
    const refused = quiet.client.create(Note, note('three', 'too long'));
    await expect(refused).rejects.toThrow('spec.text: Too long: may not be more than 5 bytes');
  });

  it('holds users of a fork to its own roles', async () => {
    const original = await kept(testCluster());
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }];
    await original.client.create(ClusterRole, { metadata: { name: 'writer' }, rules });
    const fork = await kept(original.fork());
    await fork.client.create(ClusterRoleBinding, {
      metadata: { name: 'jane' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writer' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
    });
    const create = ({ api }: TestCluster) => api.clients.as({ name: 'jane' }).create(ConfigMap, map('of-jane'));
    await fork.eventually(() => create(fork));
    await expect(create(original)).rejects.toThrow('User "jane" cannot create resource "configmaps"');
  });

  it('knows in a fork which objects a node may see', async () => {
    const original = await kept(testCluster({ registry: { disabledAdmission: ['ServiceAccount'] } }));
    for (const name of ['mounted', 'other']) await original.client.create(Secret, { metadata: ref(name) });
    await original.client.create(Pod, {
      metadata: ref('pod'),
      spec: {
        nodeName: 'node-a',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', secret: { secretName: 'mounted' } }],
      },
    });
    const fork = await kept(original.fork());
    const node = fork.api.clients.as({ name: 'system:node:node-a', groups: ['system:nodes'] });
    expect((await node.get(Secret, ref('mounted'))).metadata.name).toBe('mounted');
    await expect(node.get(Secret, ref('other'))).rejects.toThrow('no relationship found between node');
  });

  it('lets watches of a fork go on from where one of the original was', async () => {
    const original = await kept(testCluster());
    const { metadata } = await original.client.list(ConfigMap, { namespace: 'default' });
    await original.client.create(ConfigMap, map('one'));
    const fork = await kept(original.fork());
    await fork.client.create(ConfigMap, map('two'));
    const seen: string[] = [];
    const options = { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '' };
    for await (const event of fork.client.watch(ConfigMap, options)) {
      if (event.type === 'BOOKMARK') continue;
      seen.push(`${event.type} ${event.object.metadata.name}`);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['ADDED one', 'ADDED two']);
  });

  it('answers 410 once it is compacted, and goes on serving custom kinds', async () => {
    const cluster = await kept(testCluster({ plugins: [operator] }));
    await cluster.client.create(Note, note('one'));
    const { metadata } = await cluster.client.list(ConfigMap, { namespace: 'default' });
    await cluster.compact();
    const next = async () => {
      const options = { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '' };
      for await (const event of cluster.client.watch(ConfigMap, options)) return event;
      return undefined;
    };
    await expect(next().catch((error: unknown) => isStatusError(error, 'Expired', 'Gone'))).resolves.toBe(true);
    await cluster.client.create(Note, note('two'));
    await cluster.eventually(() => cluster.client.get(ConfigMap, ref('two')));
    const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' };
    const schema = { openAPIV3Schema: { type: 'object' } };
    await cluster.client.create(CustomResourceDefinition, {
      metadata: { name: 'things.tests.keelson.dev' },
      spec: {
        group: 'tests.keelson.dev',
        names,
        scope: 'Namespaced',
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    await cluster.waitFor(
      async () =>
        (
          await cluster.client.get(CustomResourceDefinition, { name: 'things.tests.keelson.dev' })
        ).status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True'),
      { what: 'a kind that is defined after the compaction' },
    );
  });

  it('tells in the end why it did not come to pass', async () => {
    const cluster = await kept(testCluster());
    const attempt = cluster.eventually(() => cluster.client.get(ConfigMap, ref('none')), { timeoutMs: 30 });
    await expect(attempt).rejects.toThrow('configmaps "none" not found');
  });

  it('opens a port for a fork that asks for one', async () => {
    const original = await kept(testCluster());
    await original.client.create(ConfigMap, map('before'));
    const fork = await kept(original.fork({ socket: true }));
    expect(fork.kubeconfig).toContain('https://127.0.0.1:');
    expect(await names(fork)).toEqual(['before']);
  });

  it('keeps nothing of hundreds of forks that have stopped', async () => {
    const original = await kept(testCluster());
    await original.client.create(ConfigMap, { ...map('large'), data: { text: 'x'.repeat(500_000) } });
    const gone: WeakRef<object>[] = [];
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    for (let count = 0; count < 300; count++) {
      const fork = await original.fork();
      if (count % 30 === 0) {
        await fork.client.create(ConfigMap, map('own'));
        gone.push(new WeakRef(fork.api));
      }
      await fork.stop();
    }
    expect(timers() - before).toBeLessThan(10);
    expect(await names(original)).toEqual(['large']);
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    await original.waitFor(
      () => {
        collect();
        return gone.filter((each) => each.deref() !== undefined).length <= 1;
      },
      { what: 'stopped forks to be collected' },
    );
  });
});
