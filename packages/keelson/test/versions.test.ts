import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import {
  type Client,
  ConfigMap,
  CustomResourceDefinition,
  createClient,
  defineOperator,
  defineVersions,
  httpTransport,
  loadKubeconfig,
  Namespace,
  runOperator,
  systemClock,
} from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const Shop = defineVersions({
  group: 'versions.keelson.dev',
  kind: 'Shop',
  hub: 'v1',
  versions: {
    v1: {
      spec: z.object({ sign: z.object({ text: z.string(), lit: z.boolean().default(false) }) }),
      status: z.object({ seen: z.string() }),
    },
    v1alpha1: {
      spec: z.object({ sign: z.string(), rows: z.int().default(1) }),
      status: z.object({ sign: z.string() }),
      deprecated: 'Shops of v1alpha1 are read until 2.0',
    },
  },
  conversions: {
    v1alpha1: {
      toHub: ({ spec, status, metadata: { annotations } }) => ({
        spec: { sign: { text: spec.sign, lit: annotations?.['lit'] === 'true' } },
        status: status?.sign === undefined ? undefined : { seen: status.sign },
        metadata: { annotations: { ...annotations, rows: String(spec.rows) } },
      }),
      fromHub: ({ spec, status, metadata: { annotations, name } }) => {
        if (name === 'bad') throw new Error('it cannot be said in v1alpha1');
        return {
          spec: { sign: spec.sign.text, rows: Number(annotations?.['rows'] ?? 1) },
          status: status?.seen === undefined ? undefined : { sign: status.seen },
          metadata: { annotations: { ...annotations, lit: String(spec.sign.lit) } },
        };
      },
    },
  },
});

const operator = defineOperator({
  name: 'shop',
  for: Shop.v1,
  owns: [ConfigMap],
  async reconcile({ spec }, { apply, setStatus }) {
    await apply(ConfigMap, { data: { text: spec.sign.text, lit: String(spec.sign.lit) } });
    setStatus({ seen: spec.sign.text });
  },
});
/** What is true on every API server. */
async function useBothVersions(client: Client, namespace: string): Promise<void> {
  const ref = { name: 'corner', namespace };
  const opened = { metadata: ref, spec: { sign: 'OPEN', rows: 2 } };
  await waitFor(() => client.create(Shop.v1alpha1, opened), { what: 'the kind to be served' });
  await waitFor(async () => (await client.get(Shop.v1alpha1, ref)).status?.sign === 'OPEN', { what: 'the status' });
  expect((await client.get(ConfigMap, ref)).data).toEqual({ text: 'OPEN', lit: 'false' });
  expect((await client.get(Shop.v1, ref)).spec).toEqual({ sign: { text: 'OPEN', lit: false } });
  await client.patch(Shop.v1, ref, { merge: { spec: { sign: { lit: true } } } });
  await client.patch(Shop.v1alpha1, ref, { merge: { spec: { sign: 'CLOSED' } } });
  expect((await client.get(Shop.v1alpha1, ref)).spec).toEqual({ sign: 'CLOSED', rows: 2 });
  expect((await client.get(Shop.v1, ref)).spec).toEqual({ sign: { text: 'CLOSED', lit: true } });
  await client.patch(Shop.v1alpha1, ref, { apply: { spec: { rows: 7 } }, fieldManager: 'me', force: true });
  expect((await client.get(Shop.v1alpha1, ref)).spec).toEqual({ sign: 'CLOSED', rows: 7 });
  const { items } = await client.list(Shop.v1alpha1, { namespace });
  expect(items.map(({ spec }) => spec.sign)).toEqual(['CLOSED']);
  const bad = { name: 'bad', namespace };
  await client.create(Shop.v1, { metadata: bad, spec: { sign: { text: 'x', lit: false } } });
  await expect(client.get(Shop.v1alpha1, bad)).rejects.toThrow(
    `conversion webhook for versions.keelson.dev/v1, Kind=Shop failed: ${namespace}/bad: it cannot be said in v1alpha1`,
  );
  await client.delete(Shop.v1, bad);
}

describe('several versions of a custom resource', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  it('are converted by the process of the operator, which works with its own', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    await useBothVersions(cluster.client, 'default');
  });

  it('have the address and the authority of the process in their definition', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    const { spec } = await cluster.client.get(CustomResourceDefinition, { name: 'shops.versions.keelson.dev' });
    const { clientConfig, conversionReviewVersions } = spec.conversion?.webhook ?? {};
    expect(conversionReviewVersions).toEqual(['v1']);
    expect(clientConfig?.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/convert\/shops\.versions\.keelson\.dev$/);
    expect(Buffer.from(clientConfig?.caBundle ?? '', 'base64').toString()).toContain('BEGIN CERTIFICATE');
  });
});

/** Set it to the kubeconfig of a cluster on this machine that may be written to. */
const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

it.skipIf(!kubeconfig)('are converted for a real cluster by kubeconfig', async () => {
  const transport = httpTransport(await loadKubeconfig(kubeconfig));
  const client = createClient(transport);
  const namespace = `keelson-test-${systemClock.now().toString(36)}`;
  await client.create(Namespace, { metadata: { name: namespace }, spec: {} });
  const stop = new AbortController();
  const running = runOperator(operator, {
    ...(kubeconfig && { kubeconfig }),
    logger: silentLogger,
    signal: stop.signal,
  });
  try {
    await useBothVersions(client, namespace);
  } finally {
    await client.delete(Namespace, { name: namespace });
    // While somebody converts: the server converts what it deletes.
    await client.delete(CustomResourceDefinition, { name: 'shops.versions.keelson.dev' });
    stop.abort();
    await running;
    transport.close();
  }
});
