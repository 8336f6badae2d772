import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keelson/core/machinery';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, storageConformance } from './conformance.ts';
import { StorageFailedError } from './contract.ts';
import { fileSystemDirectory, type LogDirectory } from './log-files.ts';
import { type LogStorage, type LogStorageOptions, openLogStorage } from './log-storage.ts';

const temporary = () => mkdtemp(join(tmpdir(), 'storage-'));
const value = new Uint8Array(100);

storageConformance('LogStorage', async () => {
  const dir = await temporary();
  let storage = await openLogStorage({ dir, clock: systemClock, segmentBytes: 4096 });
  return {
    storage,
    async reopen() {
      await storage.close();
      storage = await openLogStorage({ dir, clock: systemClock, segmentBytes: 4096 });
      return storage;
    },
    async dispose() {
      await storage.close();
      await rm(dir, { recursive: true });
    },
  };
});

describe('LogStorage', () => {
  let dir: string;
  const opened: LogStorage[] = [];
  beforeEach(async () => {
    dir = await temporary();
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
    await rm(dir, { recursive: true });
  });
  async function open(options: Partial<LogStorageOptions> = {}): Promise<LogStorage> {
    const storage = await openLogStorage({ dir, clock: systemClock, ...options });
    opened.push(storage);
    return storage;
  }
  const logFile = async () => join(dir, (await readdir(dir)).find((name) => name.startsWith('log-')) ?? '');

  it('keeps its files to their owner', async () => {
    await open({ dir: join(dir, 'deep/data') });
    expect((await stat(join(dir, 'deep/data'))).mode & 0o777).toBe(0o700);
    for (const name of await readdir(join(dir, 'deep/data'))) {
      expect((await stat(join(dir, 'deep/data', name))).mode & 0o777).toBe(0o600);
    }
  });

  it('lets one process in, and names it to the others', async () => {
    const storage = await open();
    await expect(openLogStorage({ dir, clock: systemClock })).rejects.toMatchObject({
      kind: 'locked',
      message: expect.stringContaining(`in use by process ${process.pid}`),
    });
    await storage.close();
    await open();
  });

  it('takes over from a process that is gone, or whose number another one has now', async () => {
    await writeFile(join(dir, 'lock'), '999999999 1 1\n');
    await (await open()).close();
    await writeFile(join(dir, 'lock'), `${process.pid} 1 1\n`);
    await open();
    expect((await readdir(dir)).filter((name) => name.startsWith('lock'))).toEqual(['lock']);
  });

  it('says when the place is no directory', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(openLogStorage({ dir: join(dir, 'file'), clock: systemClock })).rejects.toMatchObject({
      kind: 'permission',
    });
    await symlink(join(dir, 'nowhere'), join(dir, 'dangling'));
    await expect(openLogStorage({ dir: join(dir, 'file/below'), clock: systemClock })).rejects.toMatchObject({
      kind: 'permission',
    });
  });

  it('drops a batch that was never finished', async () => {
    const storage = await open();
    await storage.create('/a', value);
    const whole = await readFile(await logFile());
    await storage.create('/b', value);
    const longer = await readFile(await logFile());
    await storage.close();
    for (let size = whole.length; size < longer.length; size += 7) {
      await writeFile(await logFile(), longer.subarray(0, size));
      const again = await open();
      expect([again.currentRevision(), await again.count('')]).toEqual([1, 1]);
      await again.close();
    }
    await writeFile(await logFile(), Buffer.concat([whole, Buffer.alloc(5000)]));
    const again = await open();
    expect((await again.create('/c', value)).modRevision).toBe(2);
    await again.close();
    expect((await open()).currentRevision()).toBe(2);
  });

  it('refuses data that is damaged before its end, says where, and changes nothing', async () => {
    const storage = await open();
    for (const key of ['/a', '/b', '/c']) await storage.create(key, value);
    await storage.close();
    const file = await logFile();
    const sound = await readFile(file);
    const batches = [16, 16 + 12 + 25 + 2 + 100];
    for (let at = 0; at < batches[1]!; at += 3) {
      const damaged = Buffer.from(sound);
      damaged[at]! ^= 0x55;
      await writeFile(file, damaged);
      const refused = openLogStorage({ dir, clock: systemClock });
      if (at >= 12 && at < 16) {
        await expect(refused).rejects.toMatchObject({ kind: 'version' });
        continue;
      }
      const offset = at < 16 ? 0 : 16;
      await expect(refused).rejects.toMatchObject({
        kind: 'corrupt',
        message: expect.stringContaining(`${file} is damaged at byte ${offset}`),
      });
      expect(Buffer.compare(await readFile(file), damaged)).toBe(0);
    }
  });

  it('misses no file', async () => {
    const storage = await open({ segmentBytes: 500 });
    for (let at = 0; at < 30; at++) await storage.create(`/${at}`, value);
    await storage.close();
    const logs = (await readdir(dir)).filter((name) => name.startsWith('log-')).sort();
    expect(logs.length).toBeGreaterThan(4);
    await rm(join(dir, logs[2]!));
    await expect(openLogStorage({ dir, clock: systemClock })).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('replaces old files by a snapshot', async () => {
    const storage = await open({ segmentBytes: 2000, history: { revisions: 50 } });
    let { modRevision } = await storage.create('/a', value);
    for (let at = 0; at < 2000; at++) modRevision = (await storage.update('/a', value, modRevision)).modRevision;
    await waitFor(async () => (await readdir(dir)).length < 20);
    await storage.close();
    const names = await readdir(dir);
    expect(names.filter((name) => name.startsWith('snapshot-'))).toHaveLength(1);
    const again = await open();
    expect(again.currentRevision()).toBe(2001);
    expect((await again.get('/a')).entry).toMatchObject({ createRevision: 1, modRevision: 2001 });
    expect((await collect(again, '', 1960, 2001)).length).toBe(41);
  });

  it('forgets what is older than told, by its clock', async () => {
    const clock = new FakeClock();
    const storage = await open({ clock, history: { age: 5000 } });
    await storage.create('/a', value);
    await storage.create('/b', value);
    for (let tick = 0; tick < 5; tick++) await clock.advance(1000);
    expect((await storage.list('', { revision: 1 })).entries).toHaveLength(1);
    await storage.create('/c', value);
    await clock.advance(1000);
    await expect(storage.list('', { revision: 1 })).rejects.toMatchObject({ compactedRevision: 2 });
    expect((await storage.list('', { revision: 2 })).entries).toHaveLength(2);
  });

  it('chains writes that wait for the disk, and refuses none before it is sure', async () => {
    const storage = await open();
    const created = storage.create('/a', value);
    const guess = storage.update('/a', value, 1);
    const second = storage.create('/a', value);
    expect(storage.currentRevision()).toBe(0);
    await expect(second).rejects.toThrow('exists already');
    expect(storage.currentRevision()).toBe(2);
    expect([(await created).modRevision, (await guess).modRevision]).toEqual([1, 2]);
  });

  it('serves reads only once the disk refused a write', async () => {
    const disk = fileSystemDirectory(dir);
    let full = false;
    const files: LogDirectory = {
      ...disk,
      async open(name, size) {
        const file = await disk.open(name, size);
        return {
          get size() {
            return file.size;
          },
          async append(bytes) {
            if (full) {
              await file.append(bytes.subarray(0, bytes.length >> 1));
              throw new Error('ENOSPC: no space left on device');
            }
            await file.append(bytes);
          },
          sync: () => file.sync(),
          close: () => file.close(),
        };
      },
    };
    const storage = await open({ files });
    await storage.create('/a', value);
    await storage.healthy();
    full = true;
    const writes = ['/b', '/c'].map((key) => storage.create(key, value));
    for (const each of writes) await expect(each).rejects.toThrow(StorageFailedError);
    await expect(storage.healthy()).rejects.toThrow('no space left');
    await expect(storage.update('/a', value, 1)).rejects.toThrow(StorageFailedError);
    expect(await storage.count('')).toBe(1);
    await storage.close();
    expect(await (await open()).count('')).toBe(1);
  });
});
