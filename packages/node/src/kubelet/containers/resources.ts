import type { Container, Pod, ResourceFieldSelector } from '@keelson/core/api';
import type * as cri from '@keelson/core/cri';
import { isSidecar } from '../pods/pod-facts.ts';
import { milliValue, wholeValue } from './quantity-values.ts';

/** What the node offers to pods, as `status.allocatable`: quantities by resource name. */
export type NodeAllocatable = Readonly<Record<string, string>>;

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const qosResources = ['cpu', 'memory'] as const;

/** kubernetes.io/docs/concepts/workloads/pods/pod-qos; resources of the pod itself win over its containers' (KEP-2837). */
export function qosClass(pod: Pod): QosClass {
  const own = pod.spec.resources;
  const all = own && (own.requests || own.limits) ? [own] : containersOf(pod).map((each) => each.resources ?? {});
  const positive = (text: string | undefined) => text !== undefined && milliValue(text) > 0;
  const anything = all.some((each) =>
    qosResources.some((name) => positive(each.requests?.[name]) || positive(each.limits?.[name])),
  );
  if (!anything) return 'BestEffort';
  const guaranteed = all.every((each) =>
    qosResources.every((name) => {
      const limit = each.limits?.[name];
      const request = each.requests?.[name] ?? limit;
      return positive(limit) && milliValue(limit ?? '0') === milliValue(request ?? '0');
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function containersOf(pod: Pod): readonly Container[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
}

/** Thousandths for CPU, whole units for everything else: what requests are added up in. */
function amount(resource: string, text: string): number {
  return resource === 'cpu' ? milliValue(text) : wholeValue(text);
}

/**
 * What a pod asks of a node: the larger of its containers with sidecars, and of each init container with the sidecars
 * before it; plus overhead. CPU in thousandths, others in whole units.
 */
export function podRequests(pod: Pod): ReadonlyMap<string, number> {
  return podTotals(pod, (container) => ({ ...container.resources?.limits, ...container.resources?.requests }), {
    ...pod.spec.resources?.limits,
    ...pod.spec.resources?.requests,
  });
}

/** Like `podRequests`; a resource that some container leaves open is absent. */
export function podLimits(pod: Pod): ReadonlyMap<string, number> {
  const limits = podTotals(pod, (container) => container.resources?.limits ?? {}, pod.spec.resources?.limits ?? {});
  const open = [...limits.keys()].filter(
    (name) =>
      pod.spec.resources?.limits?.[name] === undefined &&
      containersOf(pod).some((each) => each.resources?.limits?.[name] === undefined),
  );
  return new Map([...limits].filter(([name]) => !open.includes(name)));
}

function podTotals(
  pod: Pod,
  of: (container: Container) => Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): ReadonlyMap<string, number> {
  const main = new Map<string, number>();
  const add = (into: Map<string, number>, list: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(list)) into.set(name, (into.get(name) ?? 0) + amount(name, text));
  };
  const largest = (into: Map<string, number>, other: ReadonlyMap<string, number>) => {
    for (const [name, value] of other) into.set(name, Math.max(into.get(name) ?? 0, value));
  };
  for (const each of pod.spec.containers) add(main, of(each));
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const each of pod.spec.initContainers ?? []) {
    if (isSidecar(each)) {
      add(main, of(each));
      add(sidecars, of(each));
      largest(peak, sidecars);
    } else {
      const step = new Map(sidecars);
      add(step, of(each));
      largest(peak, step);
    }
  }
  largest(main, peak);
  for (const [name, text] of Object.entries(own)) main.set(name, amount(name, text));
  add(main, pod.spec.overhead ?? {});
  return main;
}

/** The value of a `resourceFieldRef`: in units of its divisor, rounded up; a limit that is not set is the node's. */
export function containerResourceValue(
  container: Pick<Container, 'resources'>,
  selector: ResourceFieldSelector,
  allocatable: NodeAllocatable,
): string {
  const [list, ...rest] = selector.resource.split('.');
  const name = rest.join('.');
  const { requests, limits } = container.resources ?? {};
  const text =
    list === 'limits' ? (limits?.[name] ?? allocatable[name] ?? '0') : (requests?.[name] ?? limits?.[name] ?? '0');
  if (list !== 'limits' && list !== 'requests')
    throw new Error(`unsupported container resource : ${selector.resource}`);
  const divisor = selector.divisor === undefined || wholeValue(selector.divisor) === 0 ? '1' : selector.divisor;
  return String(Math.ceil(milliValue(text) / milliValue(divisor)));
}

const minShares = 2;
const maxShares = 262_144;
const cpuPeriodUs = 100_000;
const minQuotaUs = 1000;

/** cgroup v1 `cpu.shares` of thousandths of a CPU. */
export function cpuShares(milliCpu: number): number {
  return Math.min(maxShares, Math.max(minShares, Math.floor((milliCpu * 1024) / 1000)));
}

/** CFS quota in microseconds a period of 100 ms; 0 for no limit. */
export function cpuQuota(milliCpu: number): number {
  return milliCpu <= 0 ? 0 : Math.max(minQuotaUs, Math.floor((milliCpu * cpuPeriodUs) / 1000));
}

/**
 * Kubernetes' `oom_score_adj` by QoS class: −997 for Guaranteed, 1000 for BestEffort, in between by the share of the
 * node's memory that is requested (kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction).
 */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  const critical = (pod.spec.priority ?? 0) >= 2_000_000_000;
  const qos = qosClass(pod);
  if (critical || qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = wholeValue(container.resources?.requests?.memory ?? container.resources?.limits?.memory ?? '0');
  const adjusted = 1000 - Math.floor((1000 * request) / Math.max(1, memoryCapacity));
  if (adjusted < 3) return 3;
  return adjusted === 1000 ? 999 : adjusted;
}

export function linuxResources(pod: Pod, container: Container, memoryCapacity: number): cri.LinuxContainerResources {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = limits?.cpu === undefined ? 0 : milliValue(limits.cpu);
  const cpuRequest = requests?.cpu === undefined ? cpuLimit : milliValue(requests.cpu);
  const quota = cpuQuota(cpuLimit);
  const hugepages = Object.entries(limits ?? {}).filter(([name]) => name.startsWith('hugepages-'));
  return {
    cpuPeriod: cpuPeriodUs,
    cpuShares: cpuShares(cpuRequest),
    ...(quota > 0 && { cpuQuota: quota }),
    ...(limits?.memory !== undefined && { memoryLimitInBytes: wholeValue(limits.memory) }),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacity),
    ...(hugepages.length > 0 && {
      hugepageLimits: hugepages.map(([name, text]) => ({
        pageSize: `${name.slice('hugepages-'.length).replace(/i$/, '')}B`,
        limit: wholeValue(text),
      })),
    }),
  };
}

/** Limits of the pod's own cgroup: what its containers may use together. */
export interface PodCgroupLimits {
  readonly cpuShares: number;
  /** Microseconds in 100 ms; absent without a CPU limit. */
  readonly cpuQuota?: number;
  readonly memoryLimit?: number;
}

export function podCgroupLimits(pod: Pod): PodCgroupLimits {
  const limits = podLimits(pod);
  const cpu = limits.get('cpu');
  const memory = limits.get('memory');
  return {
    cpuShares: cpuShares(podRequests(pod).get('cpu') ?? 0),
    ...(cpu !== undefined && { cpuQuota: cpuQuota(cpu) }),
    ...(memory !== undefined && { memoryLimit: memory }),
  };
}
