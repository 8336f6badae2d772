import type { Job, Pod, PodFailurePolicyRule } from '@keelson/core';
import { podPhase } from '../pod-control/index.ts';

export interface RuleMatch {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  readonly message: string;
}

const actions = ['FailJob', 'FailIndex', 'Ignore', 'Count'] as const;

/** What `podFailurePolicy` (KEP-3329) says about a failed pod: the first rule that fits; undefined if none does. */
export function matchFailurePolicy({ spec }: Job, pod: Pod): RuleMatch | undefined {
  if (podPhase(pod) !== 'Failed') return undefined;
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const action = actions.find((each) => each === rule.action);
    const what = action && (exitCodeMatch(rule, pod) ?? conditionMatch(rule, pod));
    if (action && what) return { action, message: `${what} matching ${action} rule at index ${index}` };
  }
  return undefined;
}

function exitCodeMatch({ onExitCodes }: PodFailurePolicyRule, { metadata, status }: Pod): string | undefined {
  if (!onExitCodes) return undefined;
  const { containerName, operator, values } = onExitCodes;
  for (const each of [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]) {
    const code = each.state?.terminated?.exitCode;
    if (code === undefined || code === 0) continue;
    if (containerName !== undefined && containerName !== each.name) continue;
    if (values.includes(code) !== (operator === 'In')) continue;
    return `Container ${each.name} for pod ${metadata.namespace}/${metadata.name} failed with exit code ${code}`;
  }
  return undefined;
}

function conditionMatch({ onPodConditions = [] }: PodFailurePolicyRule, { metadata, status }: Pod): string | undefined {
  for (const { type } of status?.conditions ?? []) {
    const found = status?.conditions?.find((each) => each.type === type);
    if (!onPodConditions.some((each) => each.type === type && (each.status ?? 'True') === found?.status)) continue;
    return `Pod ${metadata.namespace}/${metadata.name} has condition ${type}`;
  }
  return undefined;
}

/** Why the whole Job fails by its policy; undefined if it does not. */
export function failJobMessage(job: Job, pods: readonly Pod[]): string | undefined {
  if (job.spec.podFailurePolicy === undefined) return undefined;
  for (const pod of pods) {
    const match = matchFailurePolicy(job, pod);
    if (match?.action === 'FailJob') return match.message;
  }
  return undefined;
}
