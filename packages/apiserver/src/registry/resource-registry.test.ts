import { ConfigMap, type KubernetesObject, Pod, type ResourceType, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { ResourceRegistry } from './resource-registry.ts';

function open(random = systemRandom) {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random,
    logger: silentLogger,
  });
  return {
    registry,
    client: createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] })),
  };
}

describe('the registry', () => {
  it('creates, reads, lists, updates, patches and deletes', async () => {
    const { client } = open();
    const ref = { namespace: 'default', name: 'a' };
    const created = await client.create(ConfigMap, { metadata: ref, data: { k: 'v' } });
    expect(created.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(await client.get(ConfigMap, ref)).toBe(created);
    const updated = await client.update(ConfigMap, { ...created, data: { k: 'w' } });
    expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
    await expect(client.update(ConfigMap, created)).rejects.toMatchObject({ code: 409 });
    const patched = await client.patch(ConfigMap, ref, { merge: { data: { k: null, l: 'x' } } });
    expect(patched.data).toEqual({ l: 'x' });
    expect((await client.list(ConfigMap, { namespace: 'default' })).items).toEqual([patched]);
    await client.delete(ConfigMap, ref);
    await expect(client.get(ConfigMap, ref)).rejects.toMatchObject({ code: 404, message: 'configmaps "a" not found' });
  });

  it('tries eight names for a prefix before it says that one exists', async () => {
    let same = 0;
    const { client } = open(() => (same-- > 0 ? 0 : systemRandom()));
    const create = () => client.create(ConfigMap, { metadata: { namespace: 'default', generateName: 'x-' } });
    // Of a name and a uid, and of the names that come after it.
    same = 40;
    const first = await create();
    same = 40;
    const second = await create();
    expect(first.metadata.name).toBe('x-bbbbb');
    expect(second.metadata.name).toMatch(/^x-/);
    expect(second.metadata.name).not.toBe(first.metadata.name);
    same = Number.POSITIVE_INFINITY;
    await expect(create()).rejects.toMatchObject({ code: 409, message: 'configmaps "x-bbbbb" already exists' });
  });

  it('watches from the beginning and tells what comes and goes', async () => {
    const { client, registry } = open();
    await client.create(ConfigMap, { metadata: { namespace: 'default', name: 'a', labels: { on: 'yes' } } });
    const seen: string[] = [];
    const abort = new AbortController();
    const watching = (async () => {
      for await (const event of client.watch(ConfigMap, { labelSelector: 'on=yes', signal: abort.signal })) {
        seen.push(`${event.type} ${event.object.metadata.name}`);
        if (event.type === 'DELETED' && event.object.metadata.name === 'b') return;
      }
    })();
    await client.create(ConfigMap, { metadata: { namespace: 'default', name: 'b' } });
    await client.patch(
      ConfigMap,
      { namespace: 'default', name: 'b' },
      { merge: { metadata: { labels: { on: 'yes' } } } },
    );
    await client.patch(
      ConfigMap,
      { namespace: 'default', name: 'a' },
      { merge: { metadata: { labels: { on: 'no' } } } },
    );
    await client.delete(ConfigMap, { namespace: 'default', name: 'b' });
    await watching;
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'DELETED a', 'DELETED b']);
    await registry.close();
  });

  it('pages through a list as of one revision', async () => {
    const { client } = open();
    for (const name of ['a', 'b', 'c']) await client.create(ConfigMap, { metadata: { namespace: 'default', name } });
    const first = await client.list(ConfigMap, { limit: 2 });
    expect(first.metadata.remainingItemCount).toBe(1);
    await client.create(ConfigMap, { metadata: { namespace: 'default', name: 'd' } });
    const second = await client.list(ConfigMap, { limit: 2, continue: first.metadata.continue ?? '' });
    expect(second.items.map((each) => each.metadata.name)).toEqual(['c']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('encodes what it stores once, with the resourceVersion in its slot', async () => {
    const { client, registry } = open();
    await client.create(ConfigMap, { metadata: { namespace: 'default', name: 'a' }, data: { k: 'v' } });
    const answer = await registry.handle(
      { verb: 'get', group: '', version: 'v1', resource: 'configmaps', namespace: 'default', name: 'a' },
      { name: 'admin', groups: [] },
    );
    if (answer.type !== 'object') throw new Error('not an object');
    expect(JSON.parse(Buffer.from(answer.value.json).toString())).toEqual(answer.value.object);
  });

  it('says what is wrong with a body in the words of Kubernetes', async () => {
    const { client } = open();
    const bad = { metadata: { namespace: 'default', name: 'x' }, spec: { containers: [{ name: 'a', image: 3 }] } };
    await expect(client.create(Pod as ResourceType<KubernetesObject>, bad)).rejects.toThrow(
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string',
    );
  });
});
