import { Pod, systemClock } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { builtInPlugins } from '../src/scheduler/built-in-plugins.ts';
import { schedulerOptions } from '../src/scheduler/options.ts';
import { Scheduler } from '../src/scheduler/scheduler.ts';
import { createNode, newPod, openCluster } from './open-cluster.ts';

const kinds = {
  basic: () =>
    newPod(
      '',
      { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m', memory: '50Mi' } } }] },
      { app: 'basic' },
    ),
  antiAffinity: () => {
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'anti' } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    return newPod('', { affinity }, { app: 'anti' });
  },
  spread: () => {
    const constraint = {
      maxSkew: 5,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'spread' } },
    };
    return newPod('', { topologySpreadConstraints: [constraint] }, { app: 'spread' });
  },
};

/** Pods scheduled a second, whole way through the in-process API: `npx tsx scheduler.bench.ts [nodes] [pods]`. */
export async function benchmark(nodes: number, most: number, only = Object.keys(kinds)) {
  const results: Record<string, { readonly createdPerSecond: number; readonly scheduledPerSecond: number }> = {};
  for (const [kind, make] of Object.entries(kinds)) {
    if (!only.includes(kind)) continue;
    const pods = kind === 'antiAffinity' ? Math.min(most, nodes) : most;
    const cluster = await openCluster();
    for (let each = 0; each < nodes; each += 1) {
      await createNode(cluster.client, `node-${each}`, {
        metadata: { name: `node-${each}`, labels: { zone: `z${each % 3}` } },
      });
    }
    const begin = systemClock.now();
    for (let each = 0; each < pods; each += 1) {
      const pod = make();
      await cluster.client.create(Pod, { ...pod, metadata: { ...pod.metadata, name: `p-${each}` } });
    }
    const created = systemClock.now();
    let bound = 0;
    const informer = cluster.informers.for(Pod);
    await informer.waitForSync();
    informer.events$.subscribe((event) => {
      if (event.type === 'updated' && event.object.spec?.nodeName && !event.previous.spec?.nodeName) bound += 1;
    });
    const scheduler = new Scheduler(cluster.services, builtInPlugins(cluster.services), schedulerOptions.parse({}));
    const start = systemClock.now();
    await scheduler.start();
    await waitFor(() => bound >= pods, { timeoutMs: 120_000 });
    const end = systemClock.now();
    results[kind] = {
      createdPerSecond: Math.round((pods / (created - begin)) * 1000),
      scheduledPerSecond: Math.round((pods / (end - start)) * 1000),
    };
    await scheduler.stop();
    await cluster.close();
  }
  return results;
}
