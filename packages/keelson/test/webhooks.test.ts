import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import {
  allow,
  type Client,
  ConfigMap,
  change,
  defineOperator,
  defineResource,
  defineWebhook,
  deny,
  MutatingWebhookConfiguration,
  Namespace,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const Disk = defineResource({
  group: 'webhooks.keelson.dev',
  version: 'v1',
  kind: 'Disk',
  spec: z.object({ size: z.int(), team: z.string().optional(), note: z.string().optional() }),
});

const operator = defineOperator({
  name: 'disks',
  for: Disk,
  mutate: ({ object, user }) =>
    object.spec.team === undefined ? { ...object, spec: { ...object.spec, team: user.name } } : undefined,
  validate({ object, oldObject, operation, dryRun }) {
    if (object.spec.note === 'broken') throw new Error('the rules are away');
    if (operation === 'UPDATE' && object.spec.size < oldObject.spec.size)
      return deny([{ field: 'spec.size', message: `cannot shrink from ${oldObject.spec.size}` }]);
    if (object.spec.size > 1000) return deny('no team has that much');
    return allow({
      warnings: object.spec.size > 100 ? [`${object.spec.size} is a lot${dryRun ? ', to try' : ''}`] : [],
    });
  },
  webhooks: [
    defineWebhook({
      name: 'keep',
      for: Disk,
      operations: ['DELETE'],
      validate: ({ oldObject }) =>
        oldObject.spec.note === 'keep' ? deny('it is kept', { code: 409, reason: 'Conflict' }) : undefined,
    }),
    defineWebhook({
      name: 'labelled',
      for: ConfigMap,
      matchConditions: [{ name: 'asked', expression: "has(object.data) && 'team' in object.data" }],
      mutate: ({ object }) => [
        ...(object.metadata.labels ? [] : [{ op: 'add' as const, path: '/metadata/labels', value: {} }]),
        { op: 'add', path: '/metadata/labels/team', value: object.data?.['team'] ?? '' },
      ],
      validate: async ({ namespace }, { client }) => {
        const { metadata } = await client.get(Namespace, { name: namespace ?? '' });
        return metadata.labels?.['closed'] === undefined ? allow() : deny('the namespace is closed');
      },
    }),
  ],
  uses: [Namespace],
  reconcile: async () => undefined,
});

const namespace = 'default';
const disk = (name: string, spec: { size: number; team?: string; note?: string }) => ({
  metadata: { name, namespace },
  spec,
});

/** What is true on every API server. */
async function useDisks(client: Client): Promise<void> {
  const made = await client.create(Disk, disk('a', { size: 10 }));
  expect(made.spec.team).toMatch(/admin|masters/);
  await expect(client.create(Disk, disk('b', { size: 1001 }))).rejects.toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message: 'admission webhook "validate.disks.webhooks.keelson.dev" denied the request: no team has that much',
  });
}

describe('the webhooks of an operator', () => {
  let cluster: TestCluster | undefined;
  afterEach(() => cluster?.stop());

  it('are asked', async () => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    const { client } = cluster;
    await useDisks(client);
    expect(change({ a: 1 })).toEqual({ allowed: true, object: { a: 1 } });
    await client.list(MutatingWebhookConfiguration);
  });
});
