import type { Node, Pod } from '@keelson/core';
import {
  type CycleState,
  type EventRegistration,
  type NodeInfo,
  type PreFilterNodes,
  type SchedulerPlugin,
  type SchedulingStatus,
  stateKey,
} from '@keelson/core/scheduling';
import { compileNodeMatcher, compileNodeSelectorTerm } from '../../cache/label-matcher.ts';
import { normalizeToMaximum } from '../../framework/normalize.ts';

const mismatch: SchedulingStatus = {
  code: 'unresolvable',
  reasons: ["node(s) didn't match Pod's node affinity/selector"],
};
const skip: SchedulingStatus = { code: 'skip' };

interface Preference {
  readonly weight: number;
  readonly matches: (node: Node) => boolean;
}
const preferencesKey = stateKey<readonly Preference[]>('NodeAffinity');

/** `nodeSelector` and node affinity: required ones filter, preferred ones add their weights to the score. */
export class NodeAffinity implements SchedulerPlugin {
  readonly name = 'NodeAffinity';
  readonly weight = 2;

  preFilter(_pod: Pod, state: CycleState): SchedulingStatus | PreFilterNodes {
    const { nodeMatcher } = state.podInfo;
    if (!nodeMatcher) return skip;
    return nodeMatcher.names && { code: 'nodes', names: nodeMatcher.names };
  }

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    return !state.podInfo.nodeMatcher || state.podInfo.nodeMatcher.matches(node.node) ? undefined : mismatch;
  }

  preScore(pod: Pod, _nodes: readonly NodeInfo[], state: CycleState): SchedulingStatus {
    const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return skip;
    state.write(
      preferencesKey,
      preferred.map((each) => ({ weight: each.weight, matches: compileNodeSelectorTerm(each.preference) })),
    );
    return undefined;
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    let score = 0;
    for (const each of state.read(preferencesKey) ?? []) if (each.matches(node.node)) score += each.weight;
    return score;
  }

  normalize(_pod: Pod, scores: Float64Array): void {
    normalizeToMaximum(scores, false);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      {
        on: ['NodeAdded', 'NodeLabelsChanged'],
        helps: (pod, { node }) => {
          const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
          const matcher = compileNodeMatcher(pod.spec?.nodeSelector, terms?.nodeSelectorTerms);
          return !node || !matcher || matcher.matches(node);
        },
      },
    ];
  }
}
