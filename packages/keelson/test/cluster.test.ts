import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Deployment, type Event, type Job, Pod } from '@keelson/core';
import { Lifecycles } from '@keelson/core/plugin';
import { Nodes } from '@keelson/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, createCluster } from '../src/cluster.ts';
import { parseConfig } from '../src/config/load.ts';
import { createLogger } from '../src/logger.ts';
import { ClusterProcess, ci, eventually, haveKubectl } from './cluster-process.ts';

const packagesDir = join(dirname(fileURLToPath(import.meta.url)), '../..');

describe('a cluster in process', () => {
  let dir: string;
  let cluster: Cluster;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const config = parseConfig('runtime: simulated\nnodes: 2\nstore: memory\napi: { port: 0 }\n');
    cluster = await createCluster({
      config,
      baseDir: dir,
      dataDir: join(dir, 'data'),
      logger: createLogger('text', 'error'),
    });
    await cluster.start();
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('leaves the third of three exclusive replicas waiting with a reason, and places it within a second of a new node', async () => {
    const { client } = cluster;
    const labels = { app: 'store' };
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: labels }, topologyKey: 'kubernetes.io/hostname' },
      ],
    };
    await client.create(Deployment, {
      metadata: { name: 'redis-cache', namespace: 'default' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { affinity: { podAntiAffinity }, containers: [{ name: 'redis', image: 'redis:3.2-alpine' }] },
        },
      },
    });
    const pods = async () => (await client.list(Pod, { namespace: 'default', labelSelector: 'app=store' })).items;
    const waiting = await eventually(
      async () => {
        const items = await pods();
        const running = items.filter((each) => each.status?.phase === 'Running').length;
        return running === 2
          ? items.find((each) =>
              each.status?.conditions?.some(
                (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
              ),
            )
          : undefined;
      },
      (pod) => pod !== undefined,
      'two run, the third is unschedulable',
    );
    expect(waiting?.status?.conditions?.find((each) => each.type === 'PodScheduled')?.message).toMatch(
      /^0\/2 nodes are available: 2 node\(s\) didn't match pod anti-affinity rules\./,
    );

    const nodes = cluster.host.get({ all: Lifecycles }).find((each) => each instanceof Nodes);
    const added = performance.now();
    await nodes?.add('node-3', 2, AbortSignal.timeout(10_000));
    await eventually(
      pods,
      (items) => items.every((each) => each.spec.nodeName !== undefined),
      'the third pod is placed',
      5000,
    );
    expect(performance.now() - added).toBeLessThan(1000);
  });
});

describe.skipIf(!haveKubectl && !ci)('a plugin from outside', () => {
  let dir: string;
  let cluster: ClusterProcess;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const source = join(dir, 'source');
    await mkdir(source);
    await writeFile(
      join(source, 'package.json'),
      JSON.stringify({
        name: '@acme/keelson-extras',
        version: '1.0.0',
        type: 'module',
        exports: './index.js',
        peerDependencies: { '@keelson/core': '*' },
      }),
    );
    await writeFile(
      join(source, 'index.js'),
      `import { Client, Controllers, definePlugin, Informers, Job, watch } from '@keelson/core';
import { SchedulerPlugins } from '@keelson/core/scheduling';

const noNodeTwo = definePlugin({
  name: 'no-node-two',
  register({ provide }) {
    provide.value(SchedulerPlugins, { name: 'NoNodeTwo', filter: (pod, node) => (node.name === 'node-2' ? 'node(s) were number two' : undefined) });
  },
});

class StampController {
  name = 'job';
  constructor(client, informers) {
    this.client = client;
    this.jobs = informers.for(Job);
    this.watches = [watch(this.jobs).self()];
  }
  async reconcile(key) {
    const job = this.jobs.lister.get(key);
    if (!job || job.metadata.annotations?.['acme.example/seen']) return;
    await this.client.patch(Job, job.metadata, { merge: { metadata: { annotations: { 'acme.example/seen': 'yes' } } } });
  }
}

const job = definePlugin({ name: 'job', register({ provide }) { provide(Controllers, StampController, [Client, Informers]); } });
export default [noNodeTwo, job];
`,
    );
    const run = promisify(execFile);
    const pack = async (from: string) =>
      join(dir, (await run('npm', ['pack', '--silent', '--pack-destination', dir], { cwd: from })).stdout.trim());
    const tarballs = [await pack(source), await pack(join(packagesDir, 'core'))];
    await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'user', private: true }));
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...tarballs], {
      cwd: dir,
    });
    cluster = await ClusterProcess.start({
      dir,
      config: 'runtime: simulated\nnodes: 2\nplugins: ["@acme/keelson-extras"]\n',
    });
  }, 120_000);
  afterAll(() => cluster?.remove());

  it('adds a scheduler plugin and replaces the Job controller', async () => {
    await cluster.kubectl('create deployment web --image=x --replicas=4');
    await cluster.kubectl('rollout status deployment/web --timeout=30s');
    const nodes = await cluster.kubectl('get pods -o jsonpath={.items[*].spec.nodeName}');
    expect(new Set(nodes.split(' '))).toEqual(new Set(['node-1']));
    await cluster.kubectl('cordon node-1');
    await cluster.kubectl('scale deployment web --replicas=5');
    const events = await eventually(
      async () =>
        (JSON.parse(await cluster.kubectl('get events -o json')) as { items: Event[] }).items.filter(
          (each) => each.reason === 'FailedScheduling',
        ),
      (items) => items.length > 0,
      'a reason for not being placed',
    );
    expect(events[0]?.message).toContain('1 node(s) were number two');

    await cluster.kubectl('create job once --image=x');
    await eventually(
      () => cluster.json<Job>('get job once'),
      (job) => job.metadata.annotations?.['acme.example/seen'] === 'yes',
      'seen by the other controller',
    );
    expect(await cluster.kubectl('get pods -l job-name=once -o name')).toBe('');
  });
});
