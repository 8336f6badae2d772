import type { Pod, TopologySpreadConstraint } from '@keelson/core';
import {
  type CycleState,
  type EventRegistration,
  type NodeInfo,
  type PodInfo,
  type PodQuery,
  type SchedulerPlugin,
  type SchedulingSnapshot,
  type SchedulingStatus,
  stateKey,
} from '@keelson/core/scheduling';
import { isTolerated } from '../taint-toleration/tolerates.ts';
import { compileConstraint } from './compile-constraint.ts';
import { SpreadCounts } from './spread-counts.ts';

const skewed = "node(s) didn't match pod topology spread constraints";
const unlabelled: SchedulingStatus = {
  code: 'unresolvable',
  reasons: [`${skewed} (missing required label)`],
};
const skip: SchedulingStatus = { code: 'skip' };

interface Spread {
  readonly key: string;
  readonly maxSkew: number;
  readonly query: PodQuery;
  readonly matchesItself: boolean;
  /** Matching pods by topology value, on nodes that count. */
  readonly counts: SpreadCounts;
  /** How many values there must be before the smallest count may be above zero. */
  readonly minDomains: number;
  readonly constraint: TopologySpreadConstraint;
}
const filterKey = stateKey<readonly Spread[]>('PodTopologySpread filter', (spreads) =>
  spreads.map((each) => ({ ...each, counts: each.counts.clone() })),
);

interface ScoreState {
  readonly spreads: readonly (Spread & { readonly weight: number })[];
  readonly ignored: ReadonlySet<string>;
}
const scoreKey = stateKey<ScoreState>('PodTopologySpread score');

/** Spreads the pods that a constraint selects evenly over zones, nodes or any other label (KEP-895). */
export class PodTopologySpread implements SchedulerPlugin {
  readonly name = 'PodTopologySpread';
  readonly weight = 2;

  preFilter(pod: Pod, state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus {
    const spreads = this.prepare(pod, state, snapshot, 'DoNotSchedule');
    if (spreads.length === 0) return skip;
    state.write(filterKey, spreads);
    return undefined;
  }

  addPod(pod: Pod, added: PodInfo, node: NodeInfo, state: CycleState): void {
    this.change(pod, added, node, state, 1);
  }

  removePod(pod: Pod, removed: PodInfo, node: NodeInfo, state: CycleState): void {
    this.change(pod, removed, node, state, -1);
  }

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    for (const spread of state.read(filterKey) ?? []) {
      const value = node.node.metadata.labels?.[spread.key];
      if (value === undefined) return unlabelled;
      const least = spread.counts.size < spread.minDomains ? 0 : spread.counts.minimum();
      const skew = spread.counts.get(value) + (spread.matchesItself ? 1 : 0) - least;
      if (skew > spread.maxSkew) return skewed;
    }
    return undefined;
  }

  preScore(pod: Pod, nodes: readonly NodeInfo[], state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus {
    const spreads = this.prepare(pod, state, snapshot, 'ScheduleAnyway');
    if (spreads.length === 0) return skip;
    const complete = (node: NodeInfo) => spreads.every((each) => node.node.metadata.labels?.[each.key] !== undefined);
    const eligible = nodes.filter(complete);
    const ignored = new Set(nodes.filter((node) => !complete(node)).map((node) => node.name));
    state.write(scoreKey, {
      ignored,
      spreads: spreads.map((spread) => {
        const values = new Set(eligible.map((node) => node.node.metadata.labels?.[spread.key]));
        return { ...spread, weight: Math.log(values.size + 2) };
      }),
    });
    return undefined;
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    const data = state.read(scoreKey);
    if (!data || data.ignored.has(node.name)) return 0;
    let score = 0;
    for (const { key, counts, weight, maxSkew } of data.spreads) {
      score += counts.get(node.node.metadata.labels?.[key] ?? '') * weight + (maxSkew - 1);
    }
    return Math.round(score);
  }

  normalize(_pod: Pod, scores: Float64Array, nodes: readonly NodeInfo[], state: CycleState): void {
    const ignored = state.read(scoreKey)?.ignored;
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    nodes.forEach((node, each) => {
      if (ignored?.has(node.name)) return;
      least = Math.min(least, scores[each]!);
      most = Math.max(most, scores[each]!);
    });
    nodes.forEach((node, each) => {
      if (ignored?.has(node.name)) scores[each] = 0;
      else scores[each] = most === 0 ? 100 : Math.trunc((100 * (most + least - scores[each]!)) / most);
    });
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { on: ['AssignedPodAdded', 'AssignedPodChanged', 'AssignedPodDeleted', 'PodChanged'] },
      { on: ['NodeAdded', 'NodeDeleted', 'NodeLabelsChanged', 'NodeTaintsChanged'] },
    ];
  }

  private prepare(
    pod: Pod,
    state: CycleState,
    snapshot: SchedulingSnapshot,
    whenUnsatisfiable: string,
  ): readonly Spread[] {
    const constraints = (pod.spec?.topologySpreadConstraints ?? []).filter(
      (each) => each.whenUnsatisfiable === whenUnsatisfiable,
    );
    if (constraints.length === 0) return [];
    return constraints.map((constraint) => {
      const query = compileConstraint(pod, constraint);
      return {
        key: constraint.topologyKey,
        maxSkew: constraint.maxSkew,
        minDomains: constraint.minDomains ?? 1,
        matchesItself: query.matches(pod),
        constraint,
        query,
        counts: this.count(query, constraint, constraints, state, snapshot),
      };
    });
  }

  /** From the index where every labelled node counts; else by a look at each node. */
  private count(
    query: PodQuery,
    constraint: TopologySpreadConstraint,
    all: readonly TopologySpreadConstraint[],
    state: CycleState,
    snapshot: SchedulingSnapshot,
  ): SpreadCounts {
    const key = constraint.topologyKey;
    const anyNode = constraint.nodeAffinityPolicy === 'Ignore' || !state.podInfo.nodeMatcher;
    if (all.length === 1 && anyNode && constraint.nodeTaintsPolicy !== 'Honor') {
      return new SpreadCounts(snapshot.countByTopology(query, key), snapshot.topologyValues(key));
    }
    const byNode = snapshot.countByNode(query);
    const counts = new Map<string, number>();
    for (const node of snapshot.nodes) {
      const labels = node.node.metadata.labels;
      const value = labels?.[key];
      if (value === undefined || !all.every((each) => labels?.[each.topologyKey] !== undefined)) continue;
      if (counted(constraint, node, state)) counts.set(value, (counts.get(value) ?? 0) + (byNode.get(node.name) ?? 0));
    }
    return new SpreadCounts(counts, new Set(counts.keys()));
  }

  private change(_pod: Pod, other: PodInfo, node: NodeInfo, state: CycleState, change: 1 | -1): void {
    for (const spread of state.read(filterKey) ?? []) {
      const value = node.node.metadata.labels?.[spread.key];
      if (value === undefined || !spread.query.matches(other.pod)) continue;
      if (counted(spread.constraint, node, state)) spread.counts.add(value, change);
    }
  }
}

/** Whether pods on the node count: by default where the pod's node affinity lets it go, whatever the taints are. */
function counted(constraint: TopologySpreadConstraint, node: NodeInfo, state: CycleState): boolean {
  const { nodeMatcher, tolerations } = state.podInfo;
  if (constraint.nodeAffinityPolicy !== 'Ignore' && nodeMatcher && !nodeMatcher.matches(node.node)) return false;
  if (constraint.nodeTaintsPolicy !== 'Honor') return true;
  return (node.node.spec?.taints ?? []).every(
    (taint) => taint.effect === 'PreferNoSchedule' || isTolerated(tolerations, taint),
  );
}
