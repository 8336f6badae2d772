import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keelson/core/machinery';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow, readBackup, restoreBackup, writeAtomically, writeBackup } from './backup.ts';
import { openLogStorage } from './log-storage.ts';

const value = (text: string) => Buffer.from(text.repeat(50));

describe('backups', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'backup-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** A store with a few objects, some changed and removed; a backup is taken while it is written on. */
  async function backedUp(): Promise<string> {
    await mkdir(join(dir, 'from/pki'), { recursive: true });
    await writeFile(join(dir, 'from/pki/ca.key'), 'secret');
    const storage = await openLogStorage({ dir: join(dir, 'from/storage'), clock: systemClock });
    for (let at = 0; at < 1200; at++) await storage.create(`/${at}`, value(String(at)));
    await storage.update('/5', value('changed'), 6);
    await storage.delete('/6', 7);
    await storage.create('/expiring', value('x'), { ttlSeconds: 1000 });
    const path = join(dir, 'backup');
    const files = await filesBelow(join(dir, 'from'), 'pki');
    let appended = 0;
    await writeAtomically(path, (append) =>
      writeBackup(
        async (bytes) => {
          await storage.create(`/later/${appended++}`, value('later'));
          await append(bytes);
        },
        storage.freeze(),
        files,
        AbortSignal.timeout(60_000),
      ),
    );
    await storage.close();
    return path;
  }

  it('are of one moment, and make a store that goes on where nobody has been', async () => {
    const path = await backedUp();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readBackup(path)).toMatchObject({ revision: 1203, entries: 1200 });
    await restoreBackup(path, join(dir, 'to'));
    expect(await readFile(join(dir, 'to/pki/ca.key'), 'utf8')).toBe('secret');
    const storage = await openLogStorage({ dir: join(dir, 'to/storage'), clock: systemClock });
    expect([await storage.count(''), await storage.count('/later')]).toEqual([1200, 0]);
    expect((await storage.get('/5')).entry).toMatchObject({ modRevision: 1201, createRevision: 6 });
    expect((await storage.get('/6')).entry).toBeUndefined();
    await expect(storage.list('', { revision: 1203 })).rejects.toThrow('has been compacted');
    const next = await storage.create('/6', value('new'));
    expect(next.modRevision).toBeGreaterThan(1_000_000_000);
    await storage.close();
    const again = await openLogStorage({ dir: join(dir, 'to/storage'), clock: systemClock });
    expect(await again.count('')).toBe(1201);
    await again.close();
  });

  it('are refused where a byte is wrong or missing, or a later version wrote them', async () => {
    const path = await backedUp();
    const sound = await readFile(path);
    const restored = join(dir, 'to');
    for (let at = 0; at < sound.length; at += 997) {
      const bad = Buffer.from(sound);
      bad[at]! ^= 0x55;
      await writeFile(path, bad);
      await expect(restoreBackup(path, restored)).rejects.toMatchObject({ name: 'StorageOpenError' });
      await writeFile(path, sound.subarray(0, at));
      await expect(restoreBackup(path, restored)).rejects.toMatchObject({ kind: 'corrupt' });
    }
    const newer = Buffer.from(sound);
    newer.writeUInt32LE(99, 12);
    await writeFile(path, newer);
    await expect(restoreBackup(path, restored)).rejects.toMatchObject({ kind: 'version' });
    await expect(readdir(restored)).rejects.toThrow('ENOENT');
  });
});
