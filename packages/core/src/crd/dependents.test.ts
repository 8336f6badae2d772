import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ModelApi } from '../../test/model-api.ts';
import { establish, startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap, Deployment, Event, Service } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator, defineResource, type Operator, type ResourceObject } from './index.ts';

const Shop = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ page: z.string(), copies: z.array(z.string()).optional(), public: z.boolean().optional() }),
  status: z.object({
    conditions: z.array(
      z.object({
        type: z.string(),
        status: z.enum(['True', 'False', 'Unknown']),
        reason: z.string(),
        message: z.string(),
        observedGeneration: z.int().optional(),
        lastTransitionTime: z.string(),
      }),
    ),
  }),
});
type Shop = ResourceObject<typeof Shop>;

const ref = { name: 'hello', namespace: 'default' };

async function start(operator: Operator, spec: Shop['spec'] = { page: 'hi' }) {
  const api = new ModelApi();
  await establish(api, Shop);
  const clock = new FakeClock();
  const client = createClient(api);
  const running = await startOnModel(operator, api, clock);
  await client.create(Shop, { metadata: ref, spec });
  await clock.advance(1_000);
  const writes = () =>
    api.writes
      .filter(({ resource }) => !['shops', 'events', 'customresourcedefinitions'].includes(resource))
      .map(({ verb, resource, name }) => `${verb} ${resource} ${name}`);
  const condition = async () => {
    const [ready] = (await client.get(Shop, ref)).status?.conditions ?? [];
    return `${ready?.status} ${ready?.reason} ${ready?.message}`.trim();
  };
  return { ...running, api, clock, client, writes, condition };
}

const web = { replicas: 1, selector: {}, template: { metadata: {}, spec: { containers: [] } } };
const rolledOut = { status: { observedGeneration: 9, replicas: 1, updatedReplicas: 1, availableReplicas: 1 } };

describe('dependents', () => {
  const operator = defineOperator({
    name: 'shop',
    for: Shop,
    dependents: ({ child }) => ({
      door: child(Service, { after: ['web'], when: ({ spec }) => spec.public !== false, make: () => ({ spec: {} }) }),
      web: child(Deployment, { after: ['page'], make: () => ({ spec: web }) }),
      page: child(ConfigMap, { make: ({ spec }) => ({ data: { page: spec.page } }) }),
    }),
  });

  it('come about one after the other, each by the event of what it waited for, and the condition says why', async () => {
    const { clock, client, writes, condition, stop, api } = await start(operator);
    expect(writes()).toEqual(['patch configmaps hello', 'patch deployments hello']);
    expect(await condition()).toBe('False Waiting web: Deployment hello is not ready; door: waits for web');
    const { metadata } = await client.get(ConfigMap, ref);
    expect(metadata.labels).toEqual({ 'keelson.dev/dependent': 'shop.page' });
    expect((await client.get(Shop, ref)).metadata.finalizers).toEqual(['example.com/shop.dependents']);
    const before = api.requests.length;
    await clock.advance(3_600_000);
    expect(api.requests.slice(before).filter(({ verb }) => verb !== 'watch')).toEqual([]);
    await client.patch(Deployment, ref, { merge: rolledOut });
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('patch services hello');
    expect(await condition()).toBe('True AllReady');
    await stop();
  });

  it('go in the reverse order, and the object after them', async () => {
    const { clock, client, writes, condition, stop } = await start(operator);
    await client.patch(Deployment, ref, { merge: rolledOut });
    await clock.advance(1_000);
    await client.patch(Deployment, ref, { merge: { metadata: { finalizers: ['test/held'] } } });
    await client.delete(Shop, ref);
    await clock.advance(1_000);
    expect(writes().slice(-2)).toEqual(['delete services hello', 'delete deployments hello']);
    expect(await condition()).toBe(
      'False Deleting web: Deployment hello is being deleted; page: stays until web can do without',
    );
    await client.patch(Deployment, ref, { merge: { metadata: { finalizers: [] } } });
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('delete configmaps hello');
    await expect(client.get(Shop, ref)).rejects.toThrow('not found');
    await stop();
  });

  it('are pruned when they are not wanted, and made when they are', async () => {
    const { clock, client, writes, condition, stop } = await start(operator, { page: 'hi', public: false });
    expect(await condition()).toBe('False Waiting web: Deployment hello is not ready');
    await client.patch(Deployment, ref, { merge: rolledOut });
    await clock.advance(1_000);
    expect(await condition()).toBe('True AllReady');
    await client.patch(Shop, ref, { merge: { spec: { public: true } } });
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('patch services hello');
    await client.patch(Deployment, ref, { merge: { status: { availableReplicas: 0 } } });
    await client.patch(Shop, ref, { merge: { spec: { public: false } } });
    await clock.advance(1_000);
    // Whether it is wanted is known although it waits.
    expect(writes().at(-1)).toBe('delete services hello');
    await stop();
  });

  it('may be several of a kind: those that are new are ready before those that are old go', async () => {
    const several = defineOperator({
      name: 'shop',
      for: Shop,
      dependents: ({ child }) => ({
        copies: child(ConfigMap, {
          make: ({ spec }) => spec.copies?.map((name) => ({ metadata: { name }, data: {} })),
          ready: ({ data }) => data?.['ready'] === 'yes',
        }),
        other: child(ConfigMap, { after: ['copies'], make: ({ spec }) => ({ data: { page: spec.page } }) }),
      }),
    });
    const { clock, client, writes, condition, stop } = await start(several, { page: 'hi', copies: ['a'] });
    const makeReady = (name: string) =>
      client.patch(ConfigMap, { ...ref, name }, { merge: { data: { ready: 'yes' } } });
    expect(writes()).toEqual(['patch configmaps a']);
    await makeReady('a');
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('patch configmaps hello');
    await client.patch(Shop, ref, { merge: { spec: { copies: ['b'] } } });
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('patch configmaps b');
    expect(await condition()).toBe('False Waiting copies: ConfigMap b is not ready; other: waits for copies');
    await makeReady('b');
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('delete configmaps a');
    expect(await condition()).toBe('True AllReady');
    await client.patch(Shop, ref, { merge: { spec: { copies: null } } });
    await clock.advance(1_000);
    expect(writes().at(-1)).toBe('delete configmaps b');
    await stop();
  });

  it('are told from other children, and go when they are no longer defined', async () => {
    const older = defineOperator({
      name: 'shop',
      for: Shop,
      dependents: ({ child }) => ({
        first: child(ConfigMap, { make: () => ({ metadata: { name: 'first' } }) }),
        second: child(ConfigMap, { after: ['first'], make: () => ({ metadata: { name: 'second' } }) }),
      }),
      async reconcile(_, { apply, prune, waiting }) {
        await apply(ConfigMap, { data: { waiting: waiting.join() } });
        await prune();
      },
    });
    const newer = defineOperator({
      name: 'shop',
      for: Shop,
      owns: [ConfigMap],
      dependents: ({ child }) => ({ renamed: child(ConfigMap, { make: () => ({ metadata: { name: 'second' } }) }) }),
    });
    const { api, clock, client, stop } = await start(older);
    const names = async () => (await client.list(ConfigMap)).items.map((each) => each.metadata.name).toSorted();
    expect(await names()).toEqual(['first', 'hello', 'second']);
    await stop();
    const next = await startOnModel(newer, api, clock);
    await clock.advance(1_000);
    expect(await names()).toEqual(['hello', 'second']);
    const { labels } = (await client.get(ConfigMap, { ...ref, name: 'second' })).metadata;
    expect(labels).toEqual({ 'keelson.dev/dependent': 'shop.renamed' });
    await next.stop();
  });

  it('keep from nothing but what comes after them when they fail', async () => {
    const failing = defineOperator({
      name: 'shop',
      for: Shop,
      dependents: ({ child }) => ({
        bad: child(ConfigMap, {
          make() {
            throw new Error('no idea');
          },
        }),
        after: child(Deployment, { after: ['bad'], make: () => ({ spec: web }) }),
        beside: child(Service, { make: () => ({ spec: {} }) }),
      }),
    });
    const { clock, client, condition, lines, traces, writes, stop } = await start(failing);
    expect(writes()).toEqual(['patch services hello']);
    expect(await condition()).toBe('False Failed bad: no idea; after: waits for bad');
    expect(lines[0]).toContain('bad: no idea');
    expect(traces.list().filter(({ outcome }) => outcome === 'error').length).toBeGreaterThan(3);
    await client.delete(Shop, ref);
    await clock.advance(400_000);
    await expect(client.get(Shop, ref)).rejects.toThrow('not found');
    await stop();
  });

  it('are tried again with back-off also where the condition says something else each time', async () => {
    let tries = 0;
    const { clock, condition, stop } = await start(
      defineOperator({
        name: 'shop',
        for: Shop,
        dependents: ({ child }) => ({
          bad: child(ConfigMap, {
            make() {
              tries += 1;
              throw new Error(`attempt ${tries}`);
            },
          }),
        }),
      }),
    );
    await clock.advance(60_000);
    // 5 ms, 10 ms …: half of each for certain, the other half by chance.
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(18);
    expect(await condition()).toBe(`False Failed bad: attempt ${tries}`);
    await stop();
  });

  it('are left alone until the object has been finalized, once, and why it was not is told', async () => {
    const journal: string[] = [];
    let broken = true;
    const { clock, client, writes, stop } = await start(
      defineOperator({
        name: 'shop',
        for: Shop,
        dependents: ({ child }) => ({
          page: child(ConfigMap, { make: () => ({ data: {} }) }),
          web: child(Deployment, { after: ['page'], make: () => ({ spec: web }) }),
        }),
        async reconcile() {
          journal.push('reconcile');
        },
        async finalize() {
          journal.push('finalize');
          if (broken) throw new Error('the backup failed');
        },
      }),
    );
    await client.patch(Deployment, ref, { merge: { metadata: { finalizers: ['test/held'] } } });
    await clock.advance(1_000);
    journal.length = 0;
    await client.delete(Shop, ref);
    await clock.advance(1_000);
    expect(journal.length).toBeGreaterThan(2);
    expect(writes().filter((each) => each.startsWith('delete'))).toEqual([]);
    expect((await client.get(Shop, ref)).metadata.finalizers).toEqual([
      'example.com/shop',
      'example.com/shop.dependents',
    ]);
    const [event] = (await client.list(Event)).items;
    expect(event).toMatchObject({ type: 'Warning', reason: 'FinalizeFailed', message: 'the backup failed' });
    broken = false;
    await clock.advance(60_000);
    expect((await client.get(Shop, ref)).metadata.finalizers).toEqual(['example.com/shop.dependents']);
    const calls = journal.length;
    await client.patch(Deployment, ref, { merge: { metadata: { finalizers: [] } } });
    await clock.advance(60_000);
    await expect(client.get(Shop, ref)).rejects.toThrow('not found');
    expect(journal.length).toBe(calls);
    expect(new Set(journal)).toEqual(new Set(['finalize']));
    await stop();
  });

  it('are looked at again by `everyMs`, a tenth more or less', async () => {
    let runs = 0;
    const { clock, stop } = await start(
      defineOperator({
        name: 'shop',
        for: Shop,
        everyMs: 60_000,
        async reconcile() {
          runs += 1;
          return runs === 3 ? { requeueAfter: 1_000 } : undefined;
        },
      }),
    );
    expect(runs).toBe(1);
    await clock.advance(58_000);
    expect(runs).toBe(1);
    await clock.advance(61_500);
    expect(runs).toBe(3);
    await clock.advance(1_000);
    expect(runs).toBe(4);
    await stop();
  });

  it('have names, types and an order that the compiler knows', () => {
    expect(() =>
      defineOperator({
        name: 'shop',
        for: Shop,
        dependents: ({ child }) => ({
          a: child(ConfigMap, {
            // @ts-expect-error data holds strings
            make: ({ spec }) => ({ data: { page: spec.page.length } }),
            // @ts-expect-error a ConfigMap has no status
            ready: ({ status }) => status === undefined,
          }),
        }),
      }),
    ).not.toThrow();
    expect(() =>
      defineOperator({
        name: 'shop',
        for: Shop,
        // @ts-expect-error there is no such dependent
        dependents: ({ child }) => ({ a: child(ConfigMap, { after: ['b'], make: () => ({}) }) }),
      }),
    ).toThrow('dependents.a.after: there is no "b"; there are a');
    expect(() => defineOperator({ name: 'shop', for: Shop })).toThrow('neither dependents nor a reconcile function');
    expect(() =>
      defineOperator({
        name: 'shop',
        for: Shop,
        dependents: ({ child }) => ({ 'not a label': child(ConfigMap, { make: () => ({}) }) }),
      }),
    ).toThrow('dependents.not a label: "shop.not a label"');
  });
});
