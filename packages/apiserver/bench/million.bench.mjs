// node packages/apiserver/bench/million.bench.mjs [--dir DIR] [--count 1000000] [--json]
// A million objects of 1 kB in the embedded store: how long a start takes, how much memory it needs, and how the API
// answers then. The directory should lie on the disk to be measured.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'tsup';

const { values: flags } = parseArgs({
  options: {
    dir: { type: 'string', default: tmpdir() },
    count: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
    phase: { type: 'string' },
    work: { type: 'string' },
    code: { type: 'string' },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const count = Number(flags.count);
const perNamespace = 10_000;
const name = (at) => `object-${String(at).padStart(8, '0')}`;
const namespace = (at) => `namespace-${Math.floor(at / perNamespace)}`;
const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: console.error,
  error: console.error,
  named: () => quiet,
};
const megabytes = (bytes) => Math.round(bytes / 1024 / 1024);

function objectOf(at) {
  const metadata = {
    name: name(at),
    namespace: namespace(at),
    uid: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: `app-${at % 100}` },
  };
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { text: '' } };
  object.data.text = 'x'.repeat(1024 - JSON.stringify(object).length);
  return object;
}

async function fill({ openLogStorage, systemClock }) {
  const storage = await openLogStorage({ dir: join(flags.work, 'data'), clock: systemClock });
  const started = performance.now();
  let next = 0;
  const writer = async () => {
    while (next < count) {
      const at = next++;
      const bytes = Buffer.from(JSON.stringify(objectOf(at)));
      await storage.create(`/registry/configmaps/${namespace(at)}/${name(at)}`, bytes);
    }
  };
  await Promise.all(Array.from({ length: 256 }, writer));
  const seconds = (performance.now() - started) / 1000;
  const result = { perSecond: Math.round(count / seconds), rss: megabytes(process.memoryUsage().rss) };
  await storage.close();
  return result;
}

async function timed(times, action) {
  const taken = [];
  for (let at = 0; at < times; at++) {
    const from = performance.now();
    await action(at);
    taken.push(performance.now() - from);
  }
  taken.sort((a, b) => a - b);
  const at = (share) => Number(taken[Math.min(taken.length - 1, Math.floor(taken.length * share))].toFixed(2));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function measure(code) {
  const { openLogStorage, systemClock, systemRandom, ResourceRegistry, inProcessTransport, createClient, ConfigMap } =
    code;
  const from = performance.now();
  const storage = await openLogStorage({ dir: join(flags.work, 'data'), clock: systemClock });
  const registry = new ResourceRegistry({ storage, clock: systemClock, random: systemRandom, logger: quiet });
  await registry.start();
  const startSeconds = Number(((performance.now() - from) / 1000).toFixed(1));
  const rssAfterStart = megabytes(process.memoryUsage().rss);
  const heapAfterStart = megabytes(process.memoryUsage().heapUsed);
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
  let seed = 1;
  const any = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % count;
  };
  const get = await timed(20_000, () => {
    const at = any();
    return client.get(ConfigMap, { name: name(at), namespace: namespace(at) });
  });
  let token;
  const listPage = await timed(400, async () => {
    const { metadata } = await client.list(ConfigMap, { limit: 500, ...(token && { continue: token }) });
    token = metadata.continue;
  });
  const text = 'x'.repeat(800);
  const create = (at) =>
    client.create(ConfigMap, { metadata: { name: `new-${at}`, namespace: namespace(any()) }, data: { text } });
  const createAlone = await timed(5_000, create);
  let next = 5_000;
  const taken = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (next < 65_000) {
        const at = performance.now();
        await create(next++);
        taken.push(performance.now() - at);
      }
    }),
  );
  const perSecond = Math.round(taken.length / ((performance.now() - began) / 1000));
  taken.sort((a, b) => a - b);
  const createBy64 = {
    p50: Number(taken[taken.length >> 1].toFixed(2)),
    p99: Number(taken[Math.floor(taken.length * 0.99)].toFixed(2)),
    perSecond,
  };
  const rss = megabytes(process.memoryUsage().rss);
  await registry.close();
  const closing = performance.now();
  await storage.close();
  return {
    startSeconds,
    rssAfterStart,
    heapAfterStart,
    get,
    listPage,
    createAlone,
    createBy64,
    rss,
    stopSeconds: Number(((performance.now() - closing) / 1000).toFixed(1)),
  };
}

async function load(out) {
  const entry = join(out, 'entry.ts');
  const source = ['../src/storage/index.ts', '../src/registry/index.ts', '../../core/src/index.ts'];
  await mkdir(out, { recursive: true });
  await writeFile(entry, source.map((each) => `export * from ${JSON.stringify(join(here, each))};`).join('\n'));
  await build({
    entry: { code: entry },
    outDir: out,
    outExtension: () => ({ js: '.mjs' }),
    config: false,
    format: ['esm'],
    target: 'node20',
    silent: true,
    splitting: false,
    noExternal: [/^@keelson/],
    external: [/^(?!@keelson)[^./]/],
    esbuildOptions: (options) => {
      options.conditions = ['@keelson/source'];
    },
  });
}

/** Each phase has a process of its own, so that memory is that of a fresh start. */
async function inProcess(phase, work, code) {
  const args = [
    fileURLToPath(import.meta.url),
    '--phase',
    phase,
    '--work',
    work,
    '--code',
    code,
    '--count',
    flags.count,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [exit] = await once(child, 'exit');
  if (exit !== 0) throw new Error(`the phase ${phase} ended with ${exit}`);
  return JSON.parse(output);
}

if (flags.phase) {
  const code = await import(pathToFileURL(join(flags.code, 'code.mjs')).href);
  process.stdout.write(JSON.stringify(flags.phase === 'fill' ? await fill(code) : await measure(code)));
} else {
  const work = await mkdtemp(join(flags.dir, 'million-bench-'));
  const code = join(here, `../../../node_modules/.cache/million-${process.pid}`);
  try {
    await load(code);
    const filled = await inProcess('fill', work, code);
    const measured = await inProcess('measure', work, code);
    if (flags.json) console.log(JSON.stringify({ count, filled, ...measured }));
    else {
      const row = (what, value) => console.log(what.padEnd(52), value);
      const times = ({ p50, p99, max }) =>
        `p50 ${p50} ms, p99 ${p99} ms${max === undefined ? '' : `, worst ${max} ms`}`;
      row(
        `fill with ${count.toLocaleString('en')} objects of 1 kB, 256 writers`,
        `${filled.perSecond.toLocaleString('en')}/s`,
      );
      row('start: until the API is ready', `${measured.startSeconds} s`);
      row('memory after the start', `${measured.rssAfterStart} MB, ${measured.heapAfterStart} MB of them JavaScript`);
      row('get', times(measured.get));
      row('list, a page of 500', times(measured.listPage));
      row('create, one after the other', times(measured.createAlone));
      row(
        'create, 64 writers',
        `${times(measured.createBy64)}, ${measured.createBy64.perSecond.toLocaleString('en')}/s`,
      );
      row('memory after that', `${measured.rss} MB`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(code, { recursive: true, force: true });
  }
}
