import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock, systemRandom } from '@keelson/core/machinery';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../pki/index.ts';
import { CompactedError, type StorageEvent, StorageUnavailableError } from '../contract.ts';
import { compactOnce } from './compactor.ts';
import { EtcdConnection } from './connection.ts';
import { type EtcdStorage, openEtcdStorage } from './etcd-storage.ts';
import type { EtcdOptions } from './options.ts';
import { type EtcdCluster, etcdPrograms, startEtcd } from './start-etcd.test-util.ts';
import { progressIsTrue } from './watch-session.ts';

const value = (text: string) => Buffer.from(text);
const [program = ''] = Object.values(etcdPrograms);
const etcdctl = Object.values(etcdPrograms)
  .map((each) => join(dirname(each), 'etcdctl'))
  .find((each) => existsSync(each));

describe.skipIf(program === '')('EtcdStorage under faults', () => {
  let cluster: EtcdCluster;
  const opened: EtcdStorage[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await cluster.stop();
  });

  const optionsFor = (more: Partial<EtcdOptions> = {}): EtcdOptions => ({
    endpoints: cluster.endpoints,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    compactionInterval: 0,
    ...more,
  });
  async function open(more?: Partial<EtcdOptions>): Promise<EtcdStorage> {
    const storage = await openEtcdStorage(optionsFor(more), AbortSignal.timeout(30_000));
    opened.push(storage);
    return storage;
  }
  const key = (name: string | number) => `/registry/configmaps/default/${name}`;

  it('shows one server at once what another has written, and one history to both', async () => {
    cluster = await startEtcd(program);
    const [a, b] = [await open(), await open()];
    for (let at = 0; at < 100; at++) {
      const { modRevision } = await a.create(key(at), value(String(at)));
      const read = await b.get(key(at));
      expect(read.entry?.modRevision).toBe(modRevision);
      if (at % 10 === 0) await b.update(key(at), value('b'), modRevision);
    }
    // Written to another key by somebody else: the replicas learn of it, or ask etcd.
    await compactOnce(new EtcdConnection(optionsFor()), { version: 0, revision: 0 }, AbortSignal.timeout(10_000));
    expect((await a.list('/registry/')).entries).toHaveLength(100);
    expect((await b.list('/registry/', { limit: 10 })).remaining).toBe(90);
    const own = value('own');
    expect((await a.create(key('own'), own)).value).toBe(own);
    await waitFor(async () => (await a.get(key('own'), { atLeast: 0 })).entry?.value === own);
  });

  it('goes on while members are killed, hang and come back', async () => {
    cluster = await startEtcd(program, { members: 3 });
    const storage = await open();
    const seen: StorageEvent[] = [];
    const watching = new AbortController();
    const start = storage.currentRevision();
    const watch = (async () => {
      for await (const batch of storage.watch('/registry/', start, watching.signal)) seen.push(...batch);
    })();
    let written = 0;
    const write = async () => {
      await storage.create(key(written), value(String(written))).catch((error: unknown) => {
        // It may have happened, and is not to be tried again under the same name.
        if (!(error instanceof StorageUnavailableError)) throw error;
      });
      written++;
    };
    const [first, second] = cluster.members;
    for (let at = 0; at < 20; at++) await write();
    await first?.kill();
    for (let at = 0; at < 20; at++) await write();
    await first?.start();
    second?.signal('SIGSTOP');
    for (let at = 0; at < 20; at++) await write();
    second?.signal('SIGCONT');
    for (let at = 0; at < 20; at++) await write();
    const { entries } = await storage.list('/registry/');
    expect(entries.length).toBeGreaterThan(70);
    await waitFor(() => seen.length >= entries.length, { timeoutMs: 20_000 });
    expect(seen.map((each) => each.key)).toEqual(
      [...entries].sort((a, b) => a.modRevision - b.modRevision).map((each) => each.key),
    );
    watching.abort();
    await watch;
  });

  it('says that it is not healthy, and what may have happened, when a majority is gone', async () => {
    cluster = await startEtcd(program, { members: 3 });
    const storage = await open();
    await storage.create(key('a'), value('a'));
    await storage.healthy();
    await Promise.all(cluster.members.slice(1).map((each) => each.kill()));
    await expect(storage.healthy()).rejects.toBeInstanceOf(StorageUnavailableError);
    expect((await storage.get(key('a'), { atLeast: 0 })).entry).toBeDefined();
    await expect(storage.get(key('a'))).rejects.toMatchObject({ outcome: 'none' });
    const failure = await storage.create(key('b'), value('b')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StorageUnavailableError);
    await Promise.all(cluster.members.slice(1).map((each) => each.start()));
    await waitFor(
      () =>
        storage.healthy().then(
          () => true,
          () => false,
        ),
      { timeoutMs: 30_000 },
    );
    await storage.create(key('c'), value('c'));
  });

  it('loads anew what was forgotten while it was cut off, and says so to its watchers', async () => {
    cluster = await startEtcd(program, { members: 1 });
    const storage = await open();
    const start = (await storage.create(key('a'), value('a'))).modRevision;
    const watch = (async () => {
      for await (const _ of storage.watch('/registry/', start, AbortSignal.timeout(60_000)));
    })();
    const broken = expect(watch).rejects.toThrow();
    await cluster.members[0]?.kill();
    await cluster.members[0]?.start();
    // Before the watch is up again, somebody else changes much, and forgets it.
    const other = await open();
    let revision = start;
    for (let at = 0; at < 50; at++) revision = (await other.update(key('a'), value(String(at)), revision)).modRevision;
    await other.compact(revision);
    await waitFor(async () => (await storage.get(key('a'))).entry?.modRevision === revision, { timeoutMs: 20_000 });
    // Either it was quick enough to see all, or it began anew; both end with the truth.
    await expect(
      (async () => {
        for await (const _ of other.watch('/registry/', start, AbortSignal.timeout(5_000)));
      })(),
    ).rejects.toBeInstanceOf(CompactedError);
    await storage.close();
    await Promise.race([broken, watch.catch(() => undefined)]);
  });

  it('is compacted by one of several, to what was current a round ago', async () => {
    cluster = await startEtcd(program);
    const storage = await open();
    const connection = new EtcdConnection(optionsFor());
    const round = (state: { version: number; revision: number }) =>
      compactOnce(connection, state, AbortSignal.timeout(10_000));
    const created = await storage.create(key('a'), value('a'));
    let one = await round({ version: 0, revision: 0 });
    let two = await round({ version: 0, revision: 0 });
    expect([one.compacted, two.compacted]).toEqual([false, false]);
    const changed = await storage.update(key('a'), value('b'), created.modRevision);
    one = await round(one);
    two = await round(two);
    one = await round(one);
    two = await round(two);
    expect([one.compacted, two.compacted].filter((each) => each)).toHaveLength(1);
    const late = await open();
    await expect(late.get(key('a'), { revision: created.modRevision })).rejects.toBeInstanceOf(CompactedError);
    expect((await late.get(key('a'))).entry?.modRevision).toBe(changed.modRevision);
    connection.close();
  });

  it('lets entries with a time to live go, by leases that others share', async () => {
    cluster = await startEtcd(program);
    const storage = await open();
    for (let at = 0; at < 20; at++) await storage.create(key(at), value('x'), { ttlSeconds: 1 });
    const kept = await storage.create(key('kept'), value('x'), { ttlSeconds: 1 });
    await storage.update(key('kept'), value('y'), kept.modRevision);
    await waitFor(async () => (await storage.count('/registry/')) === 1, { timeoutMs: 20_000 });
  });

  it.skipIf(etcdctl === undefined)('speaks TLS with certificates of its own, and as a user', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'etcd-tls-'));
    try {
      const now = systemClock.now();
      const valid = { notBefore: now - 60_000, notAfter: now + 3_600_000 };
      const authority = await makeCertificate({ subject: { commonName: 'ca' }, usages: ['ca'], ...valid });
      const issue = (commonName: string) =>
        makeCertificate(
          { subject: { commonName }, usages: ['server', 'client'], hosts: ['127.0.0.1'], ...valid },
          authority,
        );
      const [server, client] = [await issue('etcd'), await issue('apiserver')];
      const file = async (name: string, text: string) => {
        await writeFile(join(dir, name), text);
        return join(dir, name);
      };
      const ca = await file('ca.crt', authority.certificate);
      const args = ['--client-cert-auth', '--trusted-ca-file', ca];
      args.push(
        '--cert-file',
        await file('server.crt', server.certificate),
        '--key-file',
        await file('server.key', server.key),
      );
      cluster = await startEtcd(program, { scheme: 'https', args });
      const tls = { ca: authority.certificate, certificate: client.certificate, key: client.key };
      const cert = await file('client.crt', client.certificate);
      const flags = [
        '--endpoints',
        cluster.endpoints.join(),
        '--cacert',
        ca,
        '--cert',
        cert,
        '--key',
        await file('client.key', client.key),
      ];
      const ctl = (...command: string[]) =>
        promisify(execFile)(etcdctl ?? '', [...flags, ...command], { env: { ETCDCTL_API: '3' } });
      const storage = await open({ tls });
      await storage.create(key('a'), value('a'));
      await ctl('user', 'add', 'root:secret');
      await ctl('user', 'grant-role', 'root', 'root');
      await ctl('role', 'add', 'api');
      await ctl('role', 'grant-permission', 'api', '--prefix=true', 'readwrite', '/registry/');
      await ctl('user', 'add', 'api:word');
      await ctl('user', 'grant-role', 'api', 'api');
      await ctl('auth', 'enable');
      const user = await open({ tls, user: { name: 'api', password: 'word' } });
      expect((await user.get(key('a'))).entry).toBeDefined();
      await user.create(key('b'), value('b'), { ttlSeconds: 100 });
      await expect(open({ tls, user: { name: 'api', password: 'wrong' } })).rejects.toThrow('authentication failed');
      await expect(open({ tls: { ca: authority.certificate } })).rejects.toThrow();
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('progressIsTrue', () => {
  it('believes the versions in which it was mended', () => {
    const versions = ['3.4.23', '3.4.31', '3.5.0', '3.5.12', '3.5.13', '3.6.5', '4.0.0', ''];
    expect(versions.filter(progressIsTrue)).toEqual(['3.4.31', '3.5.13', '3.6.5', '4.0.0']);
  });
});
