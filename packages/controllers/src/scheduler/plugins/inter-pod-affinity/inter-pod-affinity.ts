import type { Pod } from '@keelson/core';
import {
  type AffinityTerm,
  type CycleState,
  type EventRegistration,
  type NodeInfo,
  type PodInfo,
  type SchedulerPlugin,
  type SchedulingSnapshot,
  type SchedulingStatus,
  stateKey,
} from '@keelson/core/scheduling';
import { normalizeToRange } from '../../framework/normalize.ts';
import { allOf } from './all-of.ts';
import { TopologyCounts } from './topology-counts.ts';

const noAffinity: SchedulingStatus = { code: 'unresolvable', reasons: ["node(s) didn't match pod affinity rules"] };
const antiAffinity = "node(s) didn't match pod anti-affinity rules";
const existingAntiAffinity = "node(s) didn't satisfy existing pods anti-affinity rules";
const skip: SchedulingStatus = { code: 'skip' };

interface FilterState {
  /** Pods that match all required affinity terms, by topology, one for each term. */
  readonly affinity: readonly TopologyCounts[];
  /** Pods that match the required anti-affinity term, one for each term. */
  readonly antiAffinity: readonly TopologyCounts[];
  /** Pods on nodes whose required anti-affinity term matches the incoming pod, one for each distinct term. */
  readonly existing: { readonly term: AffinityTerm; readonly counts: TopologyCounts }[];
  readonly matchesItself: boolean;
}

const filterKey = stateKey<FilterState>('InterPodAffinity filter', (state) => ({
  ...state,
  affinity: state.affinity.map((each) => each.clone()),
  antiAffinity: state.antiAffinity.map((each) => each.clone()),
  existing: state.existing.map((each) => ({ term: each.term, counts: each.counts.clone() })),
}));

interface Preference {
  readonly topologyKey: string;
  readonly weight: number;
  readonly counts: ReadonlyMap<string, number>;
}
const scoreKey = stateKey<readonly Preference[]>('InterPodAffinity score');

/** Pods that want to be near, or not near, other pods; also the wishes of those that are already there. */
export class InterPodAffinity implements SchedulerPlugin {
  readonly name = 'InterPodAffinity';
  readonly weight = 2;
  /** Weight of required affinity terms of existing pods in the score (hardPodAffinityWeight). */
  private readonly hardWeight: number;

  constructor(hardWeight = 1) {
    this.hardWeight = hardWeight;
  }

  preFilter(pod: Pod, state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus {
    const { affinity, antiAffinity } = state.podInfo;
    const existing: { term: AffinityTerm; counts: TopologyCounts }[] = [];
    for (const { kind, term, counts } of snapshot.existingTerms) {
      if (kind === 'requiredAntiAffinity' && term.query.matches(pod)) {
        existing.push({ term, counts: new TopologyCounts(counts) });
      }
    }
    if (existing.length === 0 && affinity.required.length === 0 && antiAffinity.required.length === 0) return skip;
    const all = affinity.required.length > 0 ? allOf(affinity.required) : undefined;
    state.write(filterKey, {
      existing,
      affinity: affinity.required.map(
        (term) => new TopologyCounts(all && snapshot.countByTopology(all, term.topologyKey)),
      ),
      antiAffinity: antiAffinity.required.map(
        (term) => new TopologyCounts(snapshot.countByTopology(term.query, term.topologyKey)),
      ),
      matchesItself: all?.matches(pod) ?? false,
    });
    return undefined;
  }

  addPod(pod: Pod, added: PodInfo, node: NodeInfo, state: CycleState): void {
    this.change(pod, added, node, state, 1);
  }

  removePod(pod: Pod, removed: PodInfo, node: NodeInfo, state: CycleState): void {
    this.change(pod, removed, node, state, -1);
  }

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    const data = state.read(filterKey);
    if (!data) return undefined;
    const labels = node.node.metadata.labels;
    if (!this.nearEnough(data, state.podInfo, labels)) return noAffinity;
    const { required } = state.podInfo.antiAffinity;
    for (let each = 0; each < required.length; each += 1) {
      const value = labels?.[required[each]!.topologyKey];
      if (value !== undefined && data.antiAffinity[each]!.get(value) > 0) return antiAffinity;
    }
    for (const { term, counts } of data.existing) {
      const value = labels?.[term.topologyKey];
      if (value !== undefined && counts.get(value) > 0) return existingAntiAffinity;
    }
    return undefined;
  }

  preScore(pod: Pod, _nodes: readonly NodeInfo[], state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus {
    const { affinity, antiAffinity } = state.podInfo;
    const preferences: Preference[] = [];
    const own = (terms: readonly AffinityTerm[], sign: 1 | -1) => {
      for (const { query, topologyKey, weight } of terms) {
        const counts = snapshot.countByTopology(query, topologyKey);
        if (counts.size > 0) preferences.push({ topologyKey, weight: sign * weight, counts });
      }
    };
    own(affinity.preferred, 1);
    own(antiAffinity.preferred, -1);
    for (const { kind, term, counts } of snapshot.existingTerms) {
      const weight =
        kind === 'requiredAffinity'
          ? this.hardWeight
          : kind === 'preferredAffinity'
            ? term.weight
            : kind === 'preferredAntiAffinity'
              ? -term.weight
              : 0;
      if (weight !== 0 && counts.size > 0 && term.query.matches(pod)) {
        preferences.push({ topologyKey: term.topologyKey, weight, counts });
      }
    }
    if (preferences.length === 0) return skip;
    state.write(scoreKey, preferences);
    return undefined;
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    let score = 0;
    for (const { topologyKey, weight, counts } of state.read(scoreKey) ?? []) {
      const value = node.node.metadata.labels?.[topologyKey];
      if (value !== undefined) score += weight * (counts.get(value) ?? 0);
    }
    return score;
  }

  normalize(_pod: Pod, scores: Float64Array): void {
    normalizeToRange(scores);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { on: ['AssignedPodAdded', 'AssignedPodChanged', 'AssignedPodDeleted', 'PodChanged', 'NamespaceChanged'] },
      { on: ['NodeAdded', 'NodeLabelsChanged'] },
    ];
  }

  private nearEnough(data: FilterState, info: PodInfo, labels: Readonly<Record<string, string>> | undefined): boolean {
    const { required } = info.affinity;
    let present = true;
    for (let each = 0; each < required.length; each += 1) {
      const value = labels?.[required[each]!.topologyKey];
      if (value === undefined) return false;
      if (data.affinity[each]!.get(value) <= 0) present = false;
    }
    // The first pod of a group that wants its own company may start anywhere.
    return present || (data.matchesItself && data.affinity.every((each) => each.isEmpty()));
  }

  private change(pod: Pod, other: PodInfo, node: NodeInfo, state: CycleState, change: 1 | -1): void {
    const data = state.read(filterKey);
    if (!data) return;
    const labels = node.node.metadata.labels;
    const { affinity, antiAffinity } = state.podInfo;
    const matchesAll = affinity.required.length > 0 && affinity.required.every((term) => term.query.matches(other.pod));
    affinity.required.forEach((term, each) => {
      const value = labels?.[term.topologyKey];
      if (matchesAll && value !== undefined) data.affinity[each]!.add(value, change);
    });
    antiAffinity.required.forEach((term, each) => {
      const value = labels?.[term.topologyKey];
      if (value !== undefined && term.query.matches(other.pod)) data.antiAffinity[each]!.add(value, change);
    });
    for (const term of other.antiAffinity.required) {
      const value = labels?.[term.topologyKey];
      if (value === undefined || !term.query.matches(pod)) continue;
      const known = data.existing.find(
        (each) => each.term.query.key === term.query.key && each.term.topologyKey === term.topologyKey,
      );
      if (known) known.counts.add(value, change);
      else if (change > 0) data.existing.push({ term, counts: new TopologyCounts(new Map([[value, 1]])) });
    }
  }
}
