import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestApiServer, type TestApiServer } from '@keelson/apiserver/testing';
import { ConfigMap, Lease } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiled, OperatorProcess } from './operator-process.ts';
import { Task } from './task-operator.ts';

const namespace = 'default';
const within = (what: string) => ({ what, timeoutMs: 40_000 });

describe('two copies of an operator, each a process, one of which leads', () => {
  let program = '';
  let server: TestApiServer;
  let dir = '';
  const copies: OperatorProcess[] = [];

  beforeAll(async () => {
    program = await compiled(fileURLToPath(new URL('run-task-operator.ts', import.meta.url)));
  });
  beforeEach(async () => {
    server = await startTestApiServer({ socket: true });
    dir = await mkdtemp(join(tmpdir(), 'drain-'));
    await writeFile(join(dir, 'kubeconfig'), server.kubeconfig ?? '', { mode: 0o600 });
  });
  afterEach(async () => {
    for (const each of copies.splice(0)) await each.kill('SIGKILL');
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const lease = async () => (await server.client.get(Lease, { name: 'task', namespace })).spec;
  /** What they did of tasks, in order. */
  const journal = async () =>
    (await server.client.list(ConfigMap, { namespace })).items
      .filter(({ metadata }) => metadata.name.includes('-by-'))
      .toSorted((one, other) => Number(one.metadata.resourceVersion) - Number(other.metadata.resourceVersion))
      .map(({ metadata }) => metadata.name);
  const happens = (entry: string) => waitFor(async () => (await journal()).includes(entry), within(entry));
  const create = (name: string) =>
    waitFor(() => server.client.create(Task, { metadata: { name, namespace }, spec: {} }), within('the kind'));
  const allow = (name: string) => server.client.create(ConfigMap, { metadata: { name: `${name}.go`, namespace } });

  /** The first leads, and is in the midst of a task. */
  const inTheMidst = async (times: { readonly leaseMs: number; readonly drainMs: number }) => {
    const start = (who: string) => {
      const env = { WHO: who, LEASE_MS: `${times.leaseMs}`, DRAIN_MS: `${times.drainMs}` };
      const copy = OperatorProcess.run([program], { ...env, KUBECONFIG: join(dir, 'kubeconfig') });
      copies.push(copy);
      return copy;
    };
    const first = start('first');
    await waitFor(async () => (await lease())?.holderIdentity === 'first', within('the first to lead'));
    const second = start('second');
    await create('one');
    await happens('one.begun-by-first');
    return { first, second };
  };

  // With leases of ten minutes nobody leads by waiting for their end.
  const long = 600_000;

  it('SIGTERM lets the reconcile that runs come to its end, and the other copy takes over at once', async () => {
    const { first } = await inTheMidst({ leaseMs: long, drainMs: 60_000 });
    await create('two');
    await happens('two.begun-by-first');
    first.send('SIGTERM');
    await waitFor(() => first.output.includes('takes no more keys'), within('the first to be told'));
    expect(first.output).toContain('underWay={"task":2} drainMs=60000');
    // It takes up nothing new, and nobody else does while it is not done.
    await create('three');
    await allow('one');
    await happens('one.done-by-first');
    expect((await lease())?.holderIdentity).toBe('first');
    await allow('two');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    await happens('three.begun-by-second');
    await allow('three');
    await happens('three.done-by-second');
    expect(await journal()).toEqual([
      'one.begun-by-first',
      'two.begun-by-first',
      'one.done-by-first',
      'two.done-by-first',
      'three.begun-by-second',
      'three.done-by-second',
    ]);
    expect(await lease()).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 });
  }, 120_000);

  it('a reconcile that is not done within its grace is aborted, and the other copy does it', async () => {
    const { first } = await inTheMidst({ leaseMs: long, drainMs: 300 });
    expect(await first.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await happens('one.begun-by-second');
    await allow('one');
    await happens('one.done-by-second');
    expect(await journal()).toEqual(['one.begun-by-first', 'one.begun-by-second', 'one.done-by-second']);
  }, 120_000);

  it('after kill -9 the other copy takes over when the lease has ended, and nothing is lost', async () => {
    const { first } = await inTheMidst({ leaseMs: 3_000, drainMs: 5_000 });
    expect(await first.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect((await lease())?.holderIdentity).toBe('first');
    await create('two');
    await allow('one');
    await allow('two');
    await happens('one.done-by-second');
    await happens('two.done-by-second');
    expect(await journal()).not.toContain('one.done-by-first');
    expect(await lease()).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 });
  }, 120_000);
});
