import {
  type ContainerConfig,
  type ContainerRuntime,
  type ContainerStatus,
  GrpcError,
  grpcCode,
  type PodSandboxConfig,
} from './index.ts';

/** A runtime under test. */
export interface CriSubject {
  readonly runtime: ContainerRuntime;
  /** An image that is present or can be pulled; with `/bin/sh` and the usual small tools where `processes`. */
  readonly image: string;
  /** An empty directory for logs and mounts. */
  readonly directory: string;
  /** Whether containers are processes that run what they are told. */
  readonly processes: boolean;
  /** Opens the same runtime again after `runtime.close()`, as a restart of the node agent does. */
  reopen?(): Promise<ContainerRuntime>;
  close(): Promise<void>;
}

let pods = 0;

/** Makes pods and takes them away again. */
export class PodFixture {
  readonly #subject: CriSubject;
  readonly #sandboxes = new Set<string>();
  readonly #configs = new Map<string, PodSandboxConfig>();
  #runtime: ContainerRuntime;
  #image: Promise<string> | undefined;
  #containers = 0;

  constructor(subject: CriSubject) {
    this.#subject = subject;
    this.#runtime = subject.runtime;
  }

  get runtime(): ContainerRuntime {
    return this.#runtime;
  }

  use(runtime: ContainerRuntime): void {
    this.#runtime = runtime;
  }

  /** Pulls the image once, if it is not there. */
  image(): Promise<string> {
    this.#image ??= (async () => {
      const image = { image: this.#subject.image };
      if ((await this.#runtime.imageService.imageStatus({ image })).image === undefined) {
        await this.#runtime.imageService.pullImage({ image });
      }
      return this.#subject.image;
    })();
    return this.#image;
  }

  sandboxConfig(extra: Partial<PodSandboxConfig> = {}): PodSandboxConfig {
    const index = pods++;
    return {
      metadata: { name: `pod-${index}`, uid: `uid-${process.pid}-${index}`, namespace: 'conformance', attempt: 0 },
      hostname: `pod-${index}`,
      logDirectory: this.#subject.directory,
      labels: {},
      annotations: {},
      linux: { securityContext: { namespaceOptions: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' } } },
      ...extra,
    };
  }

  async run(config = this.sandboxConfig()): Promise<string> {
    const { podSandboxId } = await this.#runtime.runtimeService.runPodSandbox({ config });
    if (!podSandboxId) throw new Error('runPodSandbox answered without an id');
    this.#sandboxes.add(podSandboxId);
    this.#configs.set(podSandboxId, config);
    return podSandboxId;
  }

  /** A container that runs until it is stopped, unless told otherwise. */
  async create(podSandboxId: string, extra: Partial<ContainerConfig>): Promise<string> {
    const index = this.#containers++;
    const { containerId } = await this.#runtime.runtimeService.createContainer({
      podSandboxId,
      sandboxConfig: this.#configs.get(podSandboxId) ?? this.sandboxConfig(),
      config: {
        metadata: { name: `c-${index}`, attempt: 0 },
        image: { image: await this.image() },
        command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
        logPath: `c-${index}.log`,
        linux: { securityContext: { namespaceOptions: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' } } },
        ...extra,
      },
    });
    if (!containerId) throw new Error('createContainer answered without an id');
    return containerId;
  }

  async start(podSandboxId: string, extra: Partial<ContainerConfig>): Promise<string> {
    const containerId = await this.create(podSandboxId, extra);
    await this.#runtime.runtimeService.startContainer({ containerId });
    return containerId;
  }

  shell(podSandboxId: string, script: string, extra: Partial<ContainerConfig> = {}): Promise<string> {
    return this.start(podSandboxId, { command: ['/bin/sh', '-c', script], ...extra });
  }

  async status(containerId: string): Promise<ContainerStatus> {
    const { status } = await this.#runtime.runtimeService.containerStatus({ containerId });
    if (status === undefined) throw new Error(`containerStatus of ${containerId} answered without a status`);
    return status;
  }

  async removeAll(): Promise<void> {
    for (const podSandboxId of this.#sandboxes) {
      await this.#runtime.runtimeService.stopPodSandbox({ podSandboxId }).catch((error: unknown) => {
        // containerd 1.6 answers so for a sandbox that is gone already.
        if (!(error instanceof GrpcError) || error.code !== grpcCode.notFound) throw error;
      });
      await this.#runtime.runtimeService.removePodSandbox({ podSandboxId });
    }
    this.#sandboxes.clear();
  }
}
