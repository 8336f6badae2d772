import { type DaemonSet, intOrPercent, type Node, type Pod } from '@keelson/core';
import { isPodAvailable, isPodReady, podPhase } from '../pod-control/index.ts';
import { isUpdated, nodeOf, type Placement, placementOf } from './daemon-pod.ts';

/** Pods to be made, by node, and pods to go. */
export interface Changes {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Pods that have ended by themselves, for events. */
  readonly ended: readonly Pod[];
}

/** A set on its nodes, as everything below sees it. */
export interface View {
  readonly set: DaemonSet;
  readonly hash: string;
  readonly now: number;
  readonly nodes: readonly { readonly name: string; readonly placement: Placement; readonly pods: readonly Pod[] }[];
  /** Pods on nodes that are gone, and not on any. */
  readonly astray: readonly Pod[];
}

export function viewOf(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[], hash: string, now: number): View {
  const placement = placementOf(set);
  const byNode = new Map<string, Pod[]>(nodes.map(({ metadata }) => [metadata.name, []]));
  const astray: Pod[] = [];
  for (const pod of pods) {
    const node = nodeOf(pod);
    const there = node === undefined ? undefined : byNode.get(node);
    if (there) there.push(pod);
    else astray.push(pod);
  }
  return {
    set,
    hash,
    now,
    astray,
    nodes: nodes.map((node) => ({
      name: node.metadata.name,
      placement: placement(node),
      pods: (byNode.get(node.metadata.name) ?? []).sort(oldestFirst),
    })),
  };
}

/** The assigned before those that are not, then by age. */
function oldestFirst(a: Pod, b: Pod): number {
  const assigned = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName));
  return (
    assigned ||
    (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

const stands = (pod: Pod) => pod.metadata.deletionTimestamp === undefined;

function isAvailable({ set, now }: View, pod: Pod): boolean {
  return isPodAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}

/** Of the nodes that should run a pod, so many may have a second one, or none, while a roll-out goes on. */
export function rolloutLimits({ set, nodes }: View): { readonly surge: number; readonly unavailable: number } {
  const desired = nodes.filter(({ placement }) => placement.run).length;
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return { surge: 0, unavailable: 0 };
  const surge = intOrPercent(rollingUpdate?.maxSurge ?? 0, desired, true);
  const unavailable = intOrPercent(rollingUpdate?.maxUnavailable ?? 1, desired, true);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** One pod on each node that should have one, none elsewhere; what has ended is replaced. */
export function manage(view: View): Changes {
  const create: string[] = [];
  const remove: Pod[] = view.astray.filter(stands);
  const ended: Pod[] = [];
  const surges = rolloutLimits(view).surge > 0;
  for (const { name, placement, pods } of view.nodes) {
    if (placement.run && pods.length === 0) create.push(name);
    else if (placement.stay) {
      const standing = pods.filter(stands);
      const over = standing.filter((pod) => podPhase(pod) === 'Failed' || podPhase(pod) === 'Succeeded');
      ended.push(...over);
      remove.push(...over);
      const running = standing.filter((pod) => !over.includes(pod));
      remove.push(...(surges ? surplusWhileSurging(view, running) : running.slice(1)));
    } else remove.push(...pods.filter(stands));
  }
  return { create, remove, ended };
}

/** One old and one new pod may stand side by side, until the new one is available or the old one is not ready. */
function surplusWhileSurging(view: View, running: readonly Pod[]): readonly Pod[] {
  const updated = running.filter((pod) => isUpdated(pod, view.set, view.hash));
  const old = running.filter((pod) => !updated.includes(pod));
  const surplus = [...updated.slice(1), ...old.slice(1)];
  const [newPod] = updated;
  const [oldPod] = old;
  if (newPod && oldPod && (!isPodReady(oldPod) || isAvailable(view, newPod))) surplus.push(oldPod);
  return surplus;
}

const nothing: Changes = { create: [], remove: [], ended: [] };

/** Brings pods of older templates up to date, within the limits. Nodes that `manage` has to see to count as unavailable. */
export function rollOut(view: View): Changes {
  if (view.set.spec.updateStrategy?.type !== 'RollingUpdate') return nothing;
  const { surge, unavailable } = rolloutLimits(view);
  const pairs = view.nodes
    .filter(({ placement, pods }) => placement.run || pods.length > 0)
    .map(({ name, pods }) => ({ name, ...pairOf(view, pods) }));
  return surge > 0 ? rollOutBySurge(view, pairs, surge) : rollOutInPlace(view, pairs, unavailable);
}

interface Pair {
  readonly newPod: Pod | undefined;
  readonly oldPod: Pod | undefined;
  /** More pods than there should be: `manage` clears up first. */
  readonly unclear: boolean;
}

function pairOf({ set, hash }: View, pods: readonly Pod[]): Pair {
  const standing = pods.filter(stands);
  const updated = standing.filter((pod) => isUpdated(pod, set, hash));
  const old = standing.filter((pod) => !updated.includes(pod));
  return { newPod: updated[0], oldPod: old[0], unclear: updated.length > 1 || old.length > 1 };
}

function rollOutInPlace(view: View, pairs: readonly (Pair & { readonly name: string })[], most: number): Changes {
  let missing = 0;
  const free: Pod[] = [];
  const candidates: Pod[] = [];
  for (const { newPod, oldPod, unclear } of pairs) {
    if (unclear || (newPod === undefined) === (oldPod === undefined)) missing += 1;
    else if (newPod !== undefined) missing += isAvailable(view, newPod) ? 0 : 1;
    else if (oldPod !== undefined) {
      if (isAvailable(view, oldPod)) candidates.push(oldPod);
      else {
        // It serves nobody as it is.
        free.push(oldPod);
        missing += 1;
      }
    }
  }
  return { ...nothing, remove: [...free, ...candidates.slice(0, Math.max(0, most - missing))] };
}

function rollOutBySurge(view: View, pairs: readonly (Pair & { readonly name: string })[], most: number): Changes {
  let surging = 0;
  const remove: Pod[] = [];
  const free: string[] = [];
  const candidates: string[] = [];
  for (const { name, newPod, oldPod, unclear } of pairs) {
    if (unclear) surging += 1;
    else if (oldPod === undefined) continue;
    else if (newPod === undefined) (isAvailable(view, oldPod) ? candidates : free).push(name);
    else if (isAvailable(view, newPod)) remove.push(oldPod);
    else surging += 1;
  }
  return { ...nothing, create: [...free, ...candidates.slice(0, Math.max(0, most - surging))], remove };
}
