import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigMap, createClient, httpTransport, loadKubeconfig } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCluster } from '../cluster.ts';
import { parseConfig } from '../config/load.ts';
import { backup } from './backup.ts';
import { restore } from './restore.ts';

describe('keelson backup and restore', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'keelson-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const start = async (name: string) => {
    const config = parseConfig('runtime: simulated\nnetwork: none\nnodes: 0\napi: { port: 0 }');
    const cluster = await createCluster({ config, baseDir: dir, dataDir: join(dir, name), logger: silentLogger });
    await cluster.start(AbortSignal.timeout(60_000));
    return cluster;
  };
  const configMap = (name: string) => ({ metadata: { name, namespace: 'default' } });

  it('carry a cluster over, taken while it runs and is written to', async () => {
    const cluster = await start('one');
    const before = await cluster.client.create(ConfigMap, configMap('before'));
    const file = join(dir, 'backup');
    await backup(file, { dataDir: join(dir, 'one') });
    await cluster.client.create(ConfigMap, configMap('after'));
    await expect(backup(file, { dataDir: join(dir, 'one') })).rejects.toThrow('--force replaces it');
    await expect(restore(file, { dataDir: join(dir, 'one'), force: true })).rejects.toThrow('stop it first');
    const kubeconfig = await readFile(cluster.kubeconfig, 'utf8');
    await cluster.stop();
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    await restore(file, { dataDir: join(dir, 'two') });
    const restored = await start('two');
    const names = (await restored.client.list(ConfigMap, { namespace: 'default' })).items.map(
      (each) => each.metadata.name,
    );
    expect(names).toContain('before');
    expect(names).not.toContain('after');
    const found = await restored.client.get(ConfigMap, { name: 'before', namespace: 'default' });
    expect(found.metadata).toMatchObject({
      uid: before.metadata.uid,
      resourceVersion: before.metadata.resourceVersion,
    });
    // The administrator's old certificate is still good.
    const old = join(dir, 'old');
    await writeFile(old, kubeconfig.replace(/https:\/\/[^\s]+/, restored.url));
    const client = createClient(httpTransport(await loadKubeconfig(old)));
    await client.get(ConfigMap, { name: 'before', namespace: 'default' });
    await restored.stop();

    await expect(restore(file, { dataDir: join(dir, 'two') })).rejects.toThrow('is not empty');
    await backup(join(dir, 'stopped'), { dataDir: join(dir, 'two') });
    await restore(file, { dataDir: join(dir, 'two'), force: true });
    await writeFile(file, (await readFile(file)).subarray(0, 3000));
    await expect(restore(file, { dataDir: join(dir, 'three') })).rejects.toMatchObject({ name: 'UserError' });
    await expect(restore(join(dir, 'none'), { dataDir: join(dir, 'three') })).rejects.toThrow('there is no file');
  });
});
