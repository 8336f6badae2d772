import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import {
  type Client,
  ConfigMap,
  defineOperator,
  defineResource,
  generationChanged,
  isStatusError,
  type Operator,
  type ResourceObject,
  Secret,
  Service,
  SubjectAccessReview,
} from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  observedGeneration: z.int().optional(),
  lastTransitionTime: z.string(),
});

const Shop = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({
    names: z.array(z.string()).default([]),
    colour: z.string().optional(),
    secret: z.string().optional(),
    public: z.boolean().default(false),
  }),
  status: z.object({ seen: z.string(), conditions: z.array(Condition), observedGeneration: z.int() }),
});
type Shop = ResourceObject<typeof Shop>;

const ref = { name: 'corner', namespace: 'default' };
const named = (name: string) => ({ ...ref, name });

describe('an operator on a real API server', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });
  const start = async (operator: Operator) => {
    cluster = await startTestCluster({ plugins: [operator as AnyPlugin] });
    return cluster.client;
  };
  const create = (client: Client, spec: Partial<Shop['spec']> = {}) =>
    client.create(Shop, { metadata: ref, spec: { names: [], public: false, ...spec } });
  const gone = async (read: Promise<unknown>) => {
    try {
      await read;
      return false;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return true;
      throw error;
    }
  };

  it('takes away fields that it no longer wants, keeps those of others, and prunes children', async () => {
    const client = await start(
      defineOperator({
        name: 'shop',
        for: Shop,
        owns: [ConfigMap, Service],
        async reconcile({ spec }, { apply, prune, children, setStatus }) {
          for (const name of spec.names) {
            await apply(ConfigMap, { metadata: { name }, data: { name, ...(spec.colour && { colour: spec.colour }) } });
          }
          if (spec.public) await apply(Service, { spec: { ports: [{ port: 80 }], selector: { app: 'shop' } } });
          await prune();
          setStatus({
            seen: children(ConfigMap)
              .map((each) => each.metadata.name)
              .join(),
          });
        },
      }),
    );
    await create(client, { names: ['one', 'two'], colour: 'red', public: true });
    await waitFor(() => client.get(Service, ref), { what: 'the Service' });
    const one = () => client.get(ConfigMap, named('one'));
    expect((await one()).data).toEqual({ name: 'one', colour: 'red' });
    await client.patch(ConfigMap, named('one'), { apply: { data: { theirs: 'x' } }, fieldManager: 'somebody' });
    await client.patch(Shop, ref, { merge: { spec: { colour: null, names: ['one'], public: false } } });
    await waitFor(() => gone(client.get(Service, ref)), { what: 'the Service to go' });
    expect(await gone(client.get(ConfigMap, named('two')))).toBe(true);
    expect((await one()).data).toEqual({ name: 'one', theirs: 'x' });
    expect((await one()).metadata.managedFields?.map(({ manager, operation }) => [manager, operation])).toContainEqual([
      'shop',
      'Apply',
    ]);
    await client.patch(ConfigMap, named('one'), { merge: { data: { name: 'wrong' } } });
    await waitFor(async () => (await one()).data?.['name'] === 'one', { what: 'the drift to be corrected' });
  });

  it('runs for what an object refers to, and not for what does not matter', async () => {
    const runs: string[] = [];
    const client = await start(
      defineOperator({
        name: 'shop',
        for: Shop,
        when: generationChanged,
        references: [{ type: Secret, by: ({ spec }) => (spec.secret ? [spec.secret] : []) }],
        async reconcile({ metadata, spec }, { get, setStatus, setCondition }) {
          const secret = spec.secret === undefined ? undefined : get(Secret, spec.secret);
          runs.push(`${metadata.generation} ${secret ? 'with' : 'without'}`);
          setStatus({ seen: secret?.data?.['key'] ?? '' });
          setCondition('Ready', secret !== undefined, secret ? 'Found' : 'SecretMissing', `wants ${spec.secret}`);
        },
      }),
    );
    await create(client, { secret: 'key' });
    const status = async () => (await client.get(Shop, ref)).status;
    await waitFor(async () => (await status())?.conditions?.[0]?.status === 'False', { what: 'a condition' });
    const secret = await client.create(Secret, { metadata: named('key'), data: { key: 'YQ==' } });
    await waitFor(async () => (await status())?.seen === 'YQ==', { what: 'the Secret to be seen' });
    const [ready, ...more] = (await status())?.conditions ?? [];
    expect(more).toEqual([]);
    expect(ready).toMatchObject({
      type: 'Ready',
      status: 'True',
      reason: 'Found',
      message: 'wants key',
      observedGeneration: 1,
    });
    await client.create(Secret, { metadata: named('other') });
    await client.patch(Shop, ref, { merge: { metadata: { labels: { of: 'nothing' } } } });
    await client.update(Secret, { ...secret, data: { key: 'Yg==' } });
    await waitFor(async () => (await status())?.seen === 'Yg==', { what: 'the change to be seen' });
    expect(runs).toEqual(['1 without', '1 with', '1 with']);
    const traces = cluster?.traces.list() ?? [];
    expect(traces.map(({ causes }) => causes.map((each) => ('watch' in each ? each.watch : each.type)))).toEqual([
      ['Shop'],
      ['Secret → every Shop that refers to it'],
      ['Secret → every Shop that refers to it'],
    ]);
  });

  it('may do what it has declared, and is told what to declare for the rest', async () => {
    const errors: string[] = [];
    const client = await start(
      defineOperator({
        name: 'shop',
        for: Shop,
        uses: [{ type: Secret, verbs: ['create'] }],
        async reconcile({ metadata, spec }, context) {
          const { namespace = '' } = metadata;
          for (const name of spec.names) await context.client.create(Secret, { metadata: { name, namespace } });
          try {
            await context.client.create(ConfigMap, { metadata: { name: 'x', namespace } });
          } catch (error) {
            errors.push(String(error));
          }
          context.setStatus({ seen: 'done' });
        },
      }),
    );
    await create(client, { names: ['one'] });
    await waitFor(async () => (await client.get(Shop, ref)).status?.seen === 'done', { what: 'the status' });
    expect(await client.get(Secret, named('one'))).toBeDefined();
    expect(errors[0]).toContain("add { type: ConfigMap, verbs: ['create'] } to its `uses`");
    const user = cluster?.host.grants.find((each) => each.plugin === 'shop')?.user ?? '';
    const may = async (verb: string, resource: string) => {
      const resourceAttributes = { verb, resource, namespace: 'default' };
      const review = await client.create(SubjectAccessReview, { metadata: {}, spec: { user, resourceAttributes } });
      return review.status?.allowed;
    };
    expect([await may('create', 'secrets'), await may('get', 'secrets'), await may('create', 'configmaps')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
