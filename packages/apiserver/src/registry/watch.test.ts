import { ConfigMap, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { ResourceRegistry } from './resource-registry.ts';

function open(storage = new MemoryStorage()) {
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
  return { storage, registry, client: createClient(inProcessTransport(registry, { name: 'admin', groups: [] })) };
}

const configMap = (name: string, namespace = 'default') => ({ metadata: { name, namespace } });

describe('watches', () => {
  it('stream a list and mark its end', async () => {
    const { client, registry } = open();
    await client.create(ConfigMap, configMap('a'));
    const seen: string[] = [];
    const options = {
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    } as const;
    for await (const { type, object } of client.watch(ConfigMap, options)) {
      seen.push(`${type} ${object.metadata.name ?? ''}`);
      if (type === 'BOOKMARK') {
        expect(object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
        break;
      }
    }
    expect(seen).toEqual(['ADDED a', 'BOOKMARK ']);
    await registry.close();
  });

  it('begin where they are told, also before this process', async () => {
    const first = open();
    const a = await first.client.create(ConfigMap, configMap('a'));
    await first.client.create(ConfigMap, configMap('b'));
    await first.client.create(ConfigMap, configMap('c', 'other'));
    await first.registry.close();
    const second = open(first.storage);
    const seen: string[] = [];
    const options = { namespace: 'default', resourceVersion: a.metadata.resourceVersion };
    for await (const { type, object } of second.client.watch(ConfigMap, options)) {
      seen.push(`${type} ${object.metadata.name}`);
      if (object.metadata.name === 'd') break;
      await second.client.create(ConfigMap, configMap('d'));
    }
    expect(seen).toEqual(['ADDED b', 'ADDED d']);
    await second.registry.close();
  });

  it('are refused from a revision that is forgotten', async () => {
    const { client, registry, storage } = open();
    const a = await client.create(ConfigMap, configMap('a'));
    await registry.close();
    for (const name of ['b', 'c', 'd']) await storage.create(`/registry/configmaps/default/${name}`, Buffer.from('{}'));
    await storage.compact(storage.currentRevision());
    const later = open(storage);
    const watch = async () => {
      for await (const _ of later.client.watch(ConfigMap, { resourceVersion: a.metadata.resourceVersion })) return;
    };
    await expect(watch()).rejects.toMatchObject({ code: 410, reason: 'Expired' });
    const list = later.client.list(ConfigMap, {
      resourceVersion: a.metadata.resourceVersion,
      resourceVersionMatch: 'Exact',
    });
    await expect(list).rejects.toThrow('The resourceVersion for the provided list is too old.');
    await later.registry.close();
  });

  it('end when asked to, and with the registry', async () => {
    const { client, registry } = open();
    const abort = new AbortController();
    const aborted = (async () => {
      for await (const _ of client.watch(ConfigMap, { signal: abort.signal }));
    })();
    const closed = (async () => {
      for await (const _ of client.watch(ConfigMap));
      return 'ended';
    })();
    await client.create(ConfigMap, configMap('a'));
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await registry.close();
    expect(await closed).toBe('ended');
  });

  it('wait for a revision that is to come, and say so when it does not', async () => {
    const { client, registry } = open();
    await expect(client.list(ConfigMap, { resourceVersion: '99' })).rejects.toMatchObject({
      code: 504,
      message: expect.stringContaining('Timeout: Too large resource version: 99, current: '),
    });
    await registry.close();
  });
});
