import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@keelson/core/machinery';
import { build } from 'tsup';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLogStorage } from '../log-storage.ts';

const lives = 6;
let work: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'kill-'));
  await build({
    entry: { writer: join(dirname(fileURLToPath(import.meta.url)), 'writer.ts') },
    outDir: join(work, 'out'),
    outExtension: () => ({ js: '.mjs' }),
    config: false,
    format: ['esm'],
    target: 'node20',
    noExternal: [/@keelson/],
    esbuildOptions: (options) => {
      options.conditions = ['@keelson/source'];
    },
    silent: true,
  });
});
afterAll(() => rm(work, { recursive: true }));

/** Runs a writer and kills it once it has acknowledged `count` writes. Gives what it acknowledged. */
async function killAfter(dir: string, life: number, count: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, [join(work, 'out', 'writer.mjs'), dir, String(life)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const acknowledged = new Map<string, number>();
  for await (const line of createInterface(child.stdout)) {
    const [key = '', revision] = line.split(' ');
    if (key === 'open') continue;
    // The last line may have been cut short by the kill.
    if (revision !== undefined) acknowledged.set(key, Number(revision));
    if (acknowledged.size === count) child.kill('SIGKILL');
  }
  expect((await ended)[1]).toBe('SIGKILL');
  return acknowledged;
}

it('keeps every acknowledged write when its process is killed, and none by halves', async () => {
  const dir = join(work, 'data');
  const all = new Map<string, number>();
  for (let life = 0; life < lives; life++) {
    // Counts that do not fall together with batches.
    const acknowledged = await killAfter(dir, life, 500 + ((life * 677) % 3001));
    for (const [key, revision] of acknowledged) all.set(key, revision);
    const storage = await openLogStorage({ dir, clock: systemClock });
    const { entries } = await storage.list('');
    await storage.close();
    const stored = new Map(entries.map((each) => [each.key, each]));
    for (const [key, revision] of all) expect(stored.get(key)?.modRevision).toBe(revision);
    for (const { key, value } of entries) expect(Buffer.from(value).toString()).toBe(key.repeat(20));
    expect(new Set(entries.map((each) => each.modRevision)).size).toBe(entries.length);
  }
  expect((await readdir(dir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
