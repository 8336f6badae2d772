import type { Container, Pod, PodAffinityTerm, ScopedResourceSelectorRequirement } from '../../api/index.ts';
import type { Quantity } from '../../machinery/index.ts';
import { isPodLevel, podLimits, podRequests } from '../pod-resources.ts';
import type { QuotaEvaluator } from './contract.ts';
import { countName, one } from './count-evaluator.ts';

const count = countName('', 'pods');
const compute = ['cpu', 'memory', 'ephemeral-storage'];
const fixed = new Set([
  count,
  'pods',
  ...compute,
  ...compute.map((each) => `requests.${each}`),
  ...compute.map((each) => `limits.${each}`),
]);
/** Where one of these is limited, every container has to say how much it takes. */
const mustBeSaid: ReadonlyMap<string, readonly ['requests' | 'limits', string]> = new Map([
  ['cpu', ['requests', 'cpu']],
  ['memory', ['requests', 'memory']],
  ['requests.cpu', ['requests', 'cpu']],
  ['requests.memory', ['requests', 'memory']],
  ['limits.cpu', ['limits', 'cpu']],
  ['limits.memory', ['limits', 'memory']],
]);

export const podEvaluator: QuotaEvaluator<Pod> = {
  group: '',
  resource: 'pods',
  handles(operation, subresource, pod, before) {
    if (operation === 'CREATE') return subresource === undefined;
    if (operation !== 'UPDATE') return false;
    if (subresource === undefined) return before !== undefined && isTerminating(pod) !== isTerminating(before);
    return subresource === 'resize';
  },
  counts: (name) =>
    fixed.has(name) ||
    name.startsWith('hugepages-') ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && isExtended(name.slice('requests.'.length))),
  usage(pod, now) {
    if (!takesResources(pod, now)) return { [count]: one };
    const usage: Record<string, Quantity> = { [count]: one, pods: one };
    for (const [name, amount] of Object.entries(podRequests(pod))) {
      if (compute.includes(name) || name.startsWith('hugepages-')) usage[name] = amount;
      if (compute.includes(name) || name.startsWith('hugepages-') || isExtended(name))
        usage[`requests.${name}`] = amount;
    }
    for (const [name, amount] of Object.entries(podLimits(pod))) {
      if (compute.includes(name)) usage[`limits.${name}`] = amount;
    }
    return usage;
  },
  inScope,
  missing(pod, limited) {
    // What is said of the pod as a whole is enough, whatever it leaves out (KEP-2837).
    if (saysForAll(pod)) return undefined;
    const wanted = limited.filter((name) => mustBeSaid.has(name)).sort();
    const parts = wanted.flatMap((name) => {
      const [kind, resource] = mustBeSaid.get(name) ?? ['requests', name];
      const silent = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]
        .filter((container) => container.resources?.[kind]?.[resource] === undefined)
        .map((container) => container.name);
      return silent.length === 0 ? [] : [`${name} for: ${[...new Set(silent)].sort().join(',')}`];
    });
    return parts.length === 0 ? undefined : `must specify ${parts.join('; ')}`;
  },
};

/** A pod that has ended, or that should have ended long ago on a node that is gone, takes nothing any more. */
export function takesResources({ metadata, status }: Pod, now: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return true;
  return now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

/** A resource of somebody else's domain, such as `nvidia.com/gpu`, or the devices of a class (KEP-5004). */
function isExtended(name: string): boolean {
  if (name.startsWith('deviceclass.resource.kubernetes.io/')) return true;
  return name.includes('/') && !name.includes('kubernetes.io/');
}

function inScope(pod: Pod, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  switch (scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    case 'PriorityClass': {
      const name = pod.spec.priorityClassName ?? '';
      if (operator === 'In') return values.includes(name);
      if (operator === 'NotIn') return !values.includes(name);
      return (operator === 'Exists') === (name !== '');
    }
    default:
      return false;
  }
}

const isTerminating = ({ spec }: Pod) => (spec.activeDeadlineSeconds ?? -1) >= 0;

const saysForAll = ({ spec: { resources } }: Pod) =>
  [resources?.requests, resources?.limits].some((each) => Object.keys(each ?? {}).some(isPodLevel));

/** Zero amounts count as none, as they do for the QoS class. */
function isBestEffort({ spec }: Pod): boolean {
  const asks = ({ resources }: Pick<Container, 'resources'>) =>
    [resources?.requests, resources?.limits].some((each) =>
      (['cpu', 'memory'] as const).some((name) => !isZero(each?.[name])),
    );
  if (spec.resources) return !asks({ resources: spec.resources });
  return ![...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(asks);
}

const isZero = (text: string | undefined) => text === undefined || /^[+-]?[0.]*([a-zA-Z]|$)/.test(text);

function crossesNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const terms: PodAffinityTerm[] = [podAffinity, podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ]);
  return terms.some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined);
}
