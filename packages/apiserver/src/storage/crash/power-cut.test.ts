import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keelson/core/machinery';
import { seededRandom } from '@keelson/core/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openLogStorage } from '../log-storage.ts';
import { PowerCutDirectory } from './power-cut-directory.ts';

/** How far each writer has come: its key holds the number of its last write. */
interface Progress {
  acknowledged: number;
  attempted: number;
}

it('keeps what it acknowledged through losses of power, and nothing by halves', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 60 }),
      async (seed, writers, span) => {
        const random = seededRandom(seed);
        const root = await mkdtemp(join(tmpdir(), 'power-'));
        const progress = Array.from({ length: writers }, (): Progress => ({ acknowledged: 0, attempted: 0 }));
        try {
          let revision = 0;
          for (let life = 0; life < 4; life++) {
            revision = await live(join(root, 'data'), random, progress, span, revision);
          }
        } finally {
          await rm(root, { recursive: true });
        }
      },
    ),
    { numRuns: 25 },
  );
});

/** Opens, checks all that earlier lives acknowledged, writes on until the power goes. */
async function live(
  dir: string,
  random: () => number,
  progress: Progress[],
  span: number,
  least: number,
): Promise<number> {
  const files = new PowerCutDirectory(dir, random);
  const storage = await openLogStorage({
    dir,
    clock: systemClock,
    files,
    segmentBytes: 3000,
    history: { revisions: 30 },
  });
  expect(storage.currentRevision()).toBeGreaterThanOrEqual(least);
  const { entries } = await storage.list('');
  for (const [writer, each] of progress.entries()) {
    const entry = entries.find(({ key }) => key === `/${writer}`);
    const [number, ...padding] = entry ? Buffer.from(entry.value).toString().split(' ') : ['0'];
    expect(Number(number)).toBeGreaterThanOrEqual(each.acknowledged);
    expect(Number(number)).toBeLessThanOrEqual(each.attempted);
    expect(padding.join(' ')).toBe(entry ? filling(writer, Number(number)) : '');
    each.acknowledged = each.attempted = Number(number);
  }
  let done = 0;
  let cut: Promise<void> | undefined;
  await Promise.all(
    progress.map(async (each, writer) => {
      let known = entries.find(({ key }) => key === `/${writer}`)?.modRevision;
      while (!cut) {
        const next = each.attempted + 1;
        each.attempted = next;
        const value = Buffer.from(`${next} ${filling(writer, next)}`);
        const write =
          known === undefined ? storage.create(`/${writer}`, value) : storage.update(`/${writer}`, value, known);
        const entry = await write.catch(() => undefined);
        if (!entry) return;
        known = entry.modRevision;
        each.acknowledged = next;
        done++;
        if (done >= span && random() < 0.2) cut ??= files.cut();
      }
    }),
  );
  await cut;
  const reached = storage.currentRevision();
  await storage.close().catch((error: unknown) => expect(String(error)).toContain('power is off'));
  return reached;
}

const filling = (writer: number, number: number) => `${writer}.${number} `.repeat((number * 13) % 40);
