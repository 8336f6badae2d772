import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  VolumeMountStatus,
} from '@keelson/core/api';
import { isSidecar } from '../pods/pod-facts.ts';
import { shouldRestart, shouldRetryInit } from '../pods/restart-policy.ts';
import type { RuntimeContainer } from '../pods/runtime-pod.ts';
import { formatTime } from '../time.ts';

export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** Latest verdicts of a container's probes; without a probe, a running container is started and ready. */
export interface ProbeState {
  readonly started: boolean;
  readonly ready: boolean;
}

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly kind: 'container' | 'init' | 'ephemeral';
  /** Runs of this container, newest first. */
  readonly runs: readonly RuntimeContainer[];
  /** Why it cannot start now, if so. */
  readonly waiting: WaitingReason | undefined;
  readonly probe: (containerId: string) => ProbeState;
  /** What its status was before. */
  readonly previous: ContainerStatus | undefined;
  readonly runtimeName: string;
  /** Whether init containers still have to finish. */
  readonly initializing: boolean;
  /** Nothing of the pod will run again. */
  readonly ended: boolean;
}

/** One `containerStatuses` entry out of what the runtime has. Pure. */
export function containerStatus(input: ContainerStatusInput): ContainerStatus {
  const { container, runs, kind } = input;
  const [latest, before] = runs;
  if (latest === undefined) return unseen(input);
  const state = stateOf(latest, input.runtimeName);
  const past: ContainerState =
    before?.state === 'exited' ? stateOf(before, input.runtimeName) : previousEnd(input, latest);
  const waits = input.waiting !== undefined && latest.state !== 'running' && !input.ended && willRun(input, latest);
  const running = latest.state === 'running' && !waits;
  const probe = running ? input.probe(latest.id) : { started: false, ready: false };
  const doneInit = kind === 'init' && !isSidecar(container) && latest.state === 'exited' && latest.exitCode === 0;
  return {
    name: container.name,
    state: waits ? { waiting: { ...input.waiting } } : state,
    lastState: waits && state.terminated ? { terminated: state.terminated } : past,
    ready: doneInit || (running && (kind !== 'init' || isSidecar(container)) && kind !== 'ephemeral' && probe.ready),
    restartCount: latest.restartCount,
    image: latest.image || container.image || '',
    imageID: latest.imageId,
    containerID: containerId(input.runtimeName, latest.id),
    started: running && (kind === 'container' || isSidecar(container) ? probe.started : kind === 'init' && running),
    ...resources(container, running),
    ...mountStatuses(container),
    ...(latest.user && {
      user: {
        linux: {
          uid: latest.user.uid ?? 0,
          gid: latest.user.gid ?? 0,
          supplementalGroups: latest.user.supplementalGroups ?? [],
        },
      },
    }),
  };
}

function willRun({ kind, container, pod }: ContainerStatusInput, latest: RuntimeContainer): boolean {
  if (kind === 'ephemeral') return false;
  if (kind === 'init' && !isSidecar(container) && latest.state === 'exited') {
    return latest.exitCode !== 0 && shouldRetryInit(container, pod, latest);
  }
  return shouldRestart(container, pod, latest);
}

function unseen(input: ContainerStatusInput): ContainerStatus {
  const { container, previous } = input;
  const lost = previous?.state?.running !== undefined || previous?.state?.terminated !== undefined;
  const restartCount = previous?.restartCount ?? 0;
  const base = {
    name: container.name,
    ready: false,
    image: container.image ?? '',
    imageID: '',
    started: false,
    ...resources(container, false),
    ...mountStatuses(container),
  };
  if (lost && input.ended) {
    const terminated =
      previous?.state?.terminated ?? unknownEnd('The container could not be located when the pod was terminated');
    return {
      ...base,
      state: { terminated },
      lastState: {},
      restartCount,
      ...(previous?.containerID && { containerID: previous.containerID }),
    };
  }
  const fallback = input.initializing || input.kind === 'init' ? 'PodInitializing' : 'ContainerCreating';
  const waiting = input.waiting ?? { reason: fallback };
  const lastState =
    previous?.state?.running !== undefined
      ? {
          terminated: unknownEnd(
            'The container could not be located when the pod was deleted.  The container used to be Running',
          ),
        }
      : (previous?.lastState ?? {});
  const restarted = previous?.state?.running !== undefined ? restartCount + 1 : restartCount;
  return { ...base, state: { waiting: { ...waiting } }, lastState, restartCount: restarted };
}

function unknownEnd(message: string): ContainerStateTerminated {
  return { exitCode: 137, reason: 'ContainerStatusUnknown', message };
}

/** The runtime may have forgotten the run before; its end is still in the status. */
function previousEnd({ previous, runtimeName }: ContainerStatusInput, latest: RuntimeContainer): ContainerState {
  if (previous === undefined) return {};
  if (previous.containerID === containerId(runtimeName, latest.id)) return previous.lastState ?? {};
  if (previous.state?.terminated) return { terminated: previous.state.terminated };
  return previous.lastState ?? {};
}

function stateOf(run: RuntimeContainer, runtimeName: string): ContainerState {
  if (run.state === 'running') return { running: { startedAt: formatTime(run.startedAt ?? run.createdAt) } };
  if (run.state === 'exited') {
    return {
      terminated: {
        exitCode: run.exitCode,
        reason: run.reason || (run.exitCode === 0 ? 'Completed' : 'Error'),
        ...(run.message && { message: run.message }),
        startedAt: formatTime(run.startedAt ?? 0),
        finishedAt: formatTime(run.finishedAt ?? run.createdAt),
        containerID: containerId(runtimeName, run.id),
      },
    };
  }
  if (run.state === 'unknown') {
    return {
      terminated: {
        ...unknownEnd('The container could not be located when the pod was deleted.  The container used to be Running'),
        containerID: containerId(runtimeName, run.id),
      },
    };
  }
  return { waiting: { reason: 'ContainerCreating' } };
}

export function containerId(runtimeName: string, id: string): string {
  return `${runtimeName}://${id}`;
}

function resources(container: Container, running: boolean): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  const { requests, limits } = container.resources ?? {};
  if (!requests && !limits) return running ? { resources: {} } : {};
  const asked = { ...limits, ...requests };
  return {
    allocatedResources: asked,
    ...(running && { resources: { ...(limits && { limits }), requests: asked } }),
  };
}

function mountStatuses(container: Container): Pick<ContainerStatus, 'volumeMounts'> {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(
      (each): VolumeMountStatus => ({
        name: each.name,
        mountPath: each.mountPath,
        ...(each.readOnly === true && {
          readOnly: true,
          recursiveReadOnly: each.recursiveReadOnly === 'Enabled' ? 'Enabled' : 'Disabled',
        }),
      }),
    ),
  };
}
