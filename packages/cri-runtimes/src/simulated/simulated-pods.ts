import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ContainerConfig,
  GrpcError,
  grpcCode,
  type LinuxContainerResources,
  type PodSandboxConfig,
} from '@keelson/core/cri';
import type { Clock, Random } from '@keelson/core/plugin';
import { PodAddresses } from '../model/pod-addresses.ts';
import { PodStore } from '../model/pod-store.ts';
import { type ContainerRecord, containerKey, exitReason, sandboxKey } from '../model/records.ts';
import { type Behaviour, behaviourOf } from './behaviour.ts';
import type { SimulatedOptions } from './options.ts';
import type { SimulatedImages } from './simulated-images.ts';

/** CRI's life cycle of sandboxes and containers, in memory: what a runtime does, without a process. */
export class SimulatedPods {
  readonly store: PodStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: SimulatedOptions;
  readonly #images: SimulatedImages;
  readonly #addresses: PodAddresses;
  readonly #timers = new Map<string, () => void>();
  /** Output that nobody has asked for yet, by container. */
  readonly #unwritten = new Map<string, string>();

  constructor(clock: Clock, random: Random, options: SimulatedOptions, images: SimulatedImages, podCidr: string) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#images = images;
    this.#addresses = new PodAddresses(podCidr);
    this.store = new PodStore(clock);
  }

  async runSandbox(config: PodSandboxConfig, runtimeHandler: string, signal?: AbortSignal): Promise<string> {
    const id = this.#newId();
    const name = sandboxKey(config);
    this.store.reserve(name, id);
    try {
      if (this.#options.sandboxDelayMs > 0) await this.#clock.sleep(this.#options.sandboxDelayMs, signal);
      this.#fail('runPodSandbox');
      const onHost = config.linux?.securityContext?.namespaceOptions?.network === 'NODE';
      this.store.addSandbox({
        id,
        config,
        runtimeHandler,
        state: 'SANDBOX_READY',
        createdAt: this.#now(),
        ips: onHost ? [] : [this.#addresses.take()],
      });
    } catch (error) {
      this.store.unreserve(name);
      throw error;
    }
    return id;
  }

  stopSandbox(id: string): void {
    const record = this.store.sandbox(id);
    for (const container of this.store.containersOf(id)) this.#exit(container.id, 137, 'Error');
    if (record.state === 'SANDBOX_NOTREADY') return;
    for (const address of record.ips) this.#addresses.release(address);
    this.store.updateSandbox({ ...record, state: 'SANDBOX_NOTREADY', ips: [] });
  }

  removeSandbox(id: string): void {
    if (this.store.findSandbox(id) === undefined) return;
    this.stopSandbox(id);
    for (const container of this.store.containersOf(id)) this.removeContainer(container.id);
    this.store.removeSandbox(id);
  }

  createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig | undefined): string {
    const sandbox = this.store.sandbox(sandboxId);
    if (sandbox.state !== 'SANDBOX_READY') {
      throw new GrpcError(grpcCode.failedPrecondition, `pod sandbox "${sandboxId}" is not ready`);
    }
    this.#fail('createContainer');
    const image = this.#images.find(config.image?.image ?? '');
    if (image === undefined) {
      throw new GrpcError(grpcCode.notFound, `image "${config.image?.image ?? ''}" is not present`);
    }
    const id = this.#newId();
    this.store.reserve(containerKey(sandboxId, config), id);
    const directory = sandboxConfig?.logDirectory || sandbox.config.logDirectory || '';
    this.store.addContainer({
      id,
      sandboxId,
      config,
      imageRef: image.repoDigests?.[0] ?? image.id ?? '',
      imageId: image.id ?? '',
      state: 'CONTAINER_CREATED',
      createdAt: this.#now(),
      startedAt: 0,
      finishedAt: 0,
      exitCode: 0,
      reason: '',
      message: '',
      logPath: directory && config.logPath ? join(directory, config.logPath) : '',
      stopSignal: config.stopSignal ?? 'RUNTIME_DEFAULT',
      resources: { linux: config.linux?.resources },
    });
    return id;
  }

  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    const created = this.store.container(id);
    if (created.state !== 'CONTAINER_CREATED') {
      throw new GrpcError(grpcCode.failedPrecondition, `container "${id}" is in state ${created.state}`);
    }
    const behaviour = this.#behaviour(created);
    if (behaviour.startDelayMs > 0) await this.#clock.sleep(behaviour.startDelayMs, signal);
    if (behaviour.startError !== undefined) {
      this.#exit(id, 128, 'StartError', behaviour.startError);
      throw new GrpcError(grpcCode.unknown, behaviour.startError);
    }
    this.#fail('startContainer');
    const record = this.store.container(id);
    if (record.state !== 'CONTAINER_CREATED') return;
    this.store.updateContainer({ ...record, state: 'CONTAINER_RUNNING', startedAt: this.#now() });
    const crashes = this.#options.failureRates.crash > 0 && this.#random() < this.#options.failureRates.crash;
    const exitAfterMs = crashes ? this.#options.crashAfterMs : behaviour.exitAfterMs;
    const exitCode = crashes ? 1 : behaviour.exitCode;
    if (exitAfterMs !== undefined) {
      this.#timers.set(
        id,
        this.#clock.after(exitAfterMs, () => this.#exit(id, exitCode)),
      );
    }
    this.#log(record);
  }

  async stopContainer(id: string, timeoutSeconds: number, signal?: AbortSignal): Promise<void> {
    const { state } = this.store.container(id);
    if (state === 'CONTAINER_EXITED') return;
    const { stopDelayMs } = this.#behaviour(this.store.container(id));
    const graceMs = Math.max(0, timeoutSeconds) * 1000;
    const delay = Math.min(stopDelayMs, graceMs);
    if (delay > 0) await this.#clock.sleep(delay, signal);
    if (stopDelayMs > graceMs) this.#exit(id, 137, 'Error');
    else this.#exit(id, this.#options.stopExitCode);
  }

  removeContainer(id: string): void {
    if (this.store.findContainer(id) === undefined) return;
    this.#exit(id, 137, 'Error');
    this.#unwritten.delete(id);
    this.store.removeContainer(id);
  }

  updateResources(id: string, linux: LinuxContainerResources | undefined): void {
    const record = this.store.container(id);
    this.store.updateContainer({ ...record, resources: { linux: { ...record.resources?.linux, ...linux } } });
  }

  /** What execSync answers for a running container. */
  exec(id: string): Behaviour['exec'] {
    const record = this.store.container(id);
    if (record.state !== 'CONTAINER_RUNNING') {
      throw new GrpcError(grpcCode.failedPrecondition, `container "${id}" is not running`);
    }
    return this.#behaviour(record).exec;
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.store.events.close();
  }

  #exit(id: string, exitCode: number, reason = exitReason(exitCode), message = ''): void {
    this.#timers.get(id)?.();
    this.#timers.delete(id);
    const record = this.store.findContainer(id);
    if (record === undefined || record.state === 'CONTAINER_EXITED') return;
    this.store.updateContainer({
      ...record,
      state: 'CONTAINER_EXITED',
      finishedAt: this.#now(),
      exitCode,
      reason,
      message,
    });
  }

  #behaviour(record: ContainerRecord): Behaviour {
    const { image, metadata, command = [], args = [] } = record.config;
    const sandbox = this.store.findSandbox(record.sandboxId)?.config;
    return behaviourOf(this.#options, {
      image: image?.userSpecifiedImage || image?.image || '',
      container: metadata?.name ?? '',
      command: [...command, ...args].join(' '),
      labels: sandbox?.labels,
      annotations: sandbox?.annotations,
    });
  }

  /**
   * Brings what a container has said into its log file. Only when somebody wants to read it: files for thousands of
   * pods would cost more than the pods do.
   */
  async writeLog(id: string): Promise<void> {
    const { logPath } = this.store.container(id);
    const text = this.#unwritten.get(id);
    if (text === undefined) return;
    this.#unwritten.delete(id);
    await mkdir(dirname(logPath), { recursive: true, mode: 0o755 });
    await appendFile(logPath, text);
  }

  #log(record: ContainerRecord): void {
    if (!this.#options.logs || record.logPath === '') return;
    const time = new Date(this.#clock.now()).toISOString().replace('Z', '000000Z');
    this.#unwritten.set(record.id, `${time} stdout F simulated container ${record.config.metadata?.name} started\n`);
  }

  #fail(step: 'runPodSandbox' | 'createContainer' | 'startContainer'): void {
    const share = this.#options.failureRates[step];
    if (share > 0 && this.#random() < share) throw new GrpcError(grpcCode.unavailable, `${step}: simulated failure`);
  }

  #now(): number {
    return this.#clock.now() * 1e6;
  }

  /** 64 hexadecimal digits, as other runtimes' ids. */
  #newId(): string {
    let id = '';
    while (id.length < 64) {
      id += Math.floor(this.#random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    }
    return id;
  }
}
