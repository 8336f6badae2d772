import type { ContainerStatus, Pod } from '@keelson/core/api';
import { defaultedRestartPolicy, isSidecar } from '../pods/pod-facts.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/**
 * kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle#pod-phase. Sidecars do not count once the others run.
 *
 * @param ended nothing of the pod will run again, so that even an `Always` pod has come to its end
 */
export function podPhase(
  pod: Pod,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  ended: boolean,
): PodPhase {
  const policy = defaultedRestartPolicy(pod);
  const mainStarted = main.some((each) => each.state?.running || each.state?.terminated || each.lastState?.terminated);
  let pendingInit = false;
  for (const container of pod.spec.initContainers ?? []) {
    const status = init.find((each) => each.name === container.name);
    if (isSidecar(container)) {
      if (!mainStarted && status?.started !== true) pendingInit = true;
      continue;
    }
    const end = status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined);
    if (end !== undefined && end.exitCode !== 0) {
      if (policy === 'Never' || ended) return 'Failed';
      pendingInit = true;
    } else if (status?.state?.terminated === undefined && !mainStarted) {
      pendingInit = true;
    }
  }

  let running = 0;
  let stopped = 0;
  let succeeded = 0;
  let waiting = 0;
  for (const { state, lastState } of main) {
    if (state?.running) running += 1;
    else if (state?.terminated) {
      stopped += 1;
      if (state.terminated.exitCode === 0) succeeded += 1;
    } else if (lastState?.terminated) stopped += 1;
    else waiting += 1;
  }
  if (running === 0 && ended) {
    if (stopped === main.length && stopped > 0) return succeeded === stopped ? 'Succeeded' : 'Failed';
    return stopped > 0 ? 'Failed' : 'Pending';
  }
  if (pendingInit || waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (policy === 'Always') return 'Running';
  if (stopped === succeeded) return 'Succeeded';
  const restarts = (name: string) => pod.spec.containers.find((each) => each.name === name)?.restartPolicy;
  const onOwnTerms = main.some((each) => restarts(each.name) === 'Always' || restarts(each.name) === 'OnFailure');
  return policy === 'Never' && !onOwnTerms ? 'Failed' : 'Running';
}
