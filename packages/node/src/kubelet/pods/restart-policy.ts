import type { Container, ContainerRestartRule, Pod } from '@keelson/core/api';
import { defaultedRestartPolicy } from './pod-facts.ts';
import type { RuntimeContainer } from './runtime-pod.ts';

type ExitFacts = Pick<RuntimeContainer, 'state' | 'exitCode'>;

/**
 * Whether a container that ended is to run again: the first of its own rules that fits, its own policy, else the
 * pod's (kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle#individual-container-restart-policy-and-rules).
 * A container that never ran is to run; one that runs is not.
 */
export function shouldRestart(container: Container, pod: Pod, last: ExitFacts | undefined): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (last === undefined || last.state === 'unknown' || last.state === 'created') return true;
  if (last.state === 'running') return false;
  if ((container.restartPolicyRules ?? []).some((rule) => rule.action === 'Restart' && ruleFits(rule, last.exitCode))) {
    return true;
  }
  const policy = container.restartPolicy ?? defaultedRestartPolicy(pod);
  if (policy === 'Never') return false;
  return policy === 'Always' || last.exitCode !== 0;
}

function ruleFits(rule: ContainerRestartRule, exitCode: number): boolean {
  const named = rule.exitCodes?.values?.includes(exitCode) ?? false;
  if (rule.exitCodes?.operator === 'In') return named;
  return rule.exitCodes?.operator === 'NotIn' && !named;
}

/** Whether an init container that failed is tried again. Init containers of an `Always` pod are retried as well. */
export function shouldRetryInit(container: Container, pod: Pod, last: ExitFacts): boolean {
  if ((container.restartPolicyRules ?? []).some((rule) => rule.action === 'Restart' && ruleFits(rule, last.exitCode))) {
    return true;
  }
  return (container.restartPolicy ?? defaultedRestartPolicy(pod)) !== 'Never';
}
