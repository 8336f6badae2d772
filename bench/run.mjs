// `npm run bench [-- --only NAME] [-- --peer KUBECONFIG]`: measures this build, prints a table. Long; not a test.
// --peer measures the same on another Kubernetes in the same run, for what can be measured from outside.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { durableWrites, fanOut } from './api.mjs';
import { scheduling } from './scheduling.mjs';
import { lines, loadTarget, open, request } from './target.mjs';

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    peer: { type: 'string' },
    'peer-name': { type: 'string', default: 'Kubernetes' },
  },
});
const cli = join(dirname(fileURLToPath(import.meta.url)), '../packages/keelson/dist/cli.js');
const results = [];
const wanted = (name) => !flags.only || name.includes(flags.only);
const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

function note(work, keelson, peer = '') {
  results.push({ work, keelson, peer });
  console.log(`${work}: ${keelson}${peer ? `   (${flags['peer-name']}: ${peer})` : ''}`);
}

/** A peer that does not come to an end must not hold up the rest. */
function within(limitMs, work) {
  return Promise.race([work, new Promise((resolve) => setTimeout(() => resolve('not finished'), limitMs))]);
}

/** Starts a cluster by its command and resolves once the API answers; `apiMs` counts from the start of the process. */
async function up(args) {
  const dir = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
  const from = performance.now();
  const child = spawn(process.execPath, [cli, 'up', '--data-dir', dir, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', (chunk) => {
      seen += chunk;
      if (seen.includes('The cluster is ready')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`keelson ended with ${code}`)));
  });
  const target = loadTarget(join(dir, 'kubeconfig'));
  const session = await open(target);
  await request(session, 'GET', '/readyz');
  const apiMs = performance.now() - from;
  session.close();
  return {
    target,
    from,
    apiMs,
    memoryMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function firstPod(cluster) {
  const session = await open(cluster.target);
  const path = '/api/v1/namespaces/default/pods';
  while ((await request(session, 'GET', '/api/v1/namespaces/default/serviceaccounts/default')).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const running = new Promise((resolve) => {
    lines(session, `${path}?watch=1`, (line) => JSON.parse(line).object.status?.phase === 'Running' && resolve());
  });
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'first' },
    spec: { containers: [{ name: 'c', image: 'host', command: ['sleep', '1000'] }], terminationGracePeriodSeconds: 0 },
  };
  await request(session, 'POST', path, pod);
  await running;
  const took = performance.now() - cluster.from;
  session.destroy();
  return took;
}

console.log(
  `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform}\n`,
);
const peer = flags.peer ? loadTarget(flags.peer) : undefined;

if (wanted('start')) {
  for (const runtime of ['simulated', 'process']) {
    const cluster = await up(['--runtime', runtime]);
    if (runtime === 'simulated') note('start: keelson up to an answering API', ms(cluster.apiMs));
    note(`start: keelson up to a Running pod (${runtime})`, ms(await firstPod(cluster)));
    if (runtime === 'process') {
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      note('idle memory: whole cluster, one node, one pod', `${cluster.memoryMb().toFixed(0)} MB`);
    }
    await cluster.stop();
  }
}
if (wanted('writes') || wanted('watch')) {
  const cluster = await up(['--runtime', 'simulated', '--nodes', '0']);
  for (const clients of wanted('writes') ? [1, 64] : []) {
    const show = ({ perSecond, p50, p99 }) => `${perSecond}/s, p50 ${ms(p50)}, p99 ${ms(p99)}`;
    note(
      `writes: durable, over TLS, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
      show(await durableWrites(cluster.target, clients)),
      peer && show(await durableWrites(peer, clients)),
    );
  }
  if (wanted('watch')) {
    const show = ({ p50, p99, connections }) => `p50 ${ms(p50)}, p99 ${ms(p99)} (${connections} connections)`;
    note(
      'watch: one event to 1,000 watchers',
      show(await fanOut(cluster.target)),
      peer && (await within(60_000, fanOut(peer).then(show))),
    );
  }
  await cluster.stop();
}
if (wanted('scheduling')) {
  const cluster = await up(['--runtime', 'simulated', '--nodes', '1000']);
  const show = ({ perSecond, createdPerSecond }) => `${perSecond} pods/s (created at ${createdPerSecond}/s)`;
  note('scheduling: 5,000 pods on 1,000 simulated nodes, through the API', show(await scheduling(cluster.target)));
  await cluster.stop();
}
console.log(`\n| work | Keelson |${peer ? ` ${flags['peer-name']} |` : ''}\n|---|---|${peer ? '---|' : ''}`);
for (const { work, keelson, peer: other } of results)
  console.log(`| ${work} | ${keelson} |${peer ? ` ${other} |` : ''}`);
process.exit(0);
