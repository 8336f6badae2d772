// node packages/apiserver/bench/ownership.bench.mjs
// What recording owners costs: writes per second through the registry in this process, and the steps by themselves.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsup';

const here = dirname(fileURLToPath(import.meta.url));
// Beside the package, so that what it imports by name is found.
const work = await mkdtemp(join(here, '.ownership-bench-'));
const names = [
  'registry/resource-registry.ts',
  'registry/in-process-transport.ts',
  'storage/memory-storage.ts',
  'registry/ownership/record-owners.ts',
  'registry/stored-object.ts',
];

async function load() {
  const entry = join(work, 'entry.ts');
  const sources = [...names.map((each) => join(here, '../src', each)), join(here, '../../core/src/machinery/index.ts')];
  await writeFile(entry, sources.map((each) => `export * from ${JSON.stringify(each)};`).join('\n'));
  const outDir = join(work, 'out');
  await build({
    entry: { bench: entry },
    outDir,
    outExtension: () => ({ js: '.mjs' }),
    config: false,
    format: ['esm'],
    target: 'node20',
    silent: true,
    noExternal: [/@keelson/],
    esbuildOptions: (options) => {
      options.conditions = ['@keelson/source'];
    },
  });
  return import(pathToFileURL(join(outDir, 'bench.mjs')).href);
}

const none = () => undefined;
const quiet = { debug: none, info: none, warn: none, error: none, named: () => quiet };
const container = {
  name: 'c',
  image: 'i',
  ports: [{ containerPort: 80 }],
  env: [{ name: 'A', value: '1' }],
  resources: { requests: { cpu: '1', memory: '1Gi' } },
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
};
const spec = { containers: [container], volumes: [{ name: 'v', emptyDir: {} }] };
const row = (what, value) => console.log(what.padEnd(58), value.padStart(18));
const micros = (count, ms) => `${((ms / count) * 1000).toFixed(1)} µs`;

try {
  const { ResourceRegistry, inProcessTransport, MemoryStorage, recordOwners, systemClock, systemRandom } = await load();
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: quiet,
  });
  const { request } = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
  const options = { fieldManager: 'm' };
  const create = (name) =>
    request({ ...pods, verb: 'create', options, body: { metadata: { name, labels: { app: 'x' } }, spec } });
  const count = 5000;
  const timed = async (what, run) => {
    for (let at = 0; at < 500; at++) await run(`warm-${what.length}-`, at);
    // Processor time: other programs on the machine do not count.
    const began = process.cpuUsage();
    for (let at = 0; at < count; at++) await run('p', at);
    const { user, system } = process.cpuUsage(began);
    row(what, micros(count, (user + system) / 1000));
  };
  await timed('create a Pod', (prefix, at) => create(`${prefix}${at}`));
  let pod = await create('one');
  const status = (at) => ({
    phase: 'Running',
    podIP: '1.2.3.4',
    podIPs: [{ ip: '1.2.3.4' }],
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: at % 2 ? 'True' : 'False',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })),
    containerStatuses: [
      {
        name: 'c',
        image: 'i',
        imageID: 'x',
        ready: true,
        restartCount: at,
        state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
      },
    ],
  });
  let round = 0;
  const put = (subresource, change) => async () => {
    round++;
    const body = { ...pod, ...change(round) };
    pod = await request({ ...pods, verb: 'update', name: 'one', options, body, ...(subresource && { subresource }) });
  };
  await timed(
    'update the status of a Pod',
    put('status', (at) => ({ status: status(at) })),
  );
  await timed('the same, as it came from the wire', async () => {
    await put('status', (at) => ({ ...JSON.parse(JSON.stringify(pod)), status: status(at) }))();
  });
  await timed(
    'update a label of a Pod',
    put(undefined, (at) => ({ metadata: { ...pod.metadata, labels: { app: `x${at}` } } })),
  );
  await timed(
    'an update that changes nothing',
    put(undefined, () => ({})),
  );
  await timed('apply what changes one label', async () => {
    round++;
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'one', labels: { z: `${round}` } } };
    pod = await request({
      ...pods,
      verb: 'patch',
      name: 'one',
      patchType: 'application/apply-patch+yaml',
      options: { fieldManager: 'a' },
      body,
    });
  });
  const context = { catalog: registry.catalog, clock: systemClock };
  const kind = registry.catalog.kind('', 'v1', 'pods');
  const call = (subresource) => ({
    kind,
    user: { name: 'admin', groups: [] },
    request: { ...pods, verb: 'update', options, subresource },
  });
  const drafts = [];
  const alone = async (what, subresource, old, make) => {
    drafts.length = 0;
    for (let at = 0; at < count + 500; at++) drafts.push(kind.decode(make(at)).object);
    await timed(what, (prefix, at) => {
      recordOwners(context, call(subresource), drafts[prefix === 'p' ? at + 500 : at], old);
    });
  };
  await put('status', (at) => ({ status: status(at) }))();
  console.log('of which for owners:');
  await alone('  create', undefined, undefined, () => ({ metadata: { name: 'x', labels: { app: 'x' } }, spec }));
  await alone('  status', 'status', pod, (at) => ({ ...pod, status: status(at) }));
  await alone('  label', undefined, pod, (at) => ({
    ...pod,
    metadata: { ...pod.metadata, labels: { app: `x${at}` } },
  }));
  await alone('  nothing', undefined, pod, () => pod);
} finally {
  await rm(work, { recursive: true });
}
