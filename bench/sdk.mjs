// The SDK beside other clients, each in a process of its own, one after the other, against one server: the first list of
// many Pods, a flood of updates, single edits, a watch that was quiet; and, without a server, queues and imports.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { binary } from '../conformance/binaries.mjs';
import { installNpmClient, npmClient, npmClientVersion } from '../conformance/npm-clients.mjs';
import { fillWithPods, makeNamespace } from './lists.mjs';
import { openGate } from './sdk-gate.mjs';
import { sentAt } from './sdk-probe.mjs';
import { expectStatus, open, percentile, request } from './target.mjs';

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const node = (...args) => [process.execPath, ['--expose-gc', file('./sdk-client.mjs'), ...args]];
const go = (name, { kubeconfig, namespace, count, form }) => [
  binary('sdkbench'),
  [name, '--kubeconfig', kubeconfig, '--namespace', namespace, '--count', String(count), '--form', form],
];
const keelson = (name, form) => (at) => node(name, at.kubeconfig, at.namespace, String(at.count), form);

/** Who is measured; `reconciles`: it ends in a reconcile, not in a handler; `only`: what of it is of interest. */
const clients = [
  { name: '@keelson/core, streamed list', command: keelson('keelson', 'stream') },
  { name: '@keelson/core, metadata only', command: keelson('keelson', 'metadata'), only: 'sync' },
  { name: '@keelson/core, pages', command: keelson('keelson', 'pages'), only: 'sync' },
  { name: '@keelson/core, controller', command: keelson('keelson-controller', 'stream'), reconciles: true },
  {
    name: '@kubernetes/client-node 1.4.0',
    command: (at) => node('client-node', at.kubeconfig, at.namespace, String(at.count)),
  },
  {
    name: `kubernetes-fluent-client ${npmClientVersion('kubernetes-fluent-client')} (Pepr)`,
    command: (at) => node('fluent', at.kubeconfig, at.namespace, String(at.count)),
  },
  { name: 'client-go 0.35.4, JSON', command: (at) => go('client-go', { ...at, form: 'json' }) },
  { name: 'client-go 0.35.4, protobuf', command: (at) => go('client-go', { ...at, form: 'protobuf' }) },
  {
    name: 'controller-runtime 0.23.1, JSON',
    command: (at) => go('controller-runtime', { ...at, form: 'json' }),
    reconciles: true,
  },
];

/** A client's process; it is asked and answers as sdk-probe.mjs says. */
function begin([program, args]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = [];
  const waiting = [];
  let ended;
  const look = () => {
    for (const each of [...waiting]) {
      const at = said.findIndex((message) => each.key in message);
      if (at >= 0) each.resolve(said.splice(at, 1)[0][each.key]);
      else if (ended) each.reject(ended);
      else continue;
      waiting.splice(waiting.indexOf(each), 1);
    }
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    if ('error' in message) console.error(`  ${message.error}`);
    else said.push(message);
    look();
  });
  const gone = new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      ended = new Error(`${program} ${args.at(1)} ended with ${code ?? signal}`);
      look();
      resolve();
    });
  });
  return {
    /** What it says under a key, once; rejects after so many seconds. */
    told(key, seconds = 180) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${program} ${args.at(1)}: no "${key}" in ${seconds} s`)),
          seconds * 1000,
        );
        waiting.push({
          key,
          resolve: (value) => {
            clearTimeout(timer);
            resolve(value);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
        look();
      });
    },
    async next(count) {
      child.stdin.write(`next ${count}\n`);
      await this.told('ready');
    },
    async end() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await gone;
      clearTimeout(timer);
    },
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const nameOf = (at) => `pod-${String(at).padStart(6, '0')}`;

function patch(session, namespace, at, annotations) {
  const path = `/api/v1/namespaces/${namespace}/pods/${nameOf(at)}`;
  const headers = { 'content-type': 'application/merge-patch+json' };
  return expectStatus(request(session, 'PATCH', path, { metadata: { annotations } }, headers), 200);
}

/** `count` updates as fast as the server takes them, each of another Pod as long as there are some. */
async function update(target, namespace, count, pods) {
  const sessions = await Promise.all(Array.from({ length: 4 }, () => open(target)));
  let next = 0;
  await Promise.all(
    Array.from({ length: 64 }, async (_, index) => {
      while (next < count) {
        const at = next++;
        await patch(sessions[index % sessions.length], namespace, at % pods, {
          'bench.example.com/round': `${Math.random()}`,
        });
      }
    }),
  );
  for (const session of sessions) session.close();
}

/** Edits one after the other; the client's latencies from the sending of the write on, in ms, in order of size. */
async function edits(client, target, namespace, { count, everyMs, from }) {
  // A connection of its own: a server ends what was idle while another client was measured.
  const session = await open(target);
  await client.next(count);
  const told = client.told('events');
  told.catch(() => undefined);
  for (let at = 0; at < count; at++) {
    const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
    await patch(session, namespace, from + at, { [sentAt]: String(micros) });
    await pause(everyMs);
  }
  session.close();
  return (await told).latencies.sort((a, b) => a - b);
}

async function best(rounds, measure, better) {
  let found;
  for (let round = 0; round < rounds; round++) {
    const got = await measure();
    if (found === undefined || better(got, found)) found = got;
  }
  return found;
}

/** Throws where a program of others is missing, before anything is measured. */
export function prepare() {
  binary('sdkbench');
  installNpmClient('kubernetes-fluent-client');
}

/** One row a client. `side`: `target` and `kubeconfig`; `options`: pods, updates, quietSeconds, rounds, log. */
export async function measureClients(side, { pods, updates, edits: editCount, quietSeconds, rounds, log }) {
  const namespace = `sdk-${process.pid}`;
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-sdk-'));
  await makeNamespace(side.target, namespace);
  await fillWithPods(side.target, namespace, 0, pods);
  const gate = await openGate(side.target);
  const gated = join(dir, 'gate');
  writeFileSync(gated, gate.kubeconfig, { mode: 0o600 });
  const rows = [];
  try {
    await pause(5000);
    for (const { name, command, only, reconciles } of clients) {
      const row = { name, reconciles };
      rows.push(row);
      row.sync = await best(
        rounds,
        async () => {
          const client = begin(command({ kubeconfig: side.kubeconfig, namespace, count: pods }));
          const synced = await client.told('synced');
          if (synced.objects !== pods) throw new Error(`${name} has ${synced.objects} objects instead of ${pods}`);
          await client.end();
          return synced;
        },
        (a, b) => a.ms < b.ms,
      );
      log(name, JSON.stringify(row.sync));
      if (only === 'sync') continue;

      row.events = await best(
        rounds,
        async () => {
          const client = begin(command({ kubeconfig: gated, namespace, count: pods }));
          await client.told('watching');
          await pause(1000);
          gate.hold();
          await client.next(updates);
          await update(side.target, namespace, updates, pods);
          await pause(500);
          const told = client.told('events');
          gate.release();
          const events = await told;
          await client.end();
          return events;
        },
        (a, b) => a.ms < b.ms,
      );
      log(name, JSON.stringify({ ...row.events, latencies: undefined }));

      const client = begin(command({ kubeconfig: side.kubeconfig, namespace, count: pods }));
      await client.told('watching');
      await pause(1000);
      row.latencies = await edits(client, side.target, namespace, { count: editCount, everyMs: 5, from: 0 });
      await client.end();
      log(name, `edits: p50 ${percentile(row.latencies, 0.5)} ms, p99 ${percentile(row.latencies, 0.99)} ms`);
    }
    if (quietSeconds > 0) await quiet(side, namespace, { pods, quietSeconds, rows, log });
  } finally {
    gate.close();
    rmSync(dir, { recursive: true, force: true });
  }
  return rows;
}

/** All at once, as they do nothing; in a namespace of one Pod, whose edits reach them one client after the other. */
async function quiet(side, namespace, { quietSeconds, rows, log }) {
  const silent = `${namespace}-quiet`;
  await makeNamespace(side.target, silent);
  await fillWithPods(side.target, silent, 0, 1);
  const measured = rows.filter((each) => each.latencies);
  const running = [];
  for (const { name } of measured) {
    const { command } = clients.find((each) => each.name === name);
    const client = begin(command({ kubeconfig: side.kubeconfig, namespace: silent, count: 1 }));
    await client.told('watching');
    running.push(client);
  }
  await pause(quietSeconds * 1000);
  for (const client of running) await client.next(1);
  const told = running.map((client) => client.told('events'));
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const session = await open(side.target);
  await patch(session, silent, 0, { [sentAt]: String(micros) });
  for (const [at, events] of (await Promise.all(told)).entries()) {
    measured[at].quiet = events.latencies[0];
    log(measured[at].name, `after ${quietSeconds} s of silence: ${events.latencies[0]} ms`);
  }
  session.close();
  for (const client of running) await client.end();
}

/** Keys that go through a queue a second, in millions. */
export async function measureQueues({ keys = 1_000_000, rounds }) {
  const programs = {
    '@keelson/core, three priorities': [process.execPath, [file('./sdk-queue.mjs'), String(keys)]],
    'controller-runtime 0.23.1, priority queue': [
      binary('sdkbench'),
      ['queue', '--kind', 'priority', '--count', String(keys)],
    ],
    'client-go 0.35.4, without priorities': [
      binary('sdkbench'),
      ['queue', '--kind', 'client-go', '--count', String(keys)],
    ],
  };
  const rows = [];
  for (const [name, command] of Object.entries(programs)) {
    const got = await best(
      rounds,
      async () => {
        const child = begin(command);
        const queue = await child.told('queue');
        await child.end();
        return queue;
      },
      (a, b) => a.ms < b.ms,
    );
    rows.push({ name, millions: got.keys / got.ms / 1000, processors: got.processorMs / got.ms });
  }
  return rows;
}

/** What importing a package takes in a fresh process over a bare one: medians, in ms, ms of processor and MB. */
export function measureImports({ times = 10 }) {
  const packages = {
    'bare Node': undefined,
    '@keelson/core/client and /informer': ['@keelson/core/client', '@keelson/core/informer'],
    '@keelson/core': ['@keelson/core'],
    '@kubernetes/client-node 1.4.0': ['@kubernetes/client-node'],
    [`kubernetes-fluent-client ${npmClientVersion('kubernetes-fluent-client')} (Pepr)`]: [
      npmClient('kubernetes-fluent-client'),
    ],
  };
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const rows = [];
  for (const [name, specifiers = []] of Object.entries(packages)) {
    const ms = [];
    const processor = [];
    const mb = [];
    for (let time = 0; time < times; time++) {
      const script = `const from = performance.now();
        ${specifiers.map((each) => `await import(${JSON.stringify(each)});`).join('\n')}
        const ms = performance.now() - from;
        const { user, system } = process.cpuUsage();
        console.log(JSON.stringify({ ms, processor: (user + system) / 1000, mb: process.memoryUsage.rss() / 1e6 }));`;
      const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: file('..'),
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${name}: ${stderr}`);
      const got = JSON.parse(stdout);
      ms.push(got.ms);
      processor.push(got.processor);
      mb.push(got.mb);
    }
    rows.push({ name, ms: median(ms), processor: median(processor), mb: median(mb) });
  }
  const [bare, ...others] = rows;
  return others.map((each) => ({
    name: each.name,
    ms: each.ms - bare.ms,
    processor: each.processor - bare.processor,
    mb: each.mb - bare.mb,
  }));
}

const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const ms = (value) => (value === undefined ? '–' : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
const mb = (value) => `${value.toFixed(0)} MB`;

/** Lines of a table in Markdown. */
export function clientTable(rows, { updates, quietSeconds }) {
  const lines = [
    `| client | list: time, processor | loop held | heap an object | peak memory | ${updates.toLocaleString('en')} updates | loop held | edit until seen, p50, p99 | after ${quietSeconds} s of silence |`,
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const { name, reconciles, sync, events, latencies, quiet: late } of rows) {
    const cells = [
      name,
      `${(sync.ms / 1000).toFixed(2)} s, ${(sync.processorMs / 1000).toFixed(2)} s`,
      ms(sync.heldMs),
      kb(sync.heapBytes),
      mb(sync.peakMb),
      events ? `${Math.round((1000 * events.count) / events.ms).toLocaleString('en')}/s` : '–',
      ms(events?.heldMs),
      latencies
        ? `${ms(percentile(latencies, 0.5))}, ${ms(percentile(latencies, 0.99))}${reconciles ? ' (reconcile)' : ''}`
        : '–',
      ms(late),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines;
}

export function queueTable(rows) {
  return [
    '| queue: add, once or twice, get, done | keys a second | processors busy |',
    '|---|---|---|',
    ...rows.map((each) => `| ${each.name} | ${each.millions.toFixed(2)} million | ${each.processors.toFixed(1)} |`),
  ];
}

export function importTable(rows) {
  return [
    '| import, over bare Node | time | processor | memory |',
    '|---|---|---|---|',
    ...rows.map((each) => `| ${each.name} | ${ms(each.ms)} | ${ms(each.processor)} | ${mb(each.mb)} |`),
  ];
}
