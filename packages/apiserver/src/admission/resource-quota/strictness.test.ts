import { setImmediate as turn } from 'node:timers/promises';
import { ConfigMap, isStatusError, ResourceQuota, Service, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { FakeClock, settle, silentLogger } from '@keelson/core/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inProcessTransport, ResourceRegistry } from '../../registry/index.ts';
import type { Revision, StoredEntry, WriteOptions } from '../../storage/contract.ts';
import { MemoryStorage } from '../../storage/memory-storage.ts';

const user = { name: 'admin', groups: ['system:masters'] };
const namespace = 'default';
const resource = 'count/configmaps';

/** A store whose writes wait, each, for what `before` resolves to. */
class SlowStorage extends MemoryStorage {
  before: (key: string) => Promise<void> | undefined = () => undefined;

  override async create(key: string, value: Uint8Array, options?: WriteOptions): Promise<StoredEntry> {
    await this.before(key);
    return super.create(key, value, options);
  }

  override async update(key: string, value: Uint8Array, at: Revision, options?: WriteOptions): Promise<StoredEntry> {
    await this.before(key);
    return super.update(key, value, at, options);
  }
}

/** Two servers on one store, and a client of each. */
class Servers {
  readonly clock = new FakeClock();
  readonly storage = new SlowStorage({ clock: this.clock });
  readonly #options = { storage: this.storage, clock: this.clock, random: systemRandom, logger: silentLogger };
  readonly #registries = [new ResourceRegistry(this.#options), new ResourceRegistry(this.#options)];
  readonly clients = this.#registries.map((each) => createClient(inProcessTransport(each, user)));

  client(at = 0) {
    return this.clients[at % this.clients.length]!;
  }

  async close(): Promise<void> {
    for (const each of this.#registries) await each.close();
  }

  async quota(hard: Record<string, string>): Promise<void> {
    await this.client().create(ResourceQuota, { metadata: { name: 'q', namespace }, spec: { hard } });
    await this.count(Object.fromEntries(Object.keys(hard).map((name) => [name, '0'])));
  }

  /** Says what a controller has counted, as one that has seen little of what is there would. */
  async count(used: Record<string, string>, at = 0) {
    const quota = await this.client(at).get(ResourceQuota, { name: 'q', namespace });
    return this.client(at).updateStatus(ResourceQuota, { ...quota, status: { hard: quota.spec?.hard ?? {}, used } });
  }

  /** The same without minding what was there. */
  patch(used: number, at: number) {
    const ref = { name: 'q', namespace };
    const status = { used: { [resource]: String(used) } };
    return this.client(at).patch(ResourceQuota, ref, { merge: { status } }, { subresource: 'status' });
  }

  async used() {
    return (await this.client().get(ResourceQuota, { name: 'q', namespace })).status?.used;
  }

  create(name: string, at = 0) {
    return this.client(at).create(ConfigMap, { metadata: { name, namespace } });
  }

  async stored(): Promise<number> {
    return (await this.client().list(ConfigMap, { namespace })).items.length;
  }

  /** Holds the writes of a key back; the function returned lets them go. */
  async hold(key: string, write: () => Promise<unknown>) {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached = false;
    this.storage.before = (each) => {
      if (each !== key) return undefined;
      reached = true;
      return released;
    };
    const outcome = write().then(
      () => 'written',
      (error: unknown) => (isStatusError(error) ? error.message : String(error)),
    );
    await until(() => reached);
    return { outcome, release };
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 10_000) throw new Error('the condition does not come to hold');
    await turn();
  }
}

let servers: Servers;
beforeEach(() => {
  servers = new Servers();
});
afterEach(() => servers.close());

const message = (write: Promise<unknown>) =>
  write.then(
    () => 'written',
    (error: unknown) => (isStatusError(error) ? error.message : String(error)),
  );
const slow = '/registry/configmaps/default/slow';

describe('what a quota says is used', () => {
  for (const [who, at] of [
    ['the same server', 0],
    ['another server', 1],
  ] as const) {
    it(`is not lowered below a write that stalls for a minute, by way of ${who}`, async () => {
      await servers.quota({ [resource]: '2' });
      const { outcome, release } = await servers.hold(slow, () => servers.create('slow'));
      expect(await servers.used()).toEqual({ [resource]: '1' });
      const counting = servers.count({ [resource]: '0' }, at);
      await servers.clock.advance(60_000);
      await counting;
      // The room is free for others, and the one that stalled has to ask again.
      expect(await servers.used()).toEqual({ [resource]: '0' });
      await servers.create('a');
      await servers.create('b', 1);
      release();
      expect(await outcome).toBe(
        'configmaps "slow" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2',
      );
      expect([await servers.stored(), await servers.used()]).toEqual([2, { [resource]: '2' }]);
    });
  }

  it('lets a write that stalled through where there is still room', async () => {
    await servers.quota({ [resource]: '2' });
    const { outcome, release } = await servers.hold(slow, () => servers.create('slow'));
    await servers.count({ [resource]: '0' }, 1);
    await servers.create('a', 1);
    release();
    expect(await outcome).toBe('written');
    expect([await servers.stored(), await servers.used()]).toEqual([2, { [resource]: '2' }]);
  });

  it('counts a write that is just on its way, and does not void it', async () => {
    await servers.quota({ [resource]: '2' });
    const { outcome, release } = await servers.hold(slow, () => servers.create('slow'));
    const counting = servers.count({ [resource]: '0' });
    release();
    expect((await counting).status?.used).toEqual({ [resource]: '1' });
    expect(await outcome).toBe('written');
  });

  it('is never less than what is stored, whatever somebody says', async () => {
    await servers.quota({ [resource]: '2' });
    await servers.create('a');
    expect((await servers.count({ [resource]: '0' })).status?.used).toEqual({ [resource]: '1' });
    expect((await servers.count({ [resource]: '2' })).status?.used).toEqual({ [resource]: '2' });
    expect((await servers.count({ [resource]: '1' })).status?.used).toEqual({ [resource]: '1' });
  });

  it('does not keep what was charged for a write that failed', async () => {
    await servers.quota({ [resource]: '2' });
    await servers.create('a');
    expect(await message(servers.create('a'))).toBe('configmaps "a" already exists');
    expect(await servers.used()).toEqual({ [resource]: '1' });
    // Nor in the quota that had room, where another one had none.
    await servers
      .client()
      .create(ResourceQuota, { metadata: { name: 'p', namespace }, spec: { hard: { secrets: '1' } } });
    expect(await servers.used()).toEqual({ [resource]: '1' });
  });

  it('does not fall by a write that takes less, but by a count after it', async () => {
    await servers.quota({ 'services.nodeports': '1' });
    const ports = [{ port: 80 }];
    const made = await servers
      .client()
      .create(Service, { metadata: { name: 's', namespace }, spec: { ports, type: 'NodePort' } });
    await servers.client().update(Service, { ...made, spec: { ...made.spec, type: 'ClusterIP' } });
    // As a real v1.35.4 answers without a controller manager.
    expect(await servers.used()).toEqual({ 'services.nodeports': '1' });
    expect((await servers.count({ 'services.nodeports': '0' })).status?.used).toEqual({ 'services.nodeports': '0' });
  });

  it('costs a namespace without quotas no write and no fence', async () => {
    const keys: string[] = [];
    servers.storage.before = (key) => {
      keys.push(key);
      return undefined;
    };
    await servers.create('a');
    expect(keys).toEqual(['/registry/configmaps/default/a']);
  });
});

describe('a quota that two servers charge, count and give back in any order', () => {
  it('is never exceeded, and in the end says what is there', async () => {
    const most = 5;
    const step = fc.record({
      type: fc.constantFrom('create', 'create', 'create', 'create', 'delete', 'count', 'count', 'wait', 'wait'),
      at: fc.nat(1),
      name: fc.nat(12),
      used: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        fc.infiniteStream(fc.oneof(fc.nat(3), fc.nat(60))),
        async (steps, delays) => {
          const own = new Servers();
          try {
            await own.quota({ [resource]: String(most) });
            own.storage.before = async () => {
              for (let left = delays.next().value; left > 0; left--) await turn();
            };
            const running: Promise<unknown>[] = [];
            const run = (work: Promise<unknown>) => running.push(work.then(undefined, expected));
            for (const { type, at, name, used } of steps) {
              if (type === 'count') run(own.patch(used, at));
              else if (type === 'delete') run(own.client(at).delete(ConfigMap, { name: `c${name}`, namespace }));
              else if (type === 'wait') await settle(used * 5);
              else run(own.create(`c${name}`, at));
              expect(await own.stored()).toBeLessThanOrEqual(most);
            }
            const ended = Promise.all(running);
            let over = false;
            void ended.then(() => {
              over = true;
            });
            while (!over) {
              await own.clock.advance(100);
              expect(await own.stored()).toBeLessThanOrEqual(most);
            }
            await ended;
            const stored = await own.stored();
            expect(Number((await own.used())?.[resource])).toBeGreaterThanOrEqual(stored);
            expect((await own.count({ [resource]: '0' })).status?.used).toEqual({ [resource]: String(stored) });
          } finally {
            await own.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** What may happen to any of them. */
function expected(error: unknown): void {
  const reasons = ['Forbidden', 'AlreadyExists', 'NotFound', 'Conflict', 'TooManyRequests'] as const;
  if (!reasons.some((each) => isStatusError(error, each))) throw error;
}
