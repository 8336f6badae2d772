import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '@keelson/core/api';
import { milliValue, wholeValue } from '../containers/quantity-values.ts';
import type { NodeAllocatable } from '../containers/resources.ts';
import { podRequests } from '../containers/resources.ts';
import type { PodFailure } from './pod-workers.ts';

/**
 * Whether a pod that was given to this node may run on it. The scheduler decided on what it knew; whoever sets
 * `nodeName` by hand did not ask it. Pure.
 *
 * @param others pods of this node that are not terminal
 * @returns why not, as it stands in the status of the pod
 */
export function admitPod(
  pod: Pod,
  node: Node,
  others: readonly Pod[],
  allocatable: NodeAllocatable,
): PodFailure | undefined {
  if (pod.spec.os !== undefined && pod.spec.os.name !== 'linux') {
    return reject('PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS");
  }
  const maxPods = wholeValue(allocatable.pods ?? '110');
  if (others.length + 1 > maxPods) {
    return reject('OutOfpods', shortage('pods', 1, others.length, maxPods));
  }
  const wanted = podRequests(pod);
  for (const [resource, requested] of wanted) {
    if (requested === 0) continue;
    const extended = isExtended(resource);
    // Whoever gives a node a resource of their own says so in its status; what no node has is for the whole cluster.
    const text = allocatable[resource] ?? (extended ? node.status?.allocatable?.[resource] : undefined);
    if (extended && text === undefined) continue;
    const capacity = text === undefined ? 0 : resource === 'cpu' ? milliValue(text) : wholeValue(text);
    const used = others.reduce((sum, each) => sum + (podRequests(each).get(resource) ?? 0), 0);
    if (used + requested > capacity) return reject(`OutOf${resource}`, shortage(resource, requested, used, capacity));
  }
  if (!affinityMatches(pod, node))
    return reject('NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector");
  const taken = hostPorts(pod).some((port) =>
    others.some((other) => hostPorts(other).some((each) => portsCollide(port, each))),
  );
  if (taken)
    return reject(
      'NodePorts',
      "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    );
  return undefined;
}

const isExtended = (resource: string): boolean => resource.includes('/') && !resource.includes('kubernetes.io/');

function reject(reason: string, why: string): PodFailure {
  return { reason, message: `Pod was rejected: ${why}` };
}

function shortage(resource: string, requested: number, used: number, capacity: number): string {
  return `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
}

function affinityMatches(pod: Pod, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => termMatches(term, node));
}

function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  const labels = node.metadata.labels ?? {};
  return (
    expressions.every((each) => requirementMatches(each, labels[each.key])) &&
    fields.every((each) => requirementMatches(each, each.key === 'metadata.name' ? node.metadata.name : undefined))
  );
}

function requirementMatches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

function hostPorts(pod: Pod): readonly HostPort[] {
  return [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always'),
  ].flatMap((container) =>
    (container.ports ?? [])
      .filter((each) => (each.hostPort ?? 0) > 0)
      .map((each) => ({ protocol: each.protocol ?? 'TCP', ip: each.hostIP || '0.0.0.0', port: each.hostPort ?? 0 })),
  );
}

function portsCollide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0');
}
