import type { ContainerStatus, Pod } from '@keelson/core';
import type { Cell, RowCondition } from './cells.ts';
import { none } from './format.ts';
import { age } from './human-duration.ts';

interface Summary {
  reason: string;
  ready: number;
  total: number;
  restarts: number;
  lastRestart: string | undefined;
}

/** NAME READY STATUS RESTARTS AGE IP NODE NOMINATED-NODE READINESS-GATES. */
export function podCells(pod: Pod, now: number): readonly Cell[] {
  const { reason, ready, total, restarts, lastRestart } = summarize(pod);
  const gates = pod.spec?.readinessGates ?? [];
  const passed = gates.filter((gate) =>
    pod.status?.conditions?.some((each) => each.type === gate.conditionType && each.status === 'True'),
  );
  return [
    pod.metadata.name ?? '',
    `${ready}/${total}`,
    reason,
    restarts > 0 && lastRestart ? `${restarts} (${age(now, lastRestart)} ago)` : String(restarts),
    age(now, pod.metadata.creationTimestamp),
    pod.status?.podIPs?.[0]?.ip ?? none,
    pod.spec?.nodeName || none,
    pod.status?.nominatedNodeName || none,
    gates.length > 0 ? `${passed.length}/${gates.length}` : none,
  ];
}

export function podConditions(pod: Pod): readonly RowCondition[] | undefined {
  const base = { type: 'Completed', status: 'True' } as const;
  if (pod.status?.phase === 'Succeeded') {
    return [{ ...base, reason: 'Succeeded', message: 'The pod has completed successfully.' }];
  }
  if (pod.status?.phase === 'Failed') return [{ ...base, reason: 'Failed', message: 'The pod failed.' }];
  return undefined;
}

/** The STATUS that kubectl shows: the phase, unless a container's state says more. */
function summarize(pod: Pod): Summary {
  const status = pod.status ?? {};
  const scheduled = status.conditions?.find((each) => each.type === 'PodScheduled');
  const summary: Summary = {
    reason: scheduled?.reason === 'SchedulingGated' ? 'SchedulingGated' : status.reason || status.phase || '',
    ready: 0,
    total: pod.spec?.containers?.length ?? 0,
    restarts: 0,
    lastRestart: undefined,
  };
  const sidecars = new Set(
    (pod.spec?.initContainers ?? []).filter((each) => each.restartPolicy === 'Always').map((each) => each.name),
  );
  summary.total += sidecars.size;
  const sidecarOnly = { restarts: 0, lastRestart: undefined as string | undefined };
  const initializing = readInitContainers(pod, summary, sidecars, sidecarOnly);
  const initialized = status.conditions?.some((each) => each.type === 'Initialized' && each.status === 'True') ?? false;
  if (!initializing || initialized) {
    summary.restarts = sidecarOnly.restarts;
    summary.lastRestart = sidecarOnly.lastRestart;
    readContainers(pod, summary);
  }
  if (pod.metadata.deletionTimestamp) {
    const over = status.phase === 'Succeeded' || status.phase === 'Failed';
    if (status.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (!over) summary.reason = 'Terminating';
  }
  return summary;
}

function readInitContainers(
  pod: Pod,
  summary: Summary,
  sidecars: ReadonlySet<string>,
  sidecarOnly: Pick<Summary, 'restarts' | 'lastRestart'>,
): boolean {
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [index, container] of statuses.entries()) {
    const sidecar = sidecars.has(container.name);
    countRestarts(summary, container);
    if (sidecar) countRestarts(sidecarOnly, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && container.started) {
      if (container.ready) summary.ready++;
      continue;
    }
    if (terminated) summary.reason = `Init:${terminated.reason || exitText(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
    return true;
  }
  return false;
}

function readContainers(pod: Pod, summary: Summary): void {
  let running = false;
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container);
    const { terminated, waiting, running: runs } = container.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated) summary.reason = terminated.reason || exitText(terminated);
    else if (container.ready && runs) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason === 'Completed' && running) {
    const ready = pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True');
    summary.reason = ready ? 'Running' : 'NotReady';
  }
}

function countRestarts(summary: Pick<Summary, 'restarts' | 'lastRestart'>, container: ContainerStatus): void {
  summary.restarts += container.restartCount;
  const finished = container.lastState?.terminated?.finishedAt;
  if (finished && (summary.lastRestart === undefined || Date.parse(finished) > Date.parse(summary.lastRestart))) {
    summary.lastRestart = finished;
  }
}

const exitText = ({ signal, exitCode }: { readonly signal?: number; readonly exitCode: number }) =>
  signal ? `Signal:${signal}` : `ExitCode:${exitCode}`;
