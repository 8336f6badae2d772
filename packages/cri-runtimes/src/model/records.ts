import type {
  Container,
  ContainerConfig,
  ContainerFilter,
  ContainerResources,
  ContainerState,
  ContainerStatus,
  ContainerUser,
  PodSandbox,
  PodSandboxConfig,
  PodSandboxFilter,
  PodSandboxState,
  PodSandboxStatus,
  Signal,
} from '@keelson/core/cri';

/** What an embedded runtime knows of one pod sandbox. Times are nanoseconds since the epoch. */
export interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  readonly state: PodSandboxState;
  readonly createdAt: number;
  /** The first is the pod's primary address; none for a pod on the host's network. */
  readonly ips: readonly string[];
}

/** What an embedded runtime knows of one container. Times are nanoseconds since the epoch, 0 before the moment. */
export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  /** The image's reference by digest, as `ContainerStatus.imageRef`. */
  readonly imageRef: string;
  readonly imageId: string;
  readonly state: ContainerState;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled` or `StartError` once exited. */
  readonly reason: string;
  readonly message: string;
  /** Absolute; empty where the container has no log. */
  readonly logPath: string;
  readonly stopSignal: Signal;
  readonly resources?: ContainerResources;
  readonly user?: ContainerUser;
}

export function sandboxStatus(record: SandboxRecord): PodSandboxStatus {
  const [ip = '', ...others] = record.ips;
  return {
    ...listedSandbox(record),
    network: { ip, additionalIps: others.map((address) => ({ ip: address })) },
    linux: { namespaces: {} },
  };
}

export function listedSandbox(record: SandboxRecord): PodSandbox {
  return {
    id: record.id,
    metadata: record.config.metadata,
    state: record.state,
    createdAt: record.createdAt,
    labels: record.config.labels ?? {},
    annotations: record.config.annotations ?? {},
    runtimeHandler: record.runtimeHandler,
  };
}

export function containerStatus(record: ContainerRecord): ContainerStatus {
  return {
    id: record.id,
    metadata: record.config.metadata,
    state: record.state,
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    finishedAt: record.finishedAt,
    exitCode: record.exitCode,
    image: record.config.image,
    imageRef: record.imageRef,
    imageId: record.imageId,
    reason: record.reason,
    message: record.message,
    labels: record.config.labels ?? {},
    annotations: record.config.annotations ?? {},
    mounts: record.config.mounts ?? [],
    logPath: record.logPath,
    stopSignal: record.stopSignal,
    resources: record.resources,
    user: record.user,
  };
}

export function listedContainer(record: ContainerRecord): Container {
  return {
    id: record.id,
    podSandboxId: record.sandboxId,
    metadata: record.config.metadata,
    image: record.config.image,
    imageRef: record.imageRef,
    imageId: record.imageId,
    state: record.state,
    createdAt: record.createdAt,
    labels: record.config.labels ?? {},
    annotations: record.config.annotations ?? {},
  };
}

export function sandboxMatches(record: SandboxRecord, filter: PodSandboxFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.id && filter.id !== record.id) return false;
  if (filter.state !== undefined && (filter.state.state ?? 'SANDBOX_READY') !== record.state) return false;
  return labelsMatch(record.config.labels, filter.labelSelector);
}

export function containerMatches(record: ContainerRecord, filter: ContainerFilter | undefined): boolean {
  if (filter === undefined) return true;
  if (filter.id && filter.id !== record.id) return false;
  if (filter.podSandboxId && filter.podSandboxId !== record.sandboxId) return false;
  if (filter.state !== undefined && (filter.state.state ?? 'CONTAINER_CREATED') !== record.state) return false;
  return labelsMatch(record.config.labels, filter.labelSelector);
}

/** CRI selectors are equality only. */
export function labelsMatch(
  labels: Readonly<Record<string, string>> | undefined,
  selector: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined) return true;
  for (const key in selector) if (labels?.[key] !== selector[key]) return false;
  return true;
}

/** `<pod>_<namespace>_<uid>_<attempt>`: two sandboxes may not share it. */
export function sandboxKey(config: PodSandboxConfig): string {
  const { name = '', namespace = '', uid = '', attempt = 0 } = config.metadata ?? {};
  return `${name}_${namespace}_${uid}_${attempt}`;
}

/** `<container>_<attempt>` within its sandbox. */
export function containerKey(sandboxId: string, config: ContainerConfig): string {
  return `${sandboxId}/${config.metadata?.name ?? ''}_${config.metadata?.attempt ?? 0}`;
}

/** The reason that a finished container reports, by its exit code, unless something better is known. */
export function exitReason(exitCode: number): string {
  return exitCode === 0 ? 'Completed' : 'Error';
}
