import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Node } from '@keelson/core';
import type { NetworkPlugin } from '@keelson/core/cni';
import { createEventRecorder } from '@keelson/core/controller';
import { systemClock } from '@keelson/core/machinery';
import { waitFor } from '@keelson/core/testing';
import { openSimulatedRuntime, simulatedOptionsSchema } from '@keelson/cri-runtimes';
import { describe, expect, it } from 'vitest';
import { Nodes, nodeOptionsSchema } from '../src/index.ts';
import { openHarness, ready, seeded, testLogger } from './kubelet-harness.ts';

const none: NetworkPlugin = {
  ownNamespace: false,
  add: async () => ({ cniVersion: '1.1.0' }),
  del: async () => undefined,
  check: async () => undefined,
  status: async () => undefined,
  gc: async () => undefined,
  configList: () => undefined,
  close: async () => undefined,
};

describe('many nodes in one process', () => {
  it('start, run a pod each and stop', async () => {
    const count = Number(process.env.NODES ?? 50);
    const harness = await openHarness();
    const { client, informers } = harness;
    const dataDir = await mkdtemp(join(tmpdir(), 'nodes-'));
    const nodes = new Nodes({
      options: nodeOptionsSchema.parse({ nodes: count, dataDir, clusterCidr: '10.0.0.0/8' }),
      clients: { as: () => client },
      informers,
      runtime: {
        name: 'simulated',
        probe: async () => ({ usable: true, reason: '' }),
        open: async (node) =>
          openSimulatedRuntime(
            systemClock,
            seeded(node.index + 1),
            simulatedOptionsSchema.parse({ logs: false }),
            node,
          ),
      },
      network: { name: 'none', probe: async () => ({ usable: true, reason: '' }), open: async () => none },
      drivers: [],
      certificates: undefined,
      recorder: createEventRecorder({
        client,
        clock: systemClock,
        random: seeded(),
        logger: testLogger,
        component: 'kubelet',
      }),
      clock: systemClock,
      random: seeded(),
      logger: testLogger,
    });
    const started = systemClock.now();
    await nodes.start(new AbortController().signal);
    const up = systemClock.now();
    expect((await client.list(Node)).items).toHaveLength(count);
    for (let index = 1; index <= count; index += 1) {
      await harness.pod({ name: `p-${index}`, nodeName: `node-${index}` });
    }
    await waitFor(
      async () => {
        for (let index = 1; index <= count; index += 1) if (!ready(await harness.get(`p-${index}`))) return false;
        return true;
      },
      { timeoutMs: 50_000, intervalMs: 50 },
    );
    if (process.env.NODES) {
      const memory = Math.round(process.memoryUsage().rss / 2 ** 20);
      process.stdout.write(
        `${count} nodes up in ${up - started} ms, pods in ${systemClock.now() - up} ms, ${memory} MiB\n`,
      );
      const before = process.cpuUsage();
      await systemClock.sleep(10_000);
      process.stdout.write(`idle CPU ms per second: ${Math.round(process.cpuUsage(before).user / 10_000)}\n`);
    }
    await nodes.stop();
    await harness.close();
    await rm(dataDir, { recursive: true, force: true });
  });
});
