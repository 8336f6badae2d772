import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { openLogStorage } from './log-storage.ts';

const value = new Uint8Array([1]);

describe('entries with a time to live', () => {
  it('go when it is over, unless written again, also after the store was opened anew', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'expiry-'));
    const clock = new FakeClock();
    const options = { dir, clock, history: { revisions: 3 }, segmentBytes: 300 };
    let storage = await openLogStorage(options);
    const keys = async () => (await storage.list('')).entries.map((each) => each.key);
    await storage.create('/short', value, { ttlSeconds: 60 });
    const long = await storage.create('/long', value, { ttlSeconds: 60 });
    await storage.update('/long', value, long.modRevision, { ttlSeconds: 600 });
    const ever = await storage.create('/ever', value, { ttlSeconds: 60 });
    await storage.update('/ever', value, ever.modRevision);
    await clock.advance(50_000);
    expect(await keys()).toEqual(['/ever', '/long', '/short']);
    await clock.advance(20_000);
    await waitFor(async () => (await storage.count('')) === 2);
    expect(await keys()).toEqual(['/ever', '/long']);
    for (let at = 0; at < 30; at++) await storage.create(`/x${at}`, value, { ttlSeconds: 30 });
    await storage.close();
    storage = await openLogStorage(options);
    await clock.advance(40_000);
    await waitFor(async () => (await storage.count('')) === 2);
    await clock.advance(600_000);
    await waitFor(async () => (await storage.count('')) === 1);
    expect(await keys()).toEqual(['/ever']);
    await storage.close();
    await rm(dir, { recursive: true });
  });
});
