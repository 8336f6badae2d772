import type { Pod } from '@keelson/core/api';
import type { ContainerStats, CpuUsage, FilesystemUsage, MemoryUsage } from '@keelson/core/cri';
import { runtimeLabels } from '../pods/runtime-pod.ts';
import { formatTime, fromNanos } from '../time.ts';

/** A container's CPU time at one look, for the rate until the next. */
export interface CpuSample {
  readonly atMs: number;
  readonly coreNanoSeconds: number;
}

/**
 * The `/stats/summary` of a node, with what CRI can tell of each container: CPU, memory and writable layer.
 *
 * @param before samples of the look before, by container id
 */
export function statsSummary(
  nodeName: string,
  pods: readonly Pod[],
  stats: readonly ContainerStats[],
  before: ReadonlyMap<string, CpuSample>,
): unknown {
  const byPod = new Map<string, ContainerStats[]>();
  for (const each of latestRuns(stats)) {
    const uid = each.attributes?.labels?.[runtimeLabels.podUid] ?? '';
    byPod.set(uid, [...(byPod.get(uid) ?? []), each]);
  }
  const known = pods.filter((pod) => byPod.has(pod.metadata.uid ?? ''));
  return {
    node: {
      nodeName,
      cpu: sum(
        stats.map((each) => cpu(each, before)),
        ['usageNanoCores', 'usageCoreNanoSeconds'],
      ),
      memory: sum(
        stats.map((each) => memory(each.memory)),
        ['usageBytes', 'workingSetBytes', 'rssBytes'],
      ),
    },
    pods: known.map((pod) => {
      const containers = byPod.get(pod.metadata.uid ?? '') ?? [];
      return {
        podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
        startTime: pod.status?.startTime,
        containers: containers.map((each) => ({
          name: each.attributes?.labels?.[runtimeLabels.containerName] ?? each.attributes?.metadata?.name,
          cpu: cpu(each, before),
          memory: memory(each.memory),
          rootfs: filesystem(each.writableLayer),
        })),
        cpu: sum(
          containers.map((each) => cpu(each, before)),
          ['usageNanoCores', 'usageCoreNanoSeconds'],
        ),
        memory: sum(
          containers.map((each) => memory(each.memory)),
          ['usageBytes', 'workingSetBytes', 'rssBytes'],
        ),
      };
    }),
  };
}

/** Runtimes also tell of runs that are over: of each container only the last counts. */
function latestRuns(stats: readonly ContainerStats[]): readonly ContainerStats[] {
  const latest = new Map<string, ContainerStats>();
  for (const each of stats) {
    const { labels, metadata } = each.attributes ?? {};
    const key = `${labels?.[runtimeLabels.podUid]}/${labels?.[runtimeLabels.containerName]}`;
    const known = latest.get(key)?.attributes?.metadata?.attempt ?? -1;
    if ((metadata?.attempt ?? 0) > known) latest.set(key, each);
  }
  return [...latest.values()];
}

export function cpuSamples(stats: readonly ContainerStats[]): ReadonlyMap<string, CpuSample> {
  return new Map(
    stats.map((each) => [
      each.attributes?.id ?? '',
      { atMs: fromNanos(each.cpu?.timestamp) ?? 0, coreNanoSeconds: each.cpu?.usageCoreNanoSeconds?.value ?? 0 },
    ]),
  );
}

interface Numbers {
  readonly [field: string]: string | number | undefined;
}

function cpu(stats: ContainerStats, before: ReadonlyMap<string, CpuSample>): Numbers {
  const usage: CpuUsage = stats.cpu ?? {};
  const at = fromNanos(usage.timestamp) ?? 0;
  const total = usage.usageCoreNanoSeconds?.value ?? 0;
  const earlier = before.get(stats.attributes?.id ?? '');
  const elapsedMs = earlier ? at - earlier.atMs : 0;
  const rate =
    earlier && elapsedMs > 0 ? Math.max(0, Math.round(((total - earlier.coreNanoSeconds) * 1000) / elapsedMs)) : 0;
  return { time: formatTime(at), usageNanoCores: usage.usageNanoCores?.value || rate, usageCoreNanoSeconds: total };
}

function memory(usage: MemoryUsage | undefined): Numbers {
  return {
    time: formatTime(fromNanos(usage?.timestamp) ?? 0),
    usageBytes: usage?.usageBytes?.value ?? 0,
    workingSetBytes: usage?.workingSetBytes?.value ?? 0,
    rssBytes: usage?.rssBytes?.value ?? 0,
    pageFaults: usage?.pageFaults?.value ?? 0,
    majorPageFaults: usage?.majorPageFaults?.value ?? 0,
  };
}

function filesystem(usage: FilesystemUsage | undefined): Numbers {
  return {
    time: formatTime(fromNanos(usage?.timestamp) ?? 0),
    usedBytes: usage?.usedBytes?.value ?? 0,
    inodesUsed: usage?.inodesUsed?.value ?? 0,
  };
}

function sum(items: readonly Numbers[], fields: readonly string[]): Numbers {
  const totals = fields.map(
    (field) => [field, items.reduce((total, each) => total + Number(each[field] ?? 0), 0)] as const,
  );
  return { time: items[0]?.time, ...Object.fromEntries(totals) };
}
