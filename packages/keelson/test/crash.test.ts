import { ConfigMap, createClient, httpTransport, isStatusError, loadKubeconfig } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess } from './cluster-process.ts';

describe('kill -9', () => {
  let cluster: ClusterProcess;
  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '0'] });
  });
  afterAll(() => cluster?.remove());

  it('amid a thousand concurrent writes loses nothing that was acknowledged, and leaves nothing half', async () => {
    const client = createClient(httpTransport(await loadKubeconfig(cluster.kubeconfig)));
    const text = 'x'.repeat(2000);
    const acknowledged = new Set<string>();
    const writes = Array.from({ length: 1000 }, async (_, index) => {
      try {
        await client.create(ConfigMap, {
          metadata: { name: `c${index}`, namespace: 'default' },
          data: { index: String(index), text },
        });
        acknowledged.add(`c${index}`);
        if (acknowledged.size === 300) void cluster.kill();
      } catch (error) {
        // Cut off by the kill: not acknowledged, so it may or may not be there.
        if (isStatusError(error)) throw error;
      }
    });
    await Promise.all(writes);
    await cluster.kill();
    expect(acknowledged.size).toBeGreaterThanOrEqual(300);
    expect(acknowledged.size).toBeLessThan(1000);

    await cluster.restart();
    const after = createClient(httpTransport(await loadKubeconfig(cluster.kubeconfig)));
    const stored = await after.list(ConfigMap, { namespace: 'default' });
    const found = new Map(stored.items.map((each) => [each.metadata.name, each]));
    expect([...acknowledged].filter((name) => !found.has(name))).toEqual([]);
    for (const [name, object] of found) {
      if (!name.startsWith('c')) continue;
      expect(object.data).toEqual({ index: name.slice(1), text });
      expect(object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
