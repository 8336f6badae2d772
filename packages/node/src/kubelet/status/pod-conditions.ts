import type { ContainerStatus, Pod, PodCondition } from '@keelson/core/api';
import { isSidecar, isTerminalPhase } from '../pods/pod-facts.ts';

/** The condition types that a kubelet writes; all others in a pod's status belong to somebody else. */
export const ownedConditions: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
  'DisruptionTarget',
]);

export interface ConditionsInput {
  readonly pod: Pod;
  readonly phase: string;
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  readonly sandboxReady: boolean;
  /** Conditions that the pod has now: readiness gates look there. */
  readonly current: readonly PodCondition[];
}

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

/** The five conditions of every pod, without times: those are the status manager's. Pure. */
export function podConditions(input: ConditionsInput): readonly PodCondition[] {
  const { pod, phase } = input;
  const containersReady = containersVerdict(input);
  const scheduled = input.current.find((each) => each.type === 'PodScheduled');
  const of = (type: string, verdict: Verdict): PodCondition => ({
    type,
    ...verdict,
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
  });
  return [
    of('PodReadyToStartContainers', { status: input.sandboxReady && !isTerminalPhase(phase) ? 'True' : 'False' }),
    of('Initialized', initializedVerdict(input)),
    of('Ready', readyVerdict(input, containersReady)),
    of('ContainersReady', containersReady),
    of('PodScheduled', scheduled ? { status: scheduled.status, ...reasonOf(scheduled) } : { status: 'True' }),
  ];
}

function reasonOf({ reason, message }: PodCondition): Pick<PodCondition, 'reason' | 'message'> {
  return { ...(reason && { reason }), ...(message && { message }) };
}

/** Names as Kubernetes prints a list: `[a b]`. */
const listed = (names: readonly string[]) => `[${names.join(' ')}]`;

function initializedVerdict({ pod, phase, init, main }: ConditionsInput): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' };
  if (main.some((each) => each.state?.running || each.state?.terminated)) return { status: 'True' };
  const unknown: string[] = [];
  const unready: string[] = [];
  for (const container of pod.spec.initContainers ?? []) {
    const status = init.find((each) => each.name === container.name);
    if (status === undefined) unknown.push(container.name);
    else if (isSidecar(container) ? status.started !== true : !status.ready) unready.push(container.name);
  }
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: ${listed(unknown)}`] : []),
    ...(unready.length > 0 ? [`containers with incomplete status: ${listed(unready)}`] : []),
  ];
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ContainersNotInitialized', message: messages.join(', ') };
}

function containersVerdict({ pod, phase, init, main }: ConditionsInput): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((each) => each.name);
  const counted = [...init.filter((each) => sidecars.includes(each.name)), ...main];
  const unready = counted.filter((each) => !each.ready).map((each) => each.name);
  if (unready.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: ${listed(unready)}`,
  };
}

function readyVerdict({ pod, current }: ConditionsInput, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  const messages: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const condition = current.find((each) => each.type === conditionType);
    if (condition === undefined) {
      messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    } else if (condition.status !== 'True') {
      messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`);
    }
  }
  if (messages.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
