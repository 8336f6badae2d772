import {
  type Client,
  type Clock,
  type EventRecorder,
  isStatusError,
  type Lister,
  Pod,
  type PodDisruptionBudget,
  timestamp,
} from '@keelson/core';
import type {
  CycleState,
  FilterOutcome,
  NodeInfo,
  PodInfo,
  PostFilterResult,
  SchedulerPlugin,
} from '@keelson/core/scheduling';
import { refusalSummary } from '../../framework/diagnosis.ts';
import { isUnresolvable, type Refusal } from '../../framework/status.ts';
import { byImportance, type Candidate, leastHarmful, splitByBudgets } from './victims.ts';

export interface PreemptionServices {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly budgets: Lister<PodDisruptionBudget>;
}

/** Makes room for a pod by removing pods of lower priority from one node, as few and as unimportant as will do. */
export class DefaultPreemption implements SchedulerPlugin {
  readonly name = 'DefaultPreemption';
  private readonly services: PreemptionServices;

  constructor(services: PreemptionServices) {
    this.services = services;
  }

  async postFilter(
    pod: Pod,
    state: CycleState,
    outcome: FilterOutcome,
    signal: AbortSignal,
  ): Promise<PostFilterResult> {
    const obstacle = ineligible(pod, state, outcome);
    if (obstacle) return { reasons: [`preemption: not eligible due to ${obstacle}.`] };
    const refusals: Refusal[] = [];
    const candidates: Candidate[] = [];
    const { nodes } = outcome.snapshot;
    const enough = Math.max(100, Math.trunc(nodes.length / 10));
    for (const node of nodes) {
      const status = outcome.statusByNode.get(node.name);
      if (status === undefined || isUnresolvable(status)) {
        refusals.push('Preemption is not helpful for scheduling');
        continue;
      }
      if (candidates.length >= enough) continue;
      const found = this.dryRun(node, state, outcome);
      if (typeof found === 'object' && 'victims' in found) candidates.push(found);
      else refusals.push(found);
    }
    const chosen = leastHarmful(candidates);
    if (!chosen) return { reasons: [`preemption: ${refusalSummary(nodes.length, refusals)}`] };
    await Promise.all(chosen.victims.map((victim) => this.evict(victim.pod, pod, chosen.nodeName, signal)));
    return { nominatedNode: chosen.nodeName, reasons: [] };
  }

  /** Without all pods of lower priority the pod must fit; then as many of them as possible stay. */
  private dryRun(node: NodeInfo, state: CycleState, outcome: FilterOutcome): Candidate | Refusal {
    const lower = node.pods.filter((each) => each.priority < state.podInfo.priority);
    if (lower.length === 0) return 'No preemption victims found for incoming pod';
    let supposed = outcome.simulate(node, state, { remove: lower });
    const refusal = outcome.check(supposed.node, supposed.state);
    if (refusal !== undefined) return refusal;
    const { violating, others } = splitByBudgets([...lower].sort(byImportance), this.services.budgets.list());
    const victims: PodInfo[] = [];
    const reprieve = (each: PodInfo) => {
      const withIt = outcome.simulate(supposed.node, supposed.state, { add: [each] });
      if (outcome.check(withIt.node, withIt.state) === undefined) {
        supposed = withIt;
        return true;
      }
      victims.push(each);
      return false;
    };
    const violations = violating.filter((each) => !reprieve(each)).length;
    for (const each of others) reprieve(each);
    return { nodeName: node.name, victims: victims.sort(byImportance), violations };
  }

  private async evict(victim: Pod, preemptor: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { client, clock, recorder } = this.services;
    const preconditions = { uid: victim.metadata.uid };
    try {
      if (!victim.metadata.deletionTimestamp) {
        const condition = {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'PreemptionByScheduler',
          message: `${preemptor.spec?.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
          observedGeneration: victim.metadata.generation,
          lastTransitionTime: timestamp(clock),
          lastProbeTime: null,
        };
        const patch = { strategic: { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } } };
        await client.patch(Pod, victim.metadata, patch, { subresource: 'status', signal });
        await client.delete(Pod, victim.metadata, { preconditions, signal });
      }
    } catch (error) {
      if (isStatusError(error, 'NotFound', 'Conflict')) return;
      throw error;
    }
    recorder.event(
      Pod,
      victim,
      'Normal',
      'Preempted',
      `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`,
      { action: 'Preempting', related: { type: Pod, object: preemptor } },
    );
  }

  eventsToRegister() {
    return [{ on: ['AssignedPodDeleted', 'AssignedPodChanged'] as const }];
  }
}

function ineligible(pod: Pod, state: CycleState, outcome: FilterOutcome): string | undefined {
  if (pod.spec?.preemptionPolicy === 'Never') return 'preemptionPolicy=Never';
  const nominated = pod.status?.nominatedNodeName;
  const node = nominated ? outcome.snapshot.get(nominated) : undefined;
  const terminating = node?.pods.some(
    (each) => each.pod.metadata.deletionTimestamp !== undefined && each.priority < state.podInfo.priority,
  );
  return terminating ? 'terminating pod on the nominated node' : undefined;
}
