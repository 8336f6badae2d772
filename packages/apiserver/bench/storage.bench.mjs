// node packages/apiserver/bench/storage.bench.mjs [directory]
// Prints what the embedded store does on this machine. The directory should lie on the disk to be measured.
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsup';

const here = dirname(fileURLToPath(import.meta.url));
const work = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'storage-bench-'));
const rows = [];
const row = (what, value) => {
  rows.push([what, value]);
  console.log(what.padEnd(58), value.padStart(18));
};
const rate = (count, ms) => `${Math.round((count / ms) * 1000).toLocaleString('en')}/s`;

async function load() {
  const entry = join(work, 'entry.ts');
  const source = [join(here, '../src/storage/index.ts'), join(here, '../../core/src/machinery/index.ts')];
  await writeFile(entry, source.map((each) => `export * from ${JSON.stringify(each)};`).join('\n'));
  const outDir = join(work, 'out');
  await build({
    entry: { storage: entry },
    outDir,
    outExtension: () => ({ js: '.mjs' }),
    config: false,
    format: ['esm'],
    target: 'node20',
    silent: true,
    esbuildOptions: (options) => {
      options.conditions = ['@keelson/source'];
    },
    noExternal: [/@keelson/],
  });
  return import(pathToFileURL(join(outDir, 'storage.mjs')).href);
}

const { openLogStorage, MemoryStorage, systemClock } = await load();
const kilobyte = Buffer.alloc(1024, 'x');

async function puts(storage, writers, total, prefix) {
  const started = performance.now();
  let next = 0;
  const writer = async () => {
    while (next < total)
      await storage.create(`/registry/${prefix}/default/${String(next++).padStart(8, '0')}`, kilobyte);
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return performance.now() - started;
}

try {
  const dir = join(work, 'data');
  let storage = await openLogStorage({ dir, clock: systemClock });
  await puts(storage, 64, 5000, 'warm-up');
  row('durable 1 kB puts, 1 writer', rate(10_000, await puts(storage, 1, 10_000, 'alone')));
  row('durable 1 kB puts, 64 writers', rate(100_000, await puts(storage, 64, 100_000, 'many')));
  row('durable 1 kB puts, 1,000 writers', rate(100_000, await puts(storage, 1000, 100_000, 'pods')));

  let started = performance.now();
  const { entries } = await storage.list('/registry/pods/', { limit: 50_000 });
  row(`list of ${entries.length.toLocaleString('en')}`, `${(performance.now() - started).toFixed(1)} ms`);

  started = performance.now();
  let pages = 0;
  for (let after; ; pages++) {
    const page = await storage.list('/registry/pods/', { limit: 500, ...(after && { after }) });
    if (page.remaining === 0) break;
    after = page.entries.at(-1).key;
  }
  row(`list of 100,000 in ${pages + 1} pages`, `${(performance.now() - started).toFixed(1)} ms`);

  started = performance.now();
  for (let at = 0; at < 200_000; at++)
    await storage.get(`/registry/pods/default/${String(at % 100_000).padStart(8, '0')}`);
  row('get', rate(200_000, performance.now() - started));

  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const from = storage.currentRevision();
  const watchers = Array.from({ length: 1000 }, async () => {
    for await (const batch of storage.watch('/registry/pods/', from, controller.signal))
      if (batch.length > 0) return performance.now();
  });
  await new Promise(setImmediate);
  started = performance.now();
  await storage.create('/registry/pods/default/watched', kilobyte);
  const last = Math.max(...(await Promise.all(watchers)));
  row('one durable put seen by the last of 1,000 watchers', `${(last - started).toFixed(1)} ms`);
  controller.abort();

  await storage.close();
  started = performance.now();
  storage = await openLogStorage({ dir, clock: systemClock });
  row(
    `open again, ${(await storage.count('')).toLocaleString('en')} keys`,
    `${Math.round(performance.now() - started)} ms`,
  );
  await storage.close();

  const memory = new MemoryStorage();
  row('without a disk: puts, 64 writers', rate(100_000, await puts(memory, 64, 100_000, 'memory')));
  started = performance.now();
  for (let at = 0; at < 100; at++) memory.fork();
  row('without a disk: fork of 100,000 keys', `${((performance.now() - started) / 100).toFixed(2)} ms`);
  row('resident memory', `${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
} finally {
  await rm(work, { recursive: true, force: true });
}
