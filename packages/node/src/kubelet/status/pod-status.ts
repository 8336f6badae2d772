import type { ContainerStatus, Pod, PodCondition, PodStatus } from '@keelson/core/api';
import { qosClass } from '../containers/resources.ts';
import { isSidecar, isTerminalPhase } from '../pods/pod-facts.ts';
import type { RuntimeContainer, RuntimePod } from '../pods/runtime-pod.ts';
import { containerStatus, type ProbeState, type WaitingReason } from './container-status.ts';
import { podConditions } from './pod-conditions.ts';
import { podPhase } from './pod-phase.ts';

export interface PodStatusInput {
  readonly pod: Pod;
  readonly actual: RuntimePod;
  readonly runtimeName: string;
  readonly hostIps: readonly string[];
  readonly waiting: (container: string) => WaitingReason | undefined;
  readonly probe: (container: string, containerId: string) => ProbeState;
  /** What this kubelet or one before it last said. */
  readonly previous: PodStatus | undefined;
  readonly now: string;
  /** Nothing of the pod will run again: it is being deleted, was rejected or evicted, or has come to its end. */
  readonly ended: boolean;
  /** A reason to be Failed that lies outside the containers. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** Conditions beside the usual ones, such as `DisruptionTarget`. */
  readonly extraConditions?: readonly PodCondition[];
}

/** The status of a pod out of its spec and what the runtime has of it. Pure. */
export function generatePodStatus(input: PodStatusInput): PodStatus {
  const { pod, actual, previous } = input;
  const runs = groupByName(actual.containers);
  const init = statusesOf(input, runs, 'init', false);
  const initDone = initialized(pod, init);
  const main = statusesOf(input, runs, 'container', (pod.spec.initContainers ?? []).length > 0 && !initDone);
  const ephemeral = statusesOf(input, runs, 'ephemeral', false);
  const computed = input.failure ? 'Failed' : podPhase(pod, init, main, input.ended);
  const phase = isTerminalPhase(previous?.phase) ? (previous?.phase ?? computed) : computed;
  const sandbox = actual.sandboxes.find((each) => each.ready);
  const found = pod.spec.hostNetwork === true ? input.hostIps : (sandbox?.ips ?? []);
  const podIps = found.length > 0 ? found : (previous?.podIPs ?? []).map((each) => each.ip);
  const failure =
    input.failure ?? (previous?.reason ? { reason: previous.reason, message: previous.message ?? '' } : undefined);
  const conditions = podConditions({
    pod,
    phase,
    init,
    main,
    sandboxReady: sandbox !== undefined && (pod.spec.hostNetwork === true || sandbox.ips.length > 0),
    current: [...(pod.status?.conditions ?? []), ...(previous?.conditions ?? [])],
  });
  return {
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: [...conditions, ...(input.extraConditions ?? [])],
    ...(failure && { reason: failure.reason, ...(failure.message && { message: failure.message }) }),
    hostIP: input.hostIps[0] ?? '',
    hostIPs: input.hostIps.map((ip) => ({ ip })),
    ...(podIps.length > 0 && { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: previous?.startTime ?? input.now,
    qosClass: pod.status?.qosClass ?? qosClass(pod),
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
  };
}

function groupByName(containers: readonly RuntimeContainer[]): ReadonlyMap<string, readonly RuntimeContainer[]> {
  const groups = new Map<string, RuntimeContainer[]>();
  for (const each of containers) {
    const group = groups.get(each.name);
    if (group) group.push(each);
    else groups.set(each.name, [each]);
  }
  return groups;
}

function statusesOf(
  input: PodStatusInput,
  runs: ReadonlyMap<string, readonly RuntimeContainer[]>,
  kind: 'container' | 'init' | 'ephemeral',
  initializing: boolean,
): readonly ContainerStatus[] {
  const { pod, previous } = input;
  const [containers, before] =
    kind === 'init'
      ? [pod.spec.initContainers ?? [], previous?.initContainerStatuses]
      : kind === 'container'
        ? [pod.spec.containers, previous?.containerStatuses]
        : [pod.spec.ephemeralContainers ?? [], previous?.ephemeralContainerStatuses];
  return containers.map((container) =>
    containerStatus({
      pod,
      container,
      kind,
      runs: runs.get(container.name) ?? [],
      waiting: input.waiting(container.name),
      probe: (id) => input.probe(container.name, id),
      previous: before?.find((each) => each.name === container.name),
      runtimeName: input.runtimeName,
      initializing,
      ended: input.ended,
    }),
  );
}

/** Whether every init container is through, and every sidecar started. */
export function initialized(pod: Pod, init: readonly ContainerStatus[]): boolean {
  return (pod.spec.initContainers ?? []).every((container) => {
    const status = init.find((each) => each.name === container.name);
    return isSidecar(container) ? status?.started === true : status?.state?.terminated?.exitCode === 0;
  });
}
