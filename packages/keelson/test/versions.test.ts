import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import { ConfigMap, CustomResourceDefinition, defineOperator, defineVersions } from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { waitFor } from '@keelson/core/testing';
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
const ref = { name: 'corner', namespace: 'default' };

describe('several versions of a custom resource', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });

  it('are converted by the process of the operator, which works with its own', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    const { client } = cluster;
    await client.create(Shop.v1alpha1, { metadata: ref, spec: { sign: 'OPEN', rows: 2 } });
    await waitFor(async () => (await client.get(Shop.v1alpha1, ref)).status?.sign === 'OPEN', { what: 'the status' });
    expect((await client.get(ConfigMap, ref)).data).toEqual({ text: 'OPEN', lit: 'false' });
    expect((await client.get(Shop.v1, ref)).spec).toEqual({ sign: { text: 'OPEN', lit: false } });
    await client.patch(Shop.v1, ref, { merge: { spec: { sign: { lit: true } } } });
    const old = await client.get(Shop.v1alpha1, ref);
    expect(old.spec).toEqual({ sign: 'OPEN', rows: 2 });
    await client.update(Shop.v1alpha1, { ...old, spec: { ...old.spec, sign: 'CLOSED' } });
    expect((await client.get(Shop.v1, ref)).spec).toEqual({ sign: { text: 'CLOSED', lit: true } });
    await client.patch(Shop.v1alpha1, ref, { apply: { spec: { rows: 7 } }, fieldManager: 'me', force: true });
    expect((await client.get(Shop.v1alpha1, ref)).spec).toEqual({ sign: 'CLOSED', rows: 7 });
    const { items } = await client.list(Shop.v1alpha1);
    expect(items.map(({ spec }) => spec.sign)).toEqual(['CLOSED']);
  });

  it('say why an object cannot be converted', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    const { client } = cluster;
    const bad = { name: 'bad', namespace: 'default' };
    await client.create(Shop.v1, { metadata: bad, spec: { sign: { text: 'x', lit: false } } });
    await expect(client.get(Shop.v1alpha1, bad)).rejects.toThrow(
      'conversion webhook for versions.keelson.dev/v1, Kind=Shop failed: default/bad: it cannot be said in v1alpha1',
    );
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
