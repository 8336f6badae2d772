import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPki } from '@keelson/apiserver';
import { type SimulatedWorld, simulate, testCluster } from '@keelson/apiserver/testing';
import { noNetworkPlugin } from '@keelson/cni-plugins';
import {
  deploymentPlugin,
  garbageCollectorPlugin,
  nodeLifecyclePlugin,
  replicaSetPlugin,
  schedulerPlugin,
  serviceAccountPlugin,
} from '@keelson/controllers';
import {
  type Client,
  CustomResourceDefinition,
  createClient,
  Deployment,
  httpTransport,
  type KubernetesObject,
  loadKubeconfig,
  Node,
  type ResourceType,
  Service,
  systemClock,
} from '@keelson/core';
import { simulatedRuntimePlugin } from '@keelson/cri-runtimes';
import { nodePlugin } from '@keelson/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci } from '../../packages/keelson/test/cluster-process.ts';
import { compiled, OperatorProcess } from '../../packages/keelson/test/operator-process.ts';
import {
  type RealControlPlane,
  realControlPlanePrograms,
  simulatedNode,
  startRealControlPlane,
} from '../real-control-plane.ts';
import { end, startReal } from '../twin/real-server.ts';
import { realProgram } from './real-programs.ts';
import { examples, type Place } from './same-operator.ts';

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function placeOf(
  client: Client,
  { clock = systemClock, withinMs = 50_000, everyMs = 50, between = nothing } = {},
): Place {
  return {
    client,
    async until(attempt) {
      const deadline = clock.now() + withinMs;
      for (let wrong: unknown; ; ) {
        await between();
        try {
          wrong = await attempt();
          if (wrong === undefined) return;
        } catch (error) {
          wrong = error;
        }
        if (clock.now() > deadline) throw new Error(`not within ${withinMs} ms: ${wrong}`, { cause: wrong });
        await clock.sleep(everyMs);
      }
    },
  };
}

const nothing = async () => undefined;

describe('the same operator file', () => {
  describe('in a test cluster', () => {
    let dir = '';
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'same-'));
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    it.each(examples)('$name', async ({ operator, scenes }) => {
      const controllers = [serviceAccountPlugin, deploymentPlugin, replicaSetPlugin, garbageCollectorPlugin];
      const nodes = [nodeLifecyclePlugin, schedulerPlugin, simulatedRuntimePlugin, noNetworkPlugin, nodePlugin];
      await using cluster = await testCluster({
        plugins: [...controllers, ...nodes, operator],
        options: { node: { nodes: 1, dataDir: dir } },
      });
      for (const { play } of scenes) await play(placeOf(cluster.client));
    });
  });

  describe('in the simulation, whatever happens to it', () => {
    it.each(examples)('$name', async ({ operator, scenes }) => {
      const steps = scenes.map(({ name, play }) => ({
        name,
        run: ({ client, clock, objects }: SimulatedWorld) =>
          play(
            placeOf(client, {
              clock,
              withinMs: 500_000,
              everyMs: 500,
              between: () => playControllers(client, objects),
            }),
          ),
      }));
      expect(await simulate({ operators: () => [operator], steps }, { runs: 5 })).toEqual({ runs: 5 });
    });
  });

  const asProcesses = (connect: () => { readonly client: Client; readonly kubeconfig: string }) => {
    let running: OperatorProcess | undefined;
    afterEach(() => running?.kill('SIGKILL'));
    it.each(examples)('$name', async ({ file, scenes }) => {
      const { client, kubeconfig } = connect();
      const operator = OperatorProcess.start(await compiled(root(file)), [
        '--kubeconfig',
        kubeconfig,
        '--leader-elect',
      ]);
      running = operator;
      const place = placeOf(client, { withinMs: 100_000 });
      try {
        const [first, ...others] = scenes;
        // The definition is there as soon as the operator is.
        await place.until(async () => (/ leads /.test(operator.output) ? undefined : 'the operator does not lead'));
        await first?.play(place);
        for (const { play } of others) await play(place);
      } catch (error) {
        throw new Error(`${error}\nthe operator said:\n${operator.output}`, { cause: error });
      }
      expect(await operator.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }, 300_000);
  };

  describe('by kubeconfig, on `keelson up`', () => {
    let cluster: ClusterProcess;
    let client: Client;
    let close = () => undefined;
    beforeAll(async () => {
      cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '1'] });
      ({ client, close } = await connected(cluster.kubeconfig));
    }, 120_000);
    afterAll(async () => {
      close();
      await cluster?.remove();
    });
    asProcesses(() => ({ client, kubeconfig: cluster.kubeconfig }));
  });

  const programs = ['etcd', 'kube-apiserver', ...realControlPlanePrograms];
  const missing = programs.filter((each) => !realProgram(each));
  const why = missing.length > 0 ? ` (${missing.join(', ')} not built: node conformance/build.mjs)` : '';
  describe.skipIf(missing.length > 0 && !ci)(`by kubeconfig, on Kubernetes' own control plane${why}`, () => {
    const children: ChildProcess[] = [];
    let dir = '';
    let others: RealControlPlane | undefined;
    let kubeconfig = '';
    let client: Client;
    let close = () => undefined;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'same-real-'));
      const pki = await openPki(join(dir, 'pki'), { clock: systemClock });
      ({ kubeconfig } = await startReal({ dir, pki, children }));
      ({ client, close } = await connected(kubeconfig));
      // Its garbage collector looks for new kinds every thirty seconds only.
      for (const { operator } of examples) {
        for (const crd of operator.crds) await client.create(CustomResourceDefinition, crd);
      }
      others = startRealControlPlane({ kubeconfig, pki: join(dir, 'pki'), dir });
      const { metadata, status } = simulatedNode('n1');
      await client.create(Node, { metadata, spec: {}, status });
    }, 180_000);
    afterAll(async () => {
      close();
      await others?.stop();
      for (const each of children.reverse()) await end(each);
      await rm(dir, { recursive: true, force: true });
    }, 60_000);
    asProcesses(() => ({ client, kubeconfig }));
  });
});

async function connected(kubeconfig: string): Promise<{ readonly client: Client; close(): undefined }> {
  const transport = httpTransport(await loadKubeconfig(kubeconfig));
  return { client: createClient(transport), close: () => void transport.close() };
}

/** In short what controllers and nodes do, where none run: every pod is ready, and what has no owner any more goes. */
async function playControllers(client: Client, objects: SimulatedWorld['objects']): Promise<undefined> {
  for (const { metadata, spec, status } of await objects(Deployment)) {
    const replicas = spec.replicas ?? 1;
    if (status?.readyReplicas === replicas) continue;
    const all = { replicas, readyReplicas: replicas, availableReplicas: replicas, updatedReplicas: replicas };
    await client.patch(Deployment, metadata, { merge: { status: all } }, { subresource: 'status' });
  }
  const served = (await objects(CustomResourceDefinition)).map(({ spec }) => spec.group);
  const owners = new Set<string | undefined>();
  for (const { type } of examples) {
    // Of the two kinds one is served here.
    if (!served.includes(type.group)) continue;
    for (const { metadata } of await objects(type)) owners.add(metadata.uid);
  }
  const children: readonly ResourceType<KubernetesObject>[] = [Deployment, Service];
  for (const type of children) {
    for (const { metadata } of await objects(type)) {
      if (metadata.ownerReferences?.some(({ uid }) => !owners.has(uid))) await client.delete(type, metadata);
    }
  }
  return undefined;
}
