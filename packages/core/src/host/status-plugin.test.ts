import { request as send } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap } from '../api/index.ts';
import { Clients, createClient } from '../client/index.ts';
import { type Controller, Controllers, TerminalError, watch } from '../controller/index.ts';
import { Informers } from '../informer/index.ts';
import { definePlugin, HealthChecks } from '../plugin/index.ts';
import { silentLogger, waitFor } from '../testing/index.ts';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  createHost,
  type Host,
  informersPlugin,
  Manager,
  StatusPorts,
  statusPlugin,
} from './index.ts';

let host: Host | undefined;
afterEach(async () => {
  await host?.stop();
  host = undefined;
});

async function start(reconcile: Controller['reconcile'], ...more: readonly AnyPlugin[]) {
  const api = new ModelApi();
  const client = createClient(api);
  const connection = definePlugin({
    name: 'connection',
    register: ({ provide }) => provide.value(Clients, { as: () => client }),
  });
  const controller = definePlugin({
    name: 'tested',
    register: ({ provide }) =>
      provide.factory(
        Controllers,
        (informers: Informers) => ({ name: 'test', watches: [watch(informers.for(ConfigMap)).self()], reconcile }),
        [Informers],
      ),
  });
  host = createHost({
    plugins: [connection, informersPlugin, controllerManagerPlugin, statusPlugin as AnyPlugin, controller, ...more],
    options: { status: { metrics: '127.0.0.1:0', health: 0 } },
    logger: silentLogger,
  });
  await host.start();
  const { metrics = 0, health = 0 } = host.get(StatusPorts);
  const get = async (port: number, path: string, options: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, options);
    return { code: response.status, text: await response.text() };
  };
  return {
    api,
    client,
    health: (path: string, options?: RequestInit) => get(health, path, options),
    metrics: async () => (await get(metrics, '/metrics')).text,
    port: health,
    traces: host.get(Manager).traces,
  };
}

const valuesOf = (text: string, name: string) =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((each) => each.startsWith(`${name}{`))
      .map((each) => each.slice(name.length).split(' ')),
  );

describe('metrics', () => {
  it('count what controllers do under the names, labels and buckets of controller-runtime', async () => {
    const outcomes: Record<string, () => Promise<undefined | { requeueAfter: number }>> = {
      'default/good': async () => undefined,
      'default/later': async () => ({ requeueAfter: 3_600_000 }),
      'default/bad': () => Promise.reject(new TerminalError('never')),
    };
    const { client, metrics, traces } = await start(async (key) => outcomes[key]?.());
    for (const name of ['good', 'later', 'bad']) {
      await client.create(ConfigMap, { metadata: { name, namespace: 'default' } });
    }
    await waitFor(() => traces.list().length >= 3);
    const text = await metrics();
    expect(valuesOf(text, 'controller_runtime_reconcile_total')).toEqual({
      '{controller="test",result="error"}': '1',
      '{controller="test",result="requeue_after"}': '1',
      '{controller="test",result="requeue"}': '0',
      '{controller="test",result="success"}': '1',
    });
    const own = { '{controller="test"}': '1' };
    expect(valuesOf(text, 'controller_runtime_reconcile_errors_total')).toEqual(own);
    expect(valuesOf(text, 'controller_runtime_terminal_reconcile_errors_total')).toEqual(own);
    expect(valuesOf(text, 'controller_runtime_reconcile_panics_total')).toEqual({ '{controller="test"}': '0' });
    expect(valuesOf(text, 'controller_runtime_reconcile_time_seconds_count')).toEqual({ '{controller="test"}': '3' });
    expect(valuesOf(text, 'controller_runtime_max_concurrent_reconciles')).toEqual({ '{controller="test"}': '4' });
    expect(valuesOf(text, 'controller_runtime_active_workers')).toEqual({ '{controller="test"}': '0' });
    const queue = '{name="test",controller="test"}';
    expect(valuesOf(text, 'workqueue_adds_total')).toEqual({ [queue]: '3' });
    expect(valuesOf(text, 'workqueue_retries_total')).toEqual({ [queue]: '1' });
    expect(valuesOf(text, 'workqueue_queue_duration_seconds_count')).toEqual({ [queue]: '3' });
    expect(valuesOf(text, 'workqueue_depth')).toEqual({
      '{name="test",controller="test",priority="100"}': '0',
      '{name="test",controller="test",priority="0"}': '0',
      '{name="test",controller="test",priority="-100"}': '0',
    });
    const bounds = [...text.matchAll(/^workqueue_work_duration_seconds_bucket\{.*le="([^"]+)"/gm)].map(([, le]) => le);
    expect(bounds.join(' ')).toBe(
      '1e-08 1e-07 1e-06 9.999999999999999e-06 9.999999999999999e-05 0.001 0.01 0.1 1 10 100 1000 +Inf',
    );
    const informer =
      '{cluster="",group="",version="v1",resource="configmaps",namespace="",label_selector="",field_selector="",metadata_only="false"}';
    expect(valuesOf(text, 'keelson_informer_synced')).toEqual({ [informer]: '1' });
    expect(valuesOf(text, 'keelson_informer_objects')).toEqual({ [informer]: '3' });
    expect(text).toContain('\nprocess_resident_memory_bytes ');
  });
});

describe('health endpoints', () => {
  it('are ready once the caches are filled, and name what is not', async () => {
    const { api, client, health } = await start(async () => undefined);
    await waitFor(async () => (await health('/readyz')).text === 'ok');
    api.fault = ({ verb }) => {
      if (verb === 'list' || verb === 'watch') throw new Error('away');
    };
    host?.get(Informers).for(ConfigMap, { namespace: 'other' });
    expect(await health('/readyz')).toEqual({
      code: 500,
      text: '[-]informer-sync failed: reason withheld\n[+]ping ok\nreadyz check failed\n',
    });
    expect(await health('/readyz/informer-sync')).toEqual({
      code: 500,
      text: 'internal server error: not synced: configmaps in other\n',
    });
    expect((await health('/readyz?exclude=informer-sync')).text).toBe('ok');
    expect((await health('/healthz?verbose')).text).toBe('[+]informers ok\n[+]ping ok\nhealthz check passed\n');
    expect(await health('/livez/ping')).toEqual({ code: 200, text: 'ok' });
    expect((await health('/healthz/nothing')).code).toBe(404);
    expect((await health('/metrics')).code).toBe(404);
    expect((await health('/healthz', { method: 'POST' })).code).toBe(405);
    api.fault = () => undefined;
    await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'other' } });
    await waitFor(async () => (await health('/readyz')).code === 200);
  });

  it('ask the checks of plugins', async () => {
    let fine = false;
    const disk = definePlugin({
      name: 'disk',
      register: ({ provide }) =>
        provide.value(HealthChecks, {
          name: 'disk',
          check: () => {
            if (!fine) throw new Error('full');
          },
        }),
    });
    const { health } = await start(async () => undefined, disk as AnyPlugin);
    expect((await health('/healthz/disk')).text).toBe('internal server error: full\n');
    fine = true;
    expect((await health('/healthz')).text).toBe('ok');
  });

  it('tell why reconciles ran, now and from now on, to nobody but this machine', async () => {
    const { client, health, port, traces } = await start(async () => undefined);
    const create = (name: string) => client.create(ConfigMap, { metadata: { name, namespace: 'default' } });
    await create('a');
    await create('b');
    await waitFor(() => traces.list().length === 2);
    const lines = (await health('/debug/traces?controller=test&key=default/a')).text.trim().split('\n');
    expect(lines.map((each) => JSON.parse(each))).toMatchObject([
      { controller: 'test', key: 'default/a', outcome: 'success', causes: [{ type: 'added', object: 'default/a' }] },
    ]);
    const rebound = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'evil.example.com' };
      send({ host: '127.0.0.1', port, path: '/debug/traces', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(rebound).toBe(403);
    const abort = new AbortController();
    const followed = await fetch(`http://127.0.0.1:${port}/debug/traces?follow`, { signal: abort.signal });
    const decoder = new TextDecoder();
    let text = '';
    const reader = followed.body?.getReader();
    const readUntil = async (part: string) => {
      while (reader && !text.includes(part)) text += decoder.decode((await reader.read()).value);
    };
    await readUntil('default/b');
    await create('c');
    await readUntil('default/c');
    abort.abort();
    expect(text.split('\n').filter((each) => each !== '')).toHaveLength(3);
  });
});
