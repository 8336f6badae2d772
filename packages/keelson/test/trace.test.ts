import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import { ConfigMap, defineOperator, Secret } from '@keelson/core';
import { type AnyPlugin, StatusPorts, statusPlugin } from '@keelson/core/host';
import { waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { trace } from '../src/commands/trace.ts';

const copier = defineOperator({
  name: 'copier',
  for: Secret,
  owns: [ConfigMap],
  async reconcile({ metadata }, { apply }) {
    if (metadata.name === 'bad') throw new Error('will not copy that');
    await apply(ConfigMap, { metadata: { name: `${metadata.name}-copy` }, data: { of: metadata.name } });
  },
});

describe('keelson trace', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });
  const start = async () => {
    cluster = await startTestCluster({
      plugins: [copier as AnyPlugin, statusPlugin as AnyPlugin],
      options: { status: { health: 0 } },
    });
    const { client, traces, host } = cluster;
    const create = (name: string) => client.create(Secret, { metadata: { name, namespace: 'default' } });
    return { create, traces, operator: `127.0.0.1:${host.get(StatusPorts).health}` };
  };

  it('prints why reconciles ran, of a controller and a key', async () => {
    const { create, traces, operator } = await start();
    await create('a');
    await create('bad');
    await waitFor(() => traces.list({ key: 'default/a' }).length === 1 && traces.list({ key: 'default/bad' }).length);
    let text = '';
    const write = (more: string) => {
      text += more;
    };
    await trace('copier', 'default/a', { operator }, write);
    expect(text).toMatch(
      /^#\d+ copier default\/a at [\d:.]+ went well after .*\n├─ because Secret default\/a was added \(version \d+\) by somebody else, .*\n├─ waited .*\n/,
    );
    expect(text).toContain('apply ConfigMap default/a-copy: version ');
    expect(text).not.toContain('default/bad');
    text = '';
    await trace(undefined, 'default/bad', { operator, json: true }, write);
    expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({
      error: 'Error: will not copy that',
      outcome: 'error',
    });
    text = '';
    await trace('nobody', undefined, { operator }, write);
    expect(text).toBe('Nothing was reconciled yet that this names.\n');
  });

  it('goes on with what comes, and says who is not there', async () => {
    const { create, traces, operator } = await start();
    const stop = new AbortController();
    let text = '';
    const followed = trace(undefined, undefined, { operator, follow: true }, (more) => (text += more), stop.signal);
    await create('a');
    await waitFor(() => text.includes('copier default/a'));
    await create('b');
    await waitFor(() => text.includes('copier default/b'));
    stop.abort();
    await followed;
    expect(traces.list().length).toBe(2);
    await expect(trace(undefined, undefined, { operator: '127.0.0.1:1' })).rejects.toThrow(
      'nobody answers at http://127.0.0.1:1. An operator does with `runOperator(operator, { health: true })`',
    );
  });
});
