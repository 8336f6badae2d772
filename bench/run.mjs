// `npm run bench [-- --only NAME,…] [-- --peer [KUBECONFIG]]`: measures this build, prints a table. Long; not a test.
// --peer measures beside it, in the same run and on the same disk, a real kube-apiserver with etcd that it starts (see
// conformance/README.md for the programs), or the Kubernetes of a kubeconfig.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { durableWrites, fanOut } from './api.mjs';
import { startPeer, up } from './clusters.mjs';
import { manyDefinitions } from './crds.mjs';
import { flooded } from './flood.mjs';
import { inProcessWrites, testClusterStarts, testServerStarts } from './in-process.mjs';
import { fillWithPods, listPods, makeNamespace } from './lists.mjs';
import { scheduling } from './scheduling.mjs';
import { expectStatus, lines, open, percentile, request } from './target.mjs';

const parts = ['start', 'writes', 'watch', 'flood', 'lists', 'scheduling', 'crds', 'million', 'sdk'];
const argv = process.argv.slice(2);
// `--peer` with nothing behind it.
const bare = argv.indexOf('--peer');
if (bare >= 0 && (argv[bare + 1] ?? '--').startsWith('--')) argv.splice(bare, 1, '--peer=');
const { values: flags } = parseArgs({
  args: argv,
  options: {
    only: { type: 'string', default: 'start,writes,watch,flood,lists,scheduling' },
    peer: { type: 'string' },
    pods: { type: 'string', default: '50000' },
    definitions: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '3' },
    // Of `sdk`: updates of the flood, single edits, and how long a watch is quiet; 0 leaves it out.
    updates: { type: 'string', default: '20000' },
    edits: { type: 'string', default: '500' },
    quiet: { type: 'string', default: '180' },
  },
});
const chosen = flags.only.split(',');
const wrong = chosen.find((each) => !parts.includes(each));
if (wrong !== undefined) {
  console.error(`bench: there is no "${wrong}"; name some of ${parts.join(', ')}`);
  process.exit(2);
}
const wanted = (name) => chosen.includes(name);
const rounds = Number(flags.rounds);
const results = [];
const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const mb = (value) => (value === undefined ? '–' : `${value.toFixed(0)} MB`);

function note(work, keelson, peer) {
  results.push({ work, keelson, peer: peer ?? '–' });
  const load = `load ${loadavg()[0].toFixed(1)}`;
  console.log(`${work}: ${keelson}${peer ? `   (Kubernetes: ${peer})` : ''}   [${load}]`);
}

/** Measures both sides in turn, `rounds` times, and tells the best of each: what others do here only takes away. */
async function sideBySide(sides, measure, better) {
  const best = [];
  for (let round = 0; round < rounds; round++) {
    for (const [at, side] of sides.entries()) {
      const got = await measure(side);
      if (best[at] === undefined || better(got, best[at])) best[at] = got;
    }
  }
  return best;
}

async function firstPod(cluster) {
  const session = await open(cluster.target);
  const path = '/api/v1/namespaces/default/pods';
  while ((await request(session, 'GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 10));
  let running;
  const runs = new Promise((resolve) => {
    running = resolve;
  });
  const watch = await lines(session, `${path}?watch=1`, (line) => {
    if (JSON.parse(line).object.status?.phase === 'Running') running();
  });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'first' },
    spec: { containers: [{ name: 'c', image: 'host', command: ['sleep', '1000'] }], terminationGracePeriodSeconds: 0 },
  };
  await expectStatus(request(session, 'POST', path, pod), 201);
  await runs;
  const took = performance.now() - cluster.from;
  watch.on('error', () => undefined);
  session.destroy();
  return took;
}

async function measureStart() {
  const starts = [];
  const again = [];
  for (let round = 0; round < rounds; round++) {
    const first = await up(['--runtime', 'simulated', '--nodes', '0']);
    starts.push(first.apiMs);
    await first.end();
    const second = await up(['--runtime', 'simulated', '--nodes', '0'], first.dir);
    again.push(second.apiMs);
    if (round === rounds - 1) {
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      note('idle memory: control plane (API server, controllers, scheduler)', mb(second.memoryMb()));
    }
    await second.stop();
  }
  const peers = [];
  if (flags.peer === '') {
    const peer = await startPeer('');
    peers.push(`${ms(peer.apiMs)} (API server and etcd)`);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    note('idle memory: API server with its store', '–', mb(peer.memoryMb()));
    await peer.stop();
  }
  note('start: keelson up to an answering API', `${ms(Math.min(...starts))}`, peers[0]);
  note('start: … a second time (certificates are there)', ms(Math.min(...again)));
  for (const runtime of ['simulated', 'process']) {
    const cluster = await up(['--runtime', runtime]);
    note(`start: keelson up to a Running pod (${runtime})`, ms(await firstPod(cluster)));
    if (runtime === 'process') {
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      note('idle memory: whole cluster, one node, one pod', mb(cluster.memoryMb()));
    }
    await cluster.stop();
  }
  const servers = testServerStarts();
  note('start: an API server for a test, in process', `${ms(servers[0])} to ${ms(servers.at(-1))}`);
  const { further, forks } = await testClusterStarts();
  const spread = (times) => `p50 ${ms(percentile(times, 0.5))}, p99 ${ms(percentile(times, 0.99))}`;
  note('start: … a further one in the same process', spread(further));
  note('start: … a fork of one with 10,000 objects', spread(forks));
}

const faster = (a, b) => a.perSecond > b.perSecond;
const rate = ({ perSecond, p50, p99, micros }) =>
  `${perSecond.toLocaleString('en')}/s, p50 ${ms(p50)}, p99 ${ms(p99)}${micros ? `, ${micros} µs of processor a write` : ''}`;

async function measureWrites(sides) {
  for (const protobuf of [false, true]) {
    for (const clients of [1, 64]) {
      const [keelson, peer] = await sideBySide(
        sides,
        async (side) => {
          const before = side.processorMs();
          const got = await durableWrites(side.target, { clients, protobuf });
          const micros = before === undefined ? undefined : (1000 * (side.processorMs() - before)) / got.count;
          return { ...got, ...(micros !== undefined && { micros: Math.round(micros) }) };
        },
        faster,
      );
      const form = protobuf ? 'protobuf' : 'JSON';
      note(
        `writes: durable, over TLS, ${form}, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
        rate(keelson),
        peer && rate(peer),
      );
    }
  }
  let best;
  for (let round = 0; round < rounds; round++) {
    const got = await inProcessWrites();
    if (best === undefined || faster(got, best)) best = got;
  }
  note('writes: durable, in process, 64 writers', rate(best));
}

async function measureWatch(sides) {
  const [keelson, peer] = await sideBySide(
    sides,
    (side) => fanOut(side.target),
    (a, b) => a.p50 < b.p50,
  );
  const show = ({ p50, p99, connections }) => `p50 ${ms(p50)}, p99 ${ms(p99)} (${connections} connections)`;
  note('watch: one event to the last of 1,000 watchers', show(keelson), peer && show(peer));
}

async function measureFlood(sides) {
  const [keelson, peer] = await sideBySide(
    sides,
    (side) => flooded(side.target),
    (a, b) => a.under.p99 < b.under.p99,
  );
  const show = ({ calm, under, rates }) =>
    `p50 ${ms(under.p50)}, p99 ${ms(under.p99)} (in calm ${ms(calm.p50)}, ${ms(calm.p99)}); the flood got ${Object.entries(
      rates,
    )
      .map(([code, perSecond]) => `${perSecond} × ${code}`)
      .join(', ')} a second`;
  note('flood: requests of one user while another floods with 400 loops', show(keelson), peer && show(peer));
}

async function measureLists(sides) {
  const namespace = `pods-${process.pid}`;
  for (const { target } of sides) await makeNamespace(target, namespace);
  const show = ({ ms: median, least, held, waited, megabytes }) =>
    `${ms(median)} (best ${ms(least)}), ${megabytes.toFixed(0)} MB; ${held === undefined ? '' : `event loop held ${ms(held)}, `}another request waited ${ms(waited)}`;
  let there = 0;
  for (const [total, forms] of [
    [10_000, [false, true]],
    [Number(flags.pods), [true]],
  ]) {
    for (const side of sides) await fillWithPods(side.target, namespace, there, total);
    there = total;
    await new Promise((resolve) => setTimeout(resolve, 5000));
    for (const protobuf of forms) {
      const [keelson, peer] = await sideBySide(
        sides,
        (side) => listPods(side.target, namespace, { protobuf, expected: total }),
        (a, b) => a.ms < b.ms,
      );
      const form = protobuf ? 'protobuf' : 'JSON';
      note(`lists: ${total.toLocaleString('en')} Pods, ${form}`, show(keelson), peer && show(peer));
    }
    const [keelson, peer] = sides.map((side) => mb(side.memoryMb()));
    note(
      `memory with ${total.toLocaleString('en')} Pods`,
      `${keelson} (whole control plane)`,
      peer && `${peer} (API server, etcd)`,
    );
  }
}

/** Kubernetes is not asked: it takes minutes for as many. */
async function measureDefinitions() {
  const count = Number(flags.definitions);
  const cluster = await up(['--runtime', 'simulated', '--nodes', '0']);
  const got = await manyDefinitions(cluster, count);
  await cluster.stop();
  const many = `${count.toLocaleString('en')} definitions`;
  const held = (value) => `event loop held ${ms(value)} at most`;
  note(
    `${many}: created by 16 clients`,
    `${(got.took / 1000).toFixed(1)} s, the last is served ${ms(got.settled)} later`,
  );
  note(
    `${many}: writes of another meanwhile`,
    `p99 ${ms(got.p99)} (${ms(got.calm)} before); ${held(got.heldByCreating)}`,
  );
  note(`${many}: memory`, `${mb(got.memory)} (${mb(got.memoryBefore)} before)`);
  note(`${many}: the first who asks for OpenAPI v2 of all`, `${ms(got.first.v2)}; ${held(got.heldByFirst)}`);
  note(
    `${many}: one more is shown, the slowest of 5`,
    `in discovery after ${ms(got.discovery)}, OpenAPI v3 ${ms(got.v3)}, v2 ${ms(got.v2)}; ${held(got.heldByShowing)}, p99 of another's writes ${ms(got.p99WhileShown)}`,
  );
}

function measureMillion() {
  const bench = join(dirname(fileURLToPath(import.meta.url)), '../packages/apiserver/bench/million.bench.mjs');
  const { stdout, status } = spawnSync(process.execPath, [bench, '--json', '--dir', tmpdir()], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${bench} ended with ${status}`);
  const { filled, startSeconds, rssAfterStart, get, listPage, createAlone, createBy64, rss } = JSON.parse(stdout);
  const times = ({ p50, p99 }) => `p50 ${p50} ms, p99 ${p99} ms`;
  note('million: objects of 1 kB written to the store', `${filled.perSecond.toLocaleString('en')}/s`);
  note('million: start until the API is ready', `${startSeconds} s, ${rssAfterStart} MB`);
  note('million: get', times(get));
  note('million: list, a page of 500', times(listPage));
  note('million: create, one after the other', times(createAlone));
  note(
    'million: create, 64 writers',
    `${createBy64.perSecond.toLocaleString('en')}/s, ${times(createBy64)}, ${rss} MB`,
  );
}

/** Tables of their own: one a server, as the clients are what is compared. */
async function measureSdk() {
  const sdk = await import('./sdk.mjs');
  const { clientTable, importTable, measureClients, measureImports, measureQueues, queueTable } = sdk;
  sdk.prepare();
  const options = {
    pods: Number(flags.pods),
    updates: Number(flags.updates),
    edits: Number(flags.edits),
    quietSeconds: Number(flags.quiet),
    rounds,
    log: (name, text) => console.log(`${name}: ${text}   [load ${loadavg()[0].toFixed(1)}]`),
  };
  const tables = [];
  for (const start of [
    () => up(['--runtime', 'simulated', '--nodes', '0']),
    ...(flags.peer === undefined ? [] : [() => startPeer(flags.peer)]),
  ]) {
    const side = await start();
    try {
      tables.push([`Server: ${side.name}`, '', ...clientTable(await measureClients(side, options), options)]);
    } finally {
      await side.stop();
    }
  }
  tables.push(queueTable(await measureQueues(options)), importTable(measureImports({})));
  console.log(`\n${tables.map((lines) => lines.join('\n')).join('\n\n')}`);
}

const machine = `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${readFileSync('/proc/version', 'utf8').split(' ')[2]}, Node ${process.versions.node}`;
console.log(
  `${machine}; load ${loadavg()
    .map((each) => each.toFixed(1))
    .join(' ')}; best of ${rounds} rounds\n`,
);
if (wanted('start')) await measureStart();
if (['writes', 'watch', 'flood', 'lists'].some(wanted)) {
  const sides = [await up(['--runtime', 'simulated', '--nodes', '0'])];
  try {
    if (flags.peer !== undefined) sides.push(await startPeer(flags.peer));
    if (wanted('writes')) await measureWrites(sides);
    if (wanted('watch')) await measureWatch(sides);
    if (wanted('flood')) await measureFlood(sides);
    if (wanted('lists')) await measureLists(sides);
  } finally {
    for (const each of sides) await each.stop();
  }
}
if (wanted('scheduling')) {
  const cluster = await up(['--runtime', 'simulated', '--nodes', '1000']);
  const { perSecond, createdPerSecond } = await scheduling(cluster.target);
  note(
    'scheduling: 5,000 pods on 1,000 simulated nodes, through the API',
    `${perSecond} pods/s (created at ${createdPerSecond}/s)`,
  );
  await cluster.stop();
}
if (wanted('crds')) await measureDefinitions();
if (wanted('million')) measureMillion();
if (wanted('sdk')) await measureSdk();
if (results.length > 0) console.log('\n| work | Keelson | Kubernetes, same run |\n|---|---|---|');
for (const { work, keelson, peer } of results) console.log(`| ${work} | ${keelson} | ${peer} |`);
process.exit(0);
