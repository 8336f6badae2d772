import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ModelApi } from '../../test/model-api.ts';
import { establish, startOnModel } from '../../test/operator-on-model.ts';
import { ConfigMap } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { RetryLaterError, TerminalError } from '../controller/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineExternal, defineOperator, defineResource, type ExternalSpec, type ResourceObject } from './index.ts';

const Site = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Site',
  spec: z.object({ domain: z.string(), ttl: z.int() }),
  status: z.object({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })) }),
});
type Site = ResourceObject<typeof Site>;

interface Zone {
  readonly domain: string;
  readonly serial: string;
  readonly ttl: number;
  readonly comment: string;
}

/** A service elsewhere, with its own idea of when to fail. */
class Dns {
  readonly zones = new Map<string, Zone>();
  readonly calls: string[] = [];
  /** What it throws after having done what was asked, or before. */
  fails: { readonly call: string; readonly when: 'before' | 'after' } | undefined;
  serial = 0;

  call<R>(name: string, act: () => R): R {
    this.calls.push(name);
    const { call, when } = this.fails ?? {};
    if (call === name && when === 'before') throw new Error(`no ${name}`);
    const result = act();
    if (call === name) throw new Error('connection lost');
    return result;
  }

  create(domain: string, ttl: number, comment: string): Zone {
    return this.call('create', () => {
      if (this.zones.has(domain)) throw new Error(`${domain} exists`);
      this.serial += 1;
      const zone = { domain, ttl, comment, serial: `z${this.serial}` };
      this.zones.set(domain, zone);
      return zone;
    });
  }
}

const ref = { name: 'hello', namespace: 'default' };

async function open(more: Partial<ExternalSpec<Site, Zone>> = {}, dns = new Dns()) {
  const zone = defineExternal<Site, Zone>(Site, {
    observe: async ({ spec }) => dns.call('observe', () => dns.zones.get(spec.domain)),
    create: async ({ spec }, { id }) => dns.create(spec.domain, spec.ttl, id),
    differs: ({ spec }, found) => found.ttl !== spec.ttl,
    update: async ({ spec }, found) =>
      dns.call('update', () => {
        dns.zones.set(spec.domain, { ...found, ttl: spec.ttl });
        return undefined;
      }),
    delete: async ({ domain }) => dns.call('delete', () => void dns.zones.delete(domain)),
    idOf: ({ domain }) => domain,
    ...more,
  });
  const operator = defineOperator({
    name: 'site',
    for: Site,
    dependents: ({ child, external }) => ({
      zone: external(zone),
      web: child(ConfigMap, {
        after: ['zone'],
        make: (_, { observed }) => ({ data: { serial: observed(zone)?.serial ?? 'none' } }),
      }),
    }),
  });
  const api = new ModelApi();
  await establish(api, Site);
  const clock = new FakeClock();
  const client = createClient(api);
  const note = async () => (await client.get(Site, ref)).metadata.annotations?.['external.keelson.dev/site.zone'];
  const condition = async () => {
    const [ready] = (await client.get(Site, ref)).status?.conditions ?? [];
    return `${ready?.['status']} ${ready?.['reason']} ${ready?.['message']}`.trim();
  };
  const create = async () => {
    await client.create(Site, { metadata: ref, spec: { domain: 'a.test', ttl: 60 } });
    await clock.advance(1_000);
  };
  const run = () => startOnModel(operator, api, clock);
  return { api, clock, client, dns, note, condition, create, run };
}

describe('an external resource', () => {
  it('is made once, noted before, and passed on; what others change is seen and put right', async () => {
    const { clock, client, dns, note, condition, create, run } = await open();
    const { stop } = await run();
    await create();
    const { uid } = (await client.get(Site, ref)).metadata;
    expect(await note()).toBe(`${uid} made a.test`);
    expect(dns.zones.get('a.test')).toEqual({ domain: 'a.test', ttl: 60, comment: `${uid}-zone`, serial: 'z1' });
    expect((await client.get(ConfigMap, ref)).data).toEqual({ serial: 'z1' });
    expect(await condition()).toBe('True AllReady');
    dns.zones.set('a.test', { domain: 'a.test', ttl: 5, comment: '', serial: 'z1' });
    await clock.advance(700_000);
    expect(dns.zones.get('a.test')?.ttl).toBe(60);
    dns.zones.clear();
    await clock.advance(700_000);
    expect(dns.zones.get('a.test')?.serial).toBe('z2');
    expect((await client.get(ConfigMap, ref)).data).toEqual({ serial: 'z2' });
    await client.patch(Site, ref, { merge: { spec: { ttl: 90 } } });
    await clock.advance(1_000);
    expect(dns.zones.get('a.test')?.ttl).toBe(90);
    await stop();
  });

  it('goes after what comes after it, and the object when it is gone', async () => {
    let going = 0;
    const dns = new Dns();
    const { clock, client, condition, create, run } = await open(
      {
        // It takes its time: three looks.
        async delete({ domain }) {
          going += 1;
          if (going === 3) dns.zones.delete(domain);
        },
      },
      dns,
    );
    const { stop } = await run();
    await create();
    await client.patch(ConfigMap, ref, { merge: { metadata: { finalizers: ['test/held'] } } });
    await client.delete(Site, ref);
    await clock.advance(60_000);
    expect(going).toBe(0);
    await client.patch(ConfigMap, ref, { merge: { metadata: { finalizers: [] } } });
    await clock.advance(1_000);
    expect(await condition()).toBe('False Deleting zone: it is being deleted');
    await clock.advance(30_000);
    expect([going, dns.zones.size]).toEqual([3, 0]);
    await expect(client.get(Site, ref)).rejects.toThrow('not found');
    await stop();
  });

  it.each([
    ['before it is made', 'before'],
    ['when it is made and nobody knows', 'after'],
  ] as const)('is found again where the process dies %s', async (_, when) => {
    const { clock, client, dns, create, run } = await open();
    dns.fails = { call: 'create', when };
    const first = await run();
    await create();
    await first.stop();
    dns.fails = undefined;
    const second = await run();
    await clock.advance(1_000);
    expect([...dns.zones.values()].map(({ serial }) => serial)).toEqual(['z1']);
    expect((await client.get(ConfigMap, ref)).data).toEqual({ serial: 'z1' });
    await client.delete(Site, ref);
    await clock.advance(1_000);
    expect(dns.zones.size).toBe(0);
    await second.stop();
  });

  it('that was there before is neither changed nor deleted', async () => {
    const { clock, client, dns, note, condition, create, run } = await open();
    dns.zones.set('a.test', { domain: 'a.test', ttl: 5, comment: 'theirs', serial: 'z9' });
    const { stop } = await run();
    await create();
    expect(await condition()).toBe(
      'False Waiting zone: it exists, and was not made for this object; web: waits for zone',
    );
    expect(await note()).toBeUndefined();
    await client.delete(Site, ref);
    await clock.advance(1_000);
    await expect(client.get(Site, ref)).rejects.toThrow('not found');
    expect(dns.zones.get('a.test')?.ttl).toBe(5);
    await stop();
  });

  it('that was there before may be adopted: it is changed, and stays when the object goes', async () => {
    const { clock, client, dns, note, create, run } = await open({ adopt: true });
    dns.zones.set('a.test', { domain: 'a.test', ttl: 5, comment: 'theirs', serial: 'z9' });
    const { stop } = await run();
    await create();
    expect(dns.zones.get('a.test')).toMatchObject({ ttl: 60, comment: 'theirs' });
    expect(await note()).toContain('adopted');
    await client.delete(Site, ref);
    await clock.advance(1_000);
    await expect(client.get(Site, ref)).rejects.toThrow('not found');
    expect(dns.zones.has('a.test')).toBe(true);
    await stop();
  });

  it('is not taken for one of its own by a note that another object left, nor against its own mark', async () => {
    const marked = { isOurs: (found: Zone, { id }: { readonly id: string }) => found.comment === id };
    for (const more of [{}, marked]) {
      const { clock, client, dns, condition, create, run } = await open(more);
      dns.zones.set('a.test', { domain: 'a.test', ttl: 5, comment: 'theirs', serial: 'z9' });
      await create();
      const { uid } = (await client.get(Site, ref)).metadata;
      const annotations = { 'external.keelson.dev/site.zone': 'isOurs' in more ? `${uid} made` : 'another-uid made' };
      await client.patch(Site, ref, { merge: { metadata: { annotations } } });
      const { stop } = await run();
      await clock.advance(1_000);
      expect(await condition()).toContain('it exists, and was not made for this object');
      await client.delete(Site, ref);
      await clock.advance(1_000);
      await expect(client.get(Site, ref)).rejects.toThrow('not found');
      expect(dns.zones.size).toBe(1);
      await stop();
    }
  });

  it('is not another one because the object wants its name by now', async () => {
    const { clock, client, condition, dns, create, run } = await open();
    const { stop } = await run();
    await create();
    dns.zones.set('b.test', { domain: 'b.test', ttl: 5, comment: 'theirs', serial: 'z9' });
    await client.patch(Site, ref, { merge: { spec: { domain: 'b.test' } } });
    await clock.advance(1_000);
    expect(await condition()).toContain('zone: it exists, and was not made for this object');
    await client.delete(Site, ref);
    await clock.advance(1_000);
    expect(dns.zones.get('b.test')).toMatchObject({ ttl: 5, comment: 'theirs' });
    await stop();
    expect(() =>
      defineExternal(Site, { observe: async () => 1, create: async () => 1, delete: async () => undefined }),
    ).toThrow('neither isOurs nor idOf');
  });

  it('that cannot be made is not asked for again where that is said to be for good', async () => {
    const { clock, condition, create, dns, run } = await open({
      async create() {
        dns.calls.push('create');
        throw new TerminalError('the name is not allowed');
      },
    });
    const { stop } = await run();
    await create();
    expect(await condition()).toBe('False Failed zone: the name is not allowed; web: waits for zone');
    await clock.advance(3_600_000);
    expect(dns.calls.filter((each) => each === 'create')).toEqual(['create']);
    await stop();
  });

  it('that is asked to come later comes then, and not before', async () => {
    const { clock, condition, create, dns, run } = await open({
      async create() {
        dns.calls.push('create');
        throw new RetryLaterError('too many requests', 60_000);
      },
    });
    const { stop } = await run();
    await create();
    expect(await condition()).toBe('False Failed zone: too many requests; web: waits for zone');
    const creates = () => dns.calls.filter((each) => each === 'create').length;
    await clock.advance(50_000);
    expect(creates()).toBe(1);
    await clock.advance(61_000);
    expect(creates()).toBe(2);
    await stop();
  });

  it('is observed by the name that the other side gave it, and its failures are told and tried again', async () => {
    const asked: (string | undefined)[] = [];
    const dns = new Dns();
    const { clock, condition, create, note, run } = await open(
      {
        async observe(_, { remoteId }) {
          asked.push(remoteId);
          return dns.call('observe', () => [...dns.zones.values()].find(({ serial }) => serial === remoteId));
        },
        idOf: ({ serial }) => serial,
      },
      dns,
    );
    const { lines, stop } = await run();
    await create();
    expect(await note()).toMatch(/ made z1$/);
    dns.fails = { call: 'observe', when: 'before' };
    await clock.advance(700_000);
    expect(await condition()).toBe('False Failed zone: no observe; web: waits for zone');
    expect(lines.at(-1)).toContain('zone: no observe');
    dns.fails = undefined;
    await clock.advance(1_500_000);
    expect(await condition()).toBe('True AllReady');
    expect(asked[0]).toBeUndefined();
    expect(asked.at(-1)).toBe('z1');
    await stop();
  });
});
