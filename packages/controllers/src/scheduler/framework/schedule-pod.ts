import type { Random } from '@keelson/core';
import type { CycleState, NodeInfo, PodInfo, SchedulerPlugin, SchedulingSnapshot } from '@keelson/core/scheduling';
import type { Diagnosis } from './diagnosis.ts';
import { ruledOut, type SchedulingFramework } from './framework.ts';
import { type Refusal, reasonsOf } from './status.ts';

export type ScheduleResult =
  | { readonly nodeName: string; readonly diagnosis?: undefined; readonly error?: undefined }
  | { readonly diagnosis: Diagnosis; readonly error?: undefined }
  | { readonly error: Error };

/**
 * How many nodes that fit are enough: all of up to 100; then a share of 50 % that falls by one for every 125 nodes, 5 %
 * at least, and never fewer than 100 (percentageOfNodesToScore = 0 in Kubernetes).
 */
export function enoughNodes(nodeCount: number, percentage = 0): number {
  if (nodeCount < 100 || percentage >= 100) return nodeCount;
  const share = percentage > 0 ? percentage : Math.max(5, 50 - Math.trunc(nodeCount / 125));
  return Math.max(100, Math.trunc((nodeCount * share) / 100));
}

/** One decision after another. Holds only where the last one stopped looking, and buffers that are used again. */
export class PodScheduler {
  private readonly framework: SchedulingFramework;
  private readonly random: Random;
  private readonly percentage: number;
  /** Pods that a node has been promised to, with at least this priority. */
  private readonly nominated: (node: string, than: PodInfo) => readonly PodInfo[];
  private start = 0;
  private scores = new Float64Array(128);
  private totals = new Float64Array(128);

  constructor(
    framework: SchedulingFramework,
    options: {
      readonly random: Random;
      readonly percentageOfNodesToScore?: number;
      readonly nominated?: (node: string, than: PodInfo) => readonly PodInfo[];
    },
  ) {
    this.framework = framework;
    this.random = options.random;
    this.percentage = options.percentageOfNodesToScore ?? 0;
    this.nominated = options.nominated ?? (() => []);
  }

  /** Synchronous, and reads only the snapshot: nothing can change between filter and score. */
  schedule(state: CycleState, snapshot: SchedulingSnapshot): ScheduleResult {
    const nodeCount = snapshot.nodes.length;
    const pre = this.framework.preFilter(state, snapshot);
    if (pre.refusal !== undefined) {
      if (typeof pre.refusal === 'object' && pre.refusal.code === 'error') return { error: pre.refusal.error };
      return {
        diagnosis: {
          nodeCount,
          statusByNode: new Map(),
          rejectedBy: new Set([pre.plugin]),
          preFilterMessage: reasonsOf(pre.refusal).join(', '),
        },
      };
    }
    const statusByNode = new Map<string, Refusal>();
    const rejectedBy = new Set<string>();
    let candidates: readonly NodeInfo[] = snapshot.nodes;
    if (pre.names) {
      const names = pre.names;
      candidates = [...names].map((name) => snapshot.get(name)).filter((node) => node !== undefined);
      const refusal = ruledOut(names, pre.restrictedBy);
      for (const node of snapshot.nodes) if (!names.has(node.name)) statusByNode.set(node.name, refusal);
      for (const name of pre.restrictedBy) if (statusByNode.size > 0) rejectedBy.add(name);
    }
    const feasible = this.filter(state, candidates, nodeCount, statusByNode, rejectedBy);
    if (feasible instanceof Error) return { error: feasible };
    if (feasible.length === 0) return { diagnosis: { nodeCount, statusByNode, rejectedBy } };
    return { nodeName: this.select(state, feasible, snapshot).name };
  }

  private filter(
    state: CycleState,
    candidates: readonly NodeInfo[],
    nodeCount: number,
    statusByNode: Map<string, Refusal>,
    rejectedBy: Set<string>,
  ): NodeInfo[] | Error {
    const { pod } = state.podInfo;
    const filters = this.framework.activeFilters(state);
    const enough = enoughNodes(nodeCount, this.percentage);
    const feasible: NodeInfo[] = [];
    const count = candidates.length;
    let looked = 0;
    for (; looked < count && feasible.length < enough; looked += 1) {
      const node = candidates[(this.start + looked) % count]!;
      let refusal: Refusal | undefined;
      for (let each = 0; each < filters.length; each += 1) {
        refusal = filters[each]!.filter(pod, node, state);
        if (refusal !== undefined) {
          rejectedBy.add(filters[each]!.name);
          break;
        }
      }
      refusal ??= this.withNominated(state, node, filters);
      if (refusal === undefined) feasible.push(node);
      else if (typeof refusal === 'object' && refusal.code === 'error') return refusal.error;
      else statusByNode.set(node.name, refusal);
    }
    if (count > 0) this.start = (this.start + looked) % count;
    return feasible;
  }

  /** The pod must also fit once the pods that the node is promised to have come. */
  private withNominated(
    state: CycleState,
    node: NodeInfo,
    filters: SchedulingFramework['filters'],
  ): Refusal | undefined {
    const expected = this.nominated(node.name, state.podInfo);
    if (expected.length === 0) return undefined;
    const next = this.framework.simulate(node, state, [], expected);
    return this.framework.check(filters, next.node, next.state);
  }

  /** The node with the highest weighted sum of scores; one of them at random if there are several. */
  private select(state: CycleState, feasible: readonly NodeInfo[], snapshot: SchedulingSnapshot): NodeInfo {
    if (feasible.length === 1) return feasible[0]!;
    const { pod } = state.podInfo;
    for (const plugin of this.framework.preScores) {
      const answer = plugin.preScore(pod, feasible, state, snapshot);
      if (typeof answer === 'object' && answer.code === 'skip') state.skippedScores.add(plugin.name);
    }
    const totals = this.addScores(state, feasible, pod);
    let best = 0;
    let ties = 1;
    for (let each = 1; each < feasible.length; each += 1) {
      if (totals[each]! > totals[best]!) {
        best = each;
        ties = 1;
      } else if (totals[each] === totals[best]) {
        ties += 1;
        if (this.random() * ties < 1) best = each;
      }
    }
    return feasible[best]!;
  }

  private addScores(
    state: CycleState,
    feasible: readonly NodeInfo[],
    pod: Parameters<NonNullable<SchedulerPlugin['score']>>[0],
  ) {
    const count = feasible.length;
    if (this.totals.length < count) {
      this.totals = new Float64Array(count * 2);
      this.scores = new Float64Array(count * 2);
    }
    const { totals } = this;
    totals.fill(0, 0, count);
    const scores = this.scores.subarray(0, count);
    for (const plugin of this.framework.scores) {
      if (state.skippedScores.has(plugin.name)) continue;
      for (let each = 0; each < count; each += 1) scores[each] = plugin.score(pod, feasible[each]!, state);
      plugin.normalize?.(pod, scores, feasible, state);
      const weight = this.framework.weight(plugin.name);
      for (let each = 0; each < count; each += 1) totals[each] = totals[each]! + weight * scores[each]!;
    }
    return totals;
  }
}
