import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { Website, websiteOperator } from '../../test/website-operator.ts';
import { ConfigMap, CustomResourceDefinition, Deployment, Event, Service } from '../api/index.ts';
import { Clients, createClient } from '../client/index.ts';
import {
  controllerManagerPlugin,
  createHost,
  createLogger,
  eventRecorderPlugin,
  informersPlugin,
} from '../host/index.ts';
import { definePlugin } from '../plugin/index.ts';
import { FakeClock } from '../testing/index.ts';
import { defineOperator, type Operator } from './index.ts';

/** A whole operator without a socket, in time that stands still. */
async function start(operator: Operator) {
  const api = new ModelApi();
  const clock = new FakeClock();
  const client = createClient(api);
  const lines: string[] = [];
  // The model does not establish definitions, so it is done for it.
  api.fault = ({ verb, resource, options }) => {
    if (verb !== 'list' || resource !== 'customresourcedefinitions' || !options?.fieldSelector) return;
    api.fault = () => undefined;
    const status = { conditions: [{ type: 'Established', status: 'True' }] };
    void client.patch(CustomResourceDefinition, { name: 'websites.example.com' }, { merge: { status } });
  };
  const connection = definePlugin({
    name: 'connection',
    register: ({ provide }) => provide.value(Clients, { as: () => client }),
  });
  const host = createHost({
    plugins: [connection, informersPlugin, eventRecorderPlugin, controllerManagerPlugin, operator],
    logger: createLogger({ level: 'warn', write: (line) => lines.push(line), clock }),
    clock,
    random: () => 0.5,
  });
  await host.start();
  const writes = () =>
    api.writes.filter(({ resource }) => resource !== 'websites').map(({ verb, resource }) => `${verb} ${resource}`);
  const site = (name = 'hello') => ({ name, namespace: 'default' });
  const create = (spec: Partial<Website['spec']> = {}) =>
    client.create(Website, { metadata: site(), spec: { page: 'hi', replicas: 2, image: 'x', ...spec } });
  return { api, clock, client, host, lines, writes, site, create };
}

describe('defineOperator', () => {
  it('installs its definition, makes the children, and writes the status once', async () => {
    const { api, clock, client, host, writes, site, create } = await start(websiteOperator);
    await create();
    await clock.advance(1_000);
    expect(writes()).toEqual([
      'create customresourcedefinitions',
      'patch customresourcedefinitions',
      'patch deployments',
      'patch services',
    ]);
    const deployment = await client.get(Deployment, site());
    expect(deployment).toMatchObject({
      spec: { replicas: 2 },
      metadata: {
        ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Website', name: 'hello', controller: true }],
      },
    });
    const { status } = await client.get(Website, site());
    expect(status).toEqual({ ready: 0, url: 'http://hello.default.svc', observedGeneration: 1 });
    expect(api.requests.filter(({ resource, verb }) => resource === 'websites' && verb === 'patch').length).toBe(1);
    await client.patch(Deployment, site(), { merge: { status: { readyReplicas: 2 } } });
    await clock.advance(1_000);
    expect((await client.get(Website, site())).status?.ready).toBe(2);
    await host.stop();
  });

  it('writes nothing while nothing differs, also where the server adds fields', async () => {
    const { api, clock, client, host, site, create } = await start(websiteOperator);
    await create();
    await clock.advance(1_000);
    await client.patch(Deployment, site(), {
      merge: { spec: { progressDeadlineSeconds: 600 }, metadata: { labels: { theirs: 'x' } } },
    });
    const before = api.writes.length;
    await client.patch(Website, site(), { merge: { metadata: { labels: { touched: 'yes' } } } });
    await clock.advance(600_000);
    expect(api.writes.length - before).toBe(1);
    expect((await client.get(Deployment, site())).spec.progressDeadlineSeconds).toBe(600);
    await host.stop();
  });

  it('sets right what others change, follows its own wishes, and puts back what was deleted', async () => {
    const { clock, client, host, site, create } = await start(websiteOperator);
    await create();
    await clock.advance(1_000);
    await client.patch(Deployment, site(), { merge: { spec: { replicas: 9 } } });
    await client.delete(Service, site());
    await clock.advance(1_000);
    expect((await client.get(Deployment, site())).spec.replicas).toBe(2);
    expect((await client.get(Service, site())).spec.ports?.[0]?.port).toBe(80);
    await client.patch(Website, site(), { merge: { spec: { page: 'new' } } });
    await clock.advance(1_000);
    const [container] = (await client.get(Deployment, site())).spec.template.spec?.containers ?? [];
    expect(container?.env).toEqual([{ name: 'PAGE', value: 'new' }]);
    await host.stop();
  });

  it('does not take what belongs to somebody else', async () => {
    const { clock, client, host, lines, site, create } = await start(websiteOperator);
    await client.create(Service, { metadata: site(), spec: {} });
    await create();
    await clock.advance(5);
    expect(lines[0]).toContain('Service default/hello exists and does not belong to Website default/hello');
    await host.stop();
  });

  it('finalizes before the object may go, records events, and removes children', async () => {
    const journal: string[] = [];
    const operator = defineOperator({
      name: 'website',
      for: Website,
      owns: [ConfigMap],
      async reconcile(site, { apply, get, remove, event }) {
        if (site.spec.replicas === 0) await remove(ConfigMap);
        else await apply(ConfigMap, { data: { page: site.spec.page } });
        journal.push(`${site.spec.replicas} ${get(ConfigMap) ? 'there' : 'not there'}`);
        event('Normal', 'Synced', 'done');
      },
      async finalize({ metadata }) {
        journal.push(`finalize ${metadata.name}`);
      },
    });
    const { clock, client, host, site, create } = await start(operator);
    await create();
    await clock.advance(1_000);
    expect((await client.get(Website, site())).metadata.finalizers).toEqual(['example.com/website']);
    expect((await client.list(Event)).items[0]).toMatchObject({
      reason: 'Synced',
      source: { component: 'website' },
      involvedObject: { kind: 'Website' },
    });
    await client.patch(Website, site(), { merge: { spec: { replicas: 0 } } });
    await clock.advance(1_000);
    expect((await client.list(ConfigMap)).items).toEqual([]);
    await client.delete(Website, site());
    await clock.advance(1_000);
    expect((await client.list(Website)).items).toEqual([]);
    // What it made itself it sees at once, and is not run again for.
    expect(journal).toEqual(['2 there', '0 not there', 'finalize hello']);
    await host.stop();
  });

  it('finalizes for as long as it says that it is not done: until a time has come, or something has happened', async () => {
    const journal: number[] = [];
    const operator = defineOperator({
      name: 'website',
      for: Website,
      owns: [ConfigMap],
      async reconcile(_, { apply }) {
        await apply(ConfigMap, {});
      },
      async finalize(_, { get, clock, setStatus }) {
        journal.push(clock.now());
        // Written in the same breath as the finalizer goes.
        setStatus({ ready: journal.length });
        return get(ConfigMap)?.data?.['done'] ? undefined : { requeueAfter: 60_000 };
      },
    });
    const { clock, client, host, lines, site, create } = await start(operator);
    await create();
    await clock.advance(1_000);
    await client.delete(Website, site());
    const deleted = clock.now();
    await clock.advance(90_000);
    expect(journal.map((at) => Math.round((at - deleted) / 1_000))).toEqual([0, 60]);
    await client.patch(ConfigMap, site(), { merge: { data: { done: 'yes' } } });
    await clock.advance(1_000);
    expect((await client.list(Website)).items).toEqual([]);
    expect(journal.length).toBe(3);
    expect(lines.filter((each) => each.includes('reconcile'))).toEqual([]);
    await host.stop();
  });

  it('writes the status also when a reconcile fails, and says when a kind is not owned', async () => {
    const operator = defineOperator({
      name: 'website',
      for: Website,
      async reconcile(_, { setStatus, apply }) {
        setStatus({ url: 'broken' });
        await apply(ConfigMap, {});
      },
    });
    const { clock, client, host, lines, site, create } = await start(operator);
    await create();
    await clock.advance(5);
    expect((await client.get(Website, site())).status?.url).toBe('broken');
    expect(lines[0]).toContain('ConfigMap is not among the kinds that this operator owns');
    await host.stop();
  });

  it('knows the types of spec, status and children', () => {
    defineOperator({
      name: 'x',
      for: Website,
      owns: [ConfigMap],
      async reconcile(site, { apply, setStatus }) {
        // @ts-expect-error there is no such field
        site.spec.colour;
        // @ts-expect-error it is a number
        setStatus({ ready: 'two' });
        // @ts-expect-error data holds strings
        await apply(ConfigMap, { data: { a: 1 } });
        // @ts-expect-error objects are shared and must not be changed
        site.spec.page = 'x';
      },
    });
  });
});
