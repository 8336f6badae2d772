import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inProcessTransport, ResourceRegistry } from '@keelson/apiserver';
import { Event, Namespace, type NewObject, Pod } from '@keelson/core';
import { type Client, createClient } from '@keelson/core/client';
import { createEventRecorder } from '@keelson/core/controller';
import type { ContainerRuntime } from '@keelson/core/cri';
import { InformerFactory } from '@keelson/core/informer';
import { type Clock, systemClock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { waitFor } from '@keelson/core/testing';
import { openSimulatedRuntime, simulatedOptionsSchema } from '@keelson/cri-runtimes';
import { MemoryStorage } from '../../apiserver/src/storage/memory-storage.ts';
import { Kubelet, type KubeletOptions } from '../src/index.ts';

const loud = process.env.KUBELET_TEST_LOG === '1';
const say = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
  if (loud) process.stderr.write(`${level} ${message} ${JSON.stringify(fields ?? {})}\n`);
};
export const testLogger: Logger = {
  debug: say('debug'),
  info: say('info'),
  warn: say('warn'),
  error: say('error'),
  named: () => testLogger,
};

/** Repeatable, so that a failure can be seen again. */
export function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Harness {
  readonly client: Client;
  readonly clock: Clock;
  readonly informers: InformerFactory;
  readonly dataDir: string;
  simulated(options?: unknown): ContainerRuntime;
  kubelet(runtime: ContainerRuntime, overrides?: Partial<KubeletOptions>): Promise<Kubelet>;
  pod(pod: Partial<NewObject<Pod>['spec']> & { name?: string; image?: string }, metadata?: object): Promise<Pod>;
  get(name: string): Promise<Pod>;
  gone(name: string): Promise<boolean>;
  events(name: string): Promise<readonly string[]>;
  /** Waits until a pod is as wanted; says how it is instead if that takes too long. */
  until(name: string, condition: (pod: Pod) => boolean, timeoutMs?: number): Promise<Pod>;
  close(): Promise<void>;
}

/** An API in memory and whatever kubelets a test starts on it. */
export async function openHarness(clock: Clock = systemClock): Promise<Harness> {
  const random = seeded();
  const registry = new ResourceRegistry({ storage: new MemoryStorage(), clock, random, logger: testLogger });
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
  const informers = new InformerFactory({ client, clock, random, logger: testLogger });
  const recorder = createEventRecorder({ client, clock, random, logger: testLogger, component: 'kubelet' });
  const dataDir = await mkdtemp(join(tmpdir(), 'kubelet-'));
  const kubelets: Kubelet[] = [];
  for (const name of ['default', 'kube-node-lease']) {
    await client.create(Namespace, { metadata: { name }, spec: {} }).catch((error: { reason?: string }) => {
      if (error.reason !== 'AlreadyExists') throw error;
    });
  }
  const signal = new AbortController().signal;
  return {
    client,
    clock,
    informers,
    dataDir,
    simulated: (options = {}) =>
      openSimulatedRuntime(clock, seeded(7), simulatedOptionsSchema.parse(options), { podCidr: '10.244.1.0/24' }),
    async kubelet(runtime, overrides = {}) {
      const kubelet = new Kubelet({
        nodeName: 'node-1',
        client,
        informers,
        runtime,
        clock,
        random,
        logger: testLogger,
        recorder,
        dataDir: join(dataDir, 'node-1'),
        nodeIp: '127.0.0.1',
        volumes: 'none',
        ...overrides,
      });
      await kubelet.start(signal);
      kubelets.push(kubelet);
      return kubelet;
    },
    pod({ name = 'a', image = 'busybox', ...spec }, metadata = {}) {
      return client.create(Pod, {
        metadata: { name, namespace: 'default', ...metadata },
        spec: { nodeName: 'node-1', containers: [{ name: 'main', image }], ...spec },
      });
    },
    get: (name) => client.get(Pod, { namespace: 'default', name }),
    async gone(name) {
      const { items } = await client.list(Pod, { namespace: 'default' });
      return !items.some((each) => each.metadata.name === name);
    },
    async events(name) {
      const { items } = await client.list(Event, { namespace: 'default' });
      return items
        .filter((each) => each.involvedObject.name === name)
        .map((each) => `${each.type} ${each.reason}: ${each.message}`);
    },
    async until(name, condition, timeoutMs = 20_000) {
      const get = () => client.get(Pod, { namespace: 'default', name });
      try {
        return await waitFor(
          async () => {
            const now = await get();
            return condition(now) && now;
          },
          { timeoutMs },
        );
      } catch {
        const { items } = await client.list(Event, { namespace: 'default' });
        const events = items
          .filter((each) => each.involvedObject.name === name)
          .map((each) => `${each.reason}: ${each.message}`);
        throw new Error(`pod ${name}: ${JSON.stringify((await get()).status, null, 1)}\n${events.join('\n')}`);
      }
    },
    async close() {
      for (const each of kubelets) await each.stop();
      await informers.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export const ready = (pod: Pod) => pod.status?.conditions?.find((each) => each.type === 'Ready')?.status === 'True';
