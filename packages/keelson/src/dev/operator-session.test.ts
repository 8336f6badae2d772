import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestCluster } from '@keelson/apiserver';
import {
  ConfigMap,
  defineOperator,
  defineResource,
  deny,
  Secret,
  systemClock,
  ValidatingWebhookConfiguration,
} from '@keelson/core';

import { silentLogger, waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { OperatorSession, watchSources } from './index.ts';

const Shop = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ size: z.int() }),
});
const ref = { name: 'corner', namespace: 'default' };

it('swaps operators while the caches go on, each with the rights that it declares', async () => {
  const cluster = await startTestCluster();
  const { client, api } = cluster;
  const session = new OperatorSession({
    clients: api.clients,
    admin: client,
    clock: systemClock,
    logger: silentLogger,
    health: 0,
  });
  const shop = (text: string) =>
    defineOperator({
      name: 'shop',
      for: Shop,
      owns: [ConfigMap],
      async reconcile({ spec }, { apply }) {
        await apply(ConfigMap, { data: { text: `${text} ${spec.size}` } });
      },
    });
  const text = async () => (await client.get(ConfigMap, ref)).data?.['text'];
  try {
    await session.replace([shop('old')]);
    await client.create(Shop, { metadata: ref, spec: { size: 1 } });
    await waitFor(async () => (await text()) === 'old 1', { what: 'the old code' });
    const traces = `http://127.0.0.1:${session.healthPort}/debug/traces`;
    await waitFor(async () => (await (await fetch(traces)).text()).includes('"key":"default/corner"'), {
      what: 'the trace',
    });
    await session.replace([shop('new')]);
    await waitFor(async () => (await text()) === 'new 1', { what: 'the new code' });
    const keeper = defineOperator({
      name: 'shop',
      for: Shop,
      owns: [Secret],
      async reconcile(_, { apply }) {
        await apply(Secret, { stringData: { key: 'x' } });
      },
    });
    await session.replace([keeper]);
    await waitFor(() => client.get(Secret, ref), { what: 'what the new rights allow' });
  } finally {
    await session.stop();
    await cluster.stop();
  }
});

it('swaps webhooks as well, and leaves none behind', async () => {
  const cluster = await startTestCluster();
  const { client, api } = cluster;
  const session = new OperatorSession({
    clients: api.clients,
    admin: client,
    clock: systemClock,
    logger: silentLogger,
  });
  const policy = (most: number) =>
    defineOperator({
      name: 'shop',
      for: Shop,
      validate: ({ object }) => (object.spec.size > most ? deny(`at most ${most}`) : undefined),
    });
  const open = (name: string, size: number) =>
    client.create(Shop, { metadata: { name, namespace: 'default' }, spec: { size } });
  const names = async () =>
    (await client.list(ValidatingWebhookConfiguration)).items.map(({ metadata }) => metadata.name);
  try {
    await session.replace([policy(1)]);
    await expect(open('two', 2)).rejects.toThrow('denied the request: at most 1');
    await session.replace([policy(2)]);
    await open('two', 2);
    await expect(open('three', 3)).rejects.toThrow('denied the request: at most 2');
    expect(await names()).toEqual(['shop.tests.keelson.dev']);
    await session.stop();
    expect(await names()).toEqual([]);
  } finally {
    await session.stop();
    await cluster.stop();
  }
});

it('tells of changed sources, once they are quiet, and of nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sources-'));
  const told: string[] = [];
  const unwatch = watchSources(folder, systemClock, (file) => told.push(file));
  try {
    await writeFile(join(folder, 'notes.txt'), 'x');
    for (let each = 0; each < 5; each += 1) await writeFile(join(folder, 'operator.ts'), `export default ${each};`);
    await waitFor(() => told.length > 0, { what: 'the change' });
    expect(told).toEqual(['operator.ts']);
  } finally {
    unwatch();
    await rm(folder, { recursive: true });
  }
});
