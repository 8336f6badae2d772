import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ReplayError,
  type Replayed,
  readRecording,
  replay,
  type TestCluster,
  testCluster,
} from '@keelson/apiserver/testing';
import { type Client, ConfigMap, deepEqual, isStatusError, type Operator, runOperator, Secret } from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayRecording } from '../src/commands/replay.ts';
import { replayText } from '../src/commands/replay-text.ts';
import invariants from './planted/invariants.ts';
import { careful, catalogue, forgetful, mended, overwriting, Shop, type Supplier } from './planted/shop.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-replay-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Runs an operator over sockets while `act` goes on, and records it. */
async function record(cluster: TestCluster, operator: Operator, act: () => Promise<unknown>): Promise<string> {
  const kubeconfig = join(directory, 'kubeconfig');
  const recordings = join(directory, 'recordings');
  await writeFile(kubeconfig, cluster.kubeconfig ?? '', { mode: 0o600 });
  const stop = new AbortController();
  const running = runOperator(operator, {
    kubeconfig,
    record: recordings,
    logger: silentLogger,
    development: false,
    signal: stop.signal,
  });
  try {
    await act();
  } finally {
    stop.abort();
    await running;
  }
  return recordings;
}

describe('a recording', { timeout: 120_000 }, () => {
  it('shows the same violation as production, and none once the operator is mended', async () => {
    await using cluster = await testCluster({ socket: true });
    const { client } = cluster;
    await client.create(ConfigMap, { metadata: catalogue });
    await client.create(Secret, {
      metadata: { name: 'till', namespace: 'default' },
      stringData: { pin: 'not to be told' },
    });
    const recordings = await record(cluster, forgetful(), async () => {
      const shop = (name: string) => ({ name, namespace: 'default' });
      await waitFor(() => served(client), { what: 'the definition' });
      await client.create(Shop, { metadata: shop('corner'), spec: { size: 1 } });
      await waitFor(() => client.get(ConfigMap, shop('corner')), { what: 'the child' });
      await client.create(Shop, { metadata: shop('market'), spec: { size: 2 } });
      await waitFor(() => client.get(ConfigMap, shop('market')), { what: 'the other child' });
      await client.patch(Shop, shop('market'), { merge: { spec: { size: 3 } } });
      await waitFor(async () => (await client.get(ConfigMap, shop('market'))).data?.['size'] === '3');
      await client.delete(Shop, shop('corner'));
      await waitFor(() =>
        client.get(Shop, shop('corner')).then(
          () => false,
          (error) => isStatusError(error, 'NotFound'),
        ),
      );
      // It has seen that, too.
      await client.patch(Shop, shop('market'), { merge: { spec: { size: 4 } } });
      await waitFor(async () => (await client.get(ConfigMap, shop('market'))).data?.['size'] === '4');
    });

    const [file = ''] = await readdir(recordings);
    expect((await stat(join(recordings, file))).mode & 0o777).toBe(0o600);
    const text = await readFile(join(recordings, file), 'utf8');
    expect(text).toContain('"name":"till"');
    expect(text).not.toContain(Buffer.from('not to be told').toString('base64'));

    const recording = await readRecording(recordings);
    const then = (operator: () => Operator): Replayed => ({
      operators: () => [operator()],
      calmMs: 30_000,
      ...invariants,
    });
    const found = await replay(recording, then(forgetful), { shrinkRuns: 20 }).catch((error: unknown) => error);
    if (!(found instanceof ReplayError)) throw found;
    expect(found.invariant).toBe('the catalogue lists the shops that there are');
    expect(found.message).toContain('corner instead of');
    expect(found.report.differences).toEqual([]);

    // The same by the command.
    const planted = (name: string) => fileURLToPath(new URL(`planted/${name}`, import.meta.url));
    let told = '';
    const flags = { invariants: planted('invariants.ts'), shrinkRuns: 20 };
    const well = await replayRecording(recordings, planted('shop.ts'), flags, (more) => (told += more));
    expect(well).toBe(false);
    expect(told).toMatch(
      /^shop, recorded from .*: \d+ reconciles then, \d+ now\.\nIt writes what it wrote then\.\n\nthe catalogue lists/,
    );

    const report = await replay(recording, then(mended));
    expect(replayText(report)).toContain(
      'because Shop default/corner was updated:\n    now it writes, and did not then: patch configmaps default/catalogue\n      data: nothing → {"corner":null}\n',
    );
    expect(report.differences.map(({ key, what, replayed }) => [key, what, replayed])).toEqual([
      ['default/corner', 'extra', 'patch shops default/corner'],
      ['default/market', 'extra', 'patch shops default/market'],
      ['default/corner', 'extra', 'patch configmaps default/catalogue'],
      ['default/corner', 'extra', 'patch shops default/corner'],
    ]);
    expect(report.differences[2]).toMatchObject({
      because: 'Shop default/corner was updated',
      fields: ['data: nothing → {"corner":null}'],
    });
    expect(report.unplayed).toEqual([]);
  });

  it('has changes by others where they were between what the operator read and wrote, and its restarts', async () => {
    await using cluster = await testCluster({ socket: true });
    const { client } = cluster;
    const shop = { name: 'corner', namespace: 'default' };
    await client.create(ConfigMap, { metadata: catalogue, data: { owner: 'nobody' } });
    const until = (data: Record<string, string>) =>
      waitFor(async () => deepEqual((await client.get(ConfigMap, catalogue)).data, data), {
        what: JSON.stringify(data),
      });
    let arrived: (() => void) | undefined;
    const slow: Supplier = { order: (size) => (size === 2 ? new Promise((resolve) => (arrived = resolve)) : soon()) };
    await record(cluster, overwriting(slow), async () => {
      await waitFor(() => served(client), { what: 'the definition' });
      await client.create(Shop, { metadata: shop, spec: { size: 1 } });
      await until({ owner: 'nobody', size: '1' });
    });
    const recordings = await record(cluster, overwriting(slow), async () => {
      await client.patch(Shop, shop, { merge: { spec: { size: 2 } } });
      const arrive = await waitFor(() => arrived, { what: 'the order' });
      await client.patch(ConfigMap, catalogue, { merge: { data: { owner: 'somebody' } } });
      arrive();
      await until({ owner: 'nobody', size: '2' });
    });
    expect(await readdir(recordings)).toHaveLength(2);

    const recording = await readRecording(recordings);
    const kept: Replayed['finally'] = {
      'what others wrote is kept': async ({ client: seen }) => {
        const { data } = await seen.get(ConfigMap, catalogue);
        if (data?.['owner'] !== 'somebody') return JSON.stringify(data);
      },
    };
    const at = { order: soon };
    // Without what somebody wrote there is nothing to be kept: no part of the recording says more than all of it.
    const whole = { shrinkRuns: 0 };
    const found = await replay(recording, { operators: () => [overwriting(at)], finally: kept }, whole).catch(
      (error: unknown) => error,
    );
    if (!(found instanceof ReplayError)) throw found;
    expect(found.message).toContain('{"owner":"nobody","size":"2"}');
    expect(found.report.differences).toEqual([]);
    const report = await replay(recording, { operators: () => [careful(at)], finally: kept }, whole);
    const instead = ['changed', 'update configmaps default/catalogue', 'patch configmaps default/catalogue'];
    expect(report.differences.map(({ what, recorded, replayed }) => [what, recorded, replayed])).toEqual([
      instead,
      instead,
    ]);
  });
});

const soon = async () => undefined;

const served = (client: Client) =>
  client.list(Shop).then(
    () => true,
    () => false,
  );
