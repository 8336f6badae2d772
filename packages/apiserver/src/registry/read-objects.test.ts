import { ConfigMap, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { ResourceRegistry } from './resource-registry.ts';

describe('lists in pages', () => {
  let storage: MemoryStorage;
  let registry: ResourceRegistry;
  const client = () => createClient(inProcessTransport(registry, { name: 'admin', groups: [] }));
  beforeEach(async () => {
    storage = new MemoryStorage();
    registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: silentLogger });
    for (let at = 0; at < 10; at++) {
      await client().create(ConfigMap, {
        metadata: { name: `c${at}`, namespace: 'default', labels: { odd: String(at % 2 === 1) } },
      });
    }
  });
  afterEach(() => registry.close());
  const names = (list: { items: readonly { metadata: { name?: string } }[] }) =>
    list.items.map((each) => each.metadata.name);

  it('stay as they were when they began', async () => {
    const first = await client().list(ConfigMap, { limit: 4 });
    expect([names(first), first.metadata.remainingItemCount]).toEqual([['c0', 'c1', 'c2', 'c3'], 6]);
    await client().delete(ConfigMap, { name: 'c5', namespace: 'default' });
    await client().create(ConfigMap, { metadata: { name: 'c41', namespace: 'default' } });
    const second = await client().list(ConfigMap, { limit: 4, continue: first.metadata.continue });
    expect(names(second)).toEqual(['c4', 'c5', 'c6', 'c7']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const third = await client().list(ConfigMap, { continue: second.metadata.continue });
    expect([names(third), third.metadata.continue]).toEqual([['c8', 'c9'], undefined]);
  });

  it('go on with what there is, where what was is forgotten', async () => {
    const first = await client().list(ConfigMap, { limit: 4 });
    await client().delete(ConfigMap, { name: 'c5', namespace: 'default' });
    await storage.compact(storage.currentRevision());
    const refused = await client()
      .list(ConfigMap, { limit: 4, continue: first.metadata.continue })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 410, reason: 'Expired' });
    const { status } = refused as { status: { metadata: { continue: string } } };
    const second = await client().list(ConfigMap, { limit: 4, continue: status.metadata.continue });
    expect(names(second)).toEqual(['c4', 'c6', 'c7', 'c8']);
    const third = await client().list(ConfigMap, { continue: second.metadata.continue });
    expect(names(third)).toEqual(['c9']);
  });

  it('hold as many as asked for, however few a selector finds', async () => {
    const first = await client().list(ConfigMap, { limit: 2, labelSelector: 'odd=true' });
    expect([names(first), first.metadata.remainingItemCount]).toEqual([['c1', 'c3'], undefined]);
    const second = await client().list(ConfigMap, {
      limit: 3,
      labelSelector: 'odd=true',
      continue: first.metadata.continue,
    });
    expect([names(second), second.metadata.continue]).toEqual([['c5', 'c7', 'c9'], undefined]);
  });
});
