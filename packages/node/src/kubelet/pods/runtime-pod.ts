import type * as cri from '@keelson/core/cri';
import { fromNanos } from '../time.ts';

/** The names under which a kubelet finds its own sandboxes and containers again; every CRI tool knows them. */
export const runtimeLabels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const runtimeAnnotations = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  preStopHandler: 'io.kubernetes.container.preStopHandler',
  ports: 'io.kubernetes.container.ports',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  deletionGracePeriod: 'io.kubernetes.pod.deletionGracePeriod',
} as const;

export type RuntimeContainerState = 'created' | 'running' | 'exited' | 'unknown';

/** One container as the runtime reports it. Times are milliseconds since the epoch. */
export interface RuntimeContainer {
  readonly id: string;
  readonly sandboxId: string | undefined;
  readonly name: string;
  readonly restartCount: number;
  readonly hash: string;
  readonly state: RuntimeContainerState;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly imageId: string;
  readonly logPath: string;
  readonly user: cri.LinuxContainerUser | undefined;
  readonly resources: cri.LinuxContainerResources | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAt: number;
  readonly ips: readonly string[];
}

/** A pod as the runtime has it: what survives a restart of the kubelet. Newest first in both lists. */
export interface RuntimePod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  readonly sandboxes: readonly RuntimeSandbox[];
  readonly containers: readonly RuntimeContainer[];
}

export function emptyRuntimePod(pod: { uid: string; name: string; namespace: string }): RuntimePod {
  return { ...pod, sandboxes: [], containers: [] };
}

/** The newest container of each name, the one that counts. */
export function newestByName(pod: RuntimePod): ReadonlyMap<string, RuntimeContainer> {
  const newest = new Map<string, RuntimeContainer>();
  for (const each of pod.containers) if (!newest.has(each.name)) newest.set(each.name, each);
  return newest;
}

export function hasRunning(pod: RuntimePod): boolean {
  return pod.containers.some((each) => each.state === 'running') || pod.sandboxes.some((each) => each.ready);
}

const states: Readonly<Record<cri.ContainerState, RuntimeContainerState>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

export function containerState(state: cri.ContainerState | undefined): RuntimeContainerState {
  return states[state ?? 'CONTAINER_CREATED'];
}

/** @param sandboxId the list call says it, the status call does not */
export function runtimeContainer(status: cri.ContainerStatus, sandboxId: string | undefined): RuntimeContainer {
  const annotations = status.annotations ?? {};
  return {
    id: status.id ?? '',
    sandboxId,
    name: status.labels?.[runtimeLabels.containerName] ?? status.metadata?.name ?? '',
    restartCount: Number(annotations[runtimeAnnotations.restartCount] ?? status.metadata?.attempt ?? 0),
    hash: annotations[runtimeAnnotations.hash] ?? '',
    state: containerState(status.state),
    createdAt: fromNanos(status.createdAt) ?? 0,
    startedAt: fromNanos(status.startedAt),
    finishedAt: fromNanos(status.finishedAt),
    exitCode: status.exitCode ?? 0,
    reason: status.reason ?? '',
    message: status.message ?? '',
    image: status.image?.image || status.image?.userSpecifiedImage || '',
    imageId: status.imageRef ?? '',
    logPath: status.logPath ?? '',
    user: status.user?.linux,
    resources: status.resources?.linux,
    annotations,
  };
}

export function runtimeSandbox(status: cri.PodSandboxStatus): RuntimeSandbox {
  const network = status.network;
  const ips = [network?.ip, ...(network?.additionalIps ?? []).map((each) => each.ip)];
  return {
    id: status.id ?? '',
    attempt: status.metadata?.attempt ?? 0,
    ready: (status.state ?? 'SANDBOX_READY') === 'SANDBOX_READY',
    createdAt: fromNanos(status.createdAt) ?? 0,
    ips: ips.filter((each): each is string => each !== undefined && each !== ''),
  };
}

export function newestFirst<T extends { readonly createdAt: number }>(items: readonly T[]): readonly T[] {
  return [...items].sort((a, b) => b.createdAt - a.createdAt);
}
