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
import { expect } from 'vitest';
import { z } from 'zod';
import { command } from './cluster-process.ts';
import { Website } from './versioned-website.ts';

export const Disk = defineResource({
  group: 'webhooks.keelson.dev',
  version: 'v1',
  kind: 'Disk',
  spec: z.object({ size: z.int(), team: z.string().optional(), note: z.string().optional() }),
});

/** Whether the signal of a request that took too long has aborted. */
export const seen = { aborted: false };

/** Webhooks of all sorts, and nothing else. */
export const diskOperator = defineOperator({
  name: 'disks',
  for: Disk,
  mutate: ({ object, user }) =>
    object.spec.team === undefined ? { ...object, spec: { ...object.spec, team: user.name } } : undefined,
  async validate({ object, oldObject, operation, dryRun, signal }) {
    if (object.spec.note === 'broken') throw new Error('the rules are away');
    if (object.spec.note === 'slow') {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      seen.aborted = true;
    }
    if (operation === 'UPDATE' && object.spec.size < oldObject.spec.size) {
      return deny([
        { field: 'spec.size', message: `cannot shrink from ${oldObject.spec.size}` },
        { field: 'spec.note', message: 'does not say why', type: 'FieldValueRequired' },
      ]);
    }
    if (object.spec.size > 1000) return deny('no team has that much');
    const much = `${object.spec.size} is a lot${dryRun ? ', to try' : ''}`;
    return allow({ warnings: object.spec.size > 100 ? [much] : [] });
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
      name: 'loose',
      for: Disk,
      failurePolicy: 'Ignore',
      objectSelector: { matchLabels: { loose: 'yes' } },
      mutate() {
        throw new Error('it is away');
      },
    }),
    defineWebhook({
      name: 'quick',
      for: Disk,
      timeoutSeconds: 1,
      objectSelector: { matchLabels: { slow: 'yes' } },
      async validate({ signal }) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        seen.aborted = true;
      },
    }),
    defineWebhook({
      name: 'teams',
      for: ConfigMap,
      matchConditions: [{ name: 'has-a-team', expression: "has(object.data) && 'team' in object.data" }],
      mutate: ({ object: { metadata, data } }) => [
        ...(metadata.labels ? [] : [{ op: 'add' as const, path: '/metadata/labels', value: {} }]),
        { op: 'add', path: '/metadata/labels/team', value: data?.['team'] ?? '' },
      ],
      validate: async ({ namespace = '' }, { client }) => {
        const { metadata } = await client.get(Namespace, { name: namespace });
        return metadata.labels?.['closed'] === undefined ? allow() : deny(`the namespace ${namespace} is closed`);
      },
    }),
    defineWebhook({
      name: 'noted',
      for: ConfigMap,
      operations: ['CREATE'],
      objectSelector: { matchExpressions: [{ key: 'noted', operator: 'Exists' }] },
      mutate: ({ object }) =>
        change({ ...object, data: { ...object.data, noted: 'yes' } }, { audit: { noted: 'yes' } }),
    }),
  ],
  uses: [Namespace],
});

export const diskIn =
  (namespace: string) =>
  (name: string, spec: { size: number; team?: string; note?: string }, labels?: Record<string, string>) => ({
    metadata: { name, namespace, ...(labels && { labels }) },
    spec,
  });

/** What is true on every API server, once the webhooks are served. */
export async function useWebhooks(client: Client, namespace: string): Promise<void> {
  const disk = diskIn(namespace);
  const ref = { name: 'a', namespace };
  const called = (name: string) => `${name}.disks.webhooks.keelson.dev`;
  const denied = (name: string) => `admission webhook "${called(name)}" denied the request: `;

  const made = await client.create(Disk, disk('a', { size: 10 }));
  expect(made.spec.team).toMatch(/admin|masters/);
  expect((await client.create(Disk, disk('b', { size: 1, team: 'mine' }))).spec.team).toBe('mine');
  await expect(client.create(Disk, disk('c', { size: 1001 }))).rejects.toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message: `${denied('validate')}no team has that much`,
  });
  await expect(client.patch(Disk, ref, { merge: { spec: { size: 9 } } })).rejects.toMatchObject({
    code: 422,
    reason: 'Invalid',
    message: `${denied('validate')}Disk.webhooks.keelson.dev "a" is invalid: [spec.size: cannot shrink from 10, spec.note: does not say why]`,
    status: {
      details: {
        name: 'a',
        group: 'webhooks.keelson.dev',
        kind: 'Disk',
        causes: [
          { reason: 'FieldValueInvalid', message: 'cannot shrink from 10', field: 'spec.size' },
          { reason: 'FieldValueRequired', message: 'does not say why', field: 'spec.note' },
        ],
      },
    },
  });
  const tried = await client.create(Disk, disk('d', { size: 500 }), { dryRun: ['All'] });
  expect(tried.spec.team).toBe(made.spec.team);
  await expect(client.create(Disk, disk('d', { size: 1, note: 'broken' }))).rejects.toMatchObject({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: failed calling webhook "${called('validate')}": failed to call webhook: an error on the server ("the rules are away") has prevented the request from succeeding`,
  });
  await client.create(Disk, disk('d', { size: 1 }, { loose: 'yes' }));
  await expect(client.create(Disk, disk('e', { size: 1 }, { slow: 'yes' }))).rejects.toThrow(
    `failed calling webhook "${called('quick')}": failed to call webhook: Post`,
  );
  await expect.poll(() => seen.aborted, { timeout: 10_000 }).toBe(true);

  await client.patch(Disk, ref, { merge: { spec: { note: 'keep' } } });
  await expect(client.delete(Disk, ref)).rejects.toMatchObject({ code: 409, message: `${denied('keep')}it is kept` });
  // What goes is not held up by what is wrong with it.
  await client.patch(Disk, ref, { merge: { spec: { note: 'go' }, metadata: { finalizers: ['keelson.dev/test'] } } });
  await client.delete(Disk, ref);
  await client.patch(Disk, ref, { merge: { spec: { size: 5 } } });
  await client.patch(Disk, ref, { merge: { metadata: { finalizers: null } } });

  const map = (name: string, data?: Record<string, string>, labels?: Record<string, string>) => ({
    metadata: { name, namespace, ...(labels && { labels }) },
    ...(data && { data }),
  });
  expect((await client.create(ConfigMap, map('one', { team: 'red' }))).metadata.labels).toEqual({ team: 'red' });
  expect((await client.create(ConfigMap, map('two', { team: 'red' }, { x: 'y' }))).metadata.labels).toEqual({
    team: 'red',
    x: 'y',
  });
  expect((await client.create(ConfigMap, map('three', { a: 'b' }))).metadata.labels).toBeUndefined();
  expect((await client.create(ConfigMap, map('four', { a: 'b' }, { noted: '' }))).data).toEqual({
    a: 'b',
    noted: 'yes',
  });
  await client.patch(Namespace, { name: namespace }, { merge: { metadata: { labels: { closed: 'yes' } } } });
  await expect(client.create(ConfigMap, map('five', { team: 'red' }))).rejects.toThrow(
    `${denied('teams')}the namespace ${namespace} is closed`,
  );
}

/** Names of the configurations that there are. */
export async function configurations(client: Client): Promise<readonly string[]> {
  const lists = await Promise.all([
    client.list(ValidatingWebhookConfiguration),
    client.list(MutatingWebhookConfiguration),
  ]);
  return lists.flatMap(({ items }) => items.map(({ metadata: { name = '' } }) => name));
}

/** What kubectl shows for a Disk that is too large, one that is large, and one that shrinks. */
export async function kubectlSays(kubeconfig: string, namespace: string): Promise<readonly string[]> {
  const apply = async (size: number) => {
    const object = { apiVersion: 'webhooks.keelson.dev/v1', kind: 'Disk', ...diskIn(namespace)('shown', { size }) };
    const { stdout, stderr } = await command('kubectl', ['--kubeconfig', kubeconfig, 'apply', '-f', '-'], {
      input: JSON.stringify(object),
    });
    return `${stderr}${stdout}`;
  };
  return [await apply(1001), await apply(200), await apply(100)];
}

export const answersOfKubectl: readonly string[] = [
  'Error from server (Forbidden): error when creating "STDIN": admission webhook "validate.disks.webhooks.keelson.dev" denied the request: no team has that much\n',
  'Warning: 200 is a lot\ndisk.webhooks.keelson.dev/shown created\n',
  'The Disk "shown" is invalid: \n* spec.size: cannot shrink from 200\n* spec.note: does not say why\n',
];

/** Of a kind of two versions: all are asked about as the one that the code is for. */
export const ruledOperator = defineOperator({
  name: 'ruled',
  for: Website.v1,
  mutate: ({ object }) =>
    object.spec.page === '' ? { ...object, spec: { ...object.spec, page: 'empty' } } : undefined,
  validate: ({ object: { apiVersion, spec } }) =>
    spec.scaling.max > 10 ? deny(`${apiVersion}: ${spec.scaling.max} are too many`) : undefined,
});

export async function useOlderVersion(client: Client, namespace: string): Promise<void> {
  const old = (name: string, text: string, replicas: number) =>
    client.create(Website.v1alpha1, { metadata: { name, namespace }, spec: { text, replicas } });
  expect((await old('ruled', '', 3)).spec).toEqual({ text: 'empty', replicas: 3 });
  await expect(old('many', 'x', 11)).rejects.toThrow(
    'admission webhook "validate.ruled.example.com" denied the request: example.com/v1: 11 are too many',
  );
}
