import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import {
  type ContainerConfig,
  GrpcError,
  grpcCode,
  type LinuxContainerResources,
  type NodeEnvironment,
  type PodSandboxConfig,
} from '@keelson/core/cri';
import type { Clock, Logger } from '@keelson/core/plugin';
import { loopbackRange } from '../model/loopback-range.ts';
import { PodAddresses } from '../model/pod-addresses.ts';
import { PodStore } from '../model/pod-store.ts';
import { identify, isAlive, type ProcessIdentity, signalGroup, signalProcess } from '../model/process-identity.ts';
import { type ContainerRecord, containerKey, exitReason, sandboxKey } from '../model/records.ts';
import { ContainerCgroup } from './cgroups.ts';
import { planContainer } from './container-plan.ts';
import type { ScriptContext } from './container-script.ts';
import { readExitCode, watchDirectory } from './exit-watch.ts';
import { launch } from './launch.ts';
import { LogPump } from './log-pump.ts';
import type { Machine } from './machine.ts';
import {
  connectPod,
  disconnectPod,
  holdNamespaces,
  ownsNetwork,
  releaseNamespaces,
  usesHostNetwork,
  writePodFiles,
} from './pod-namespaces.ts';
import type { ProcessImages } from './process-images.ts';
import { type ContainerState, type SandboxState, StateDirectory } from './process-state.ts';
import { imageSignal, signalNumber } from './signals.ts';

const sweepMs = 2_000;
const killWaitMs = 10_000;

export interface ProcessPodsContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly machine: Machine;
  readonly images: ProcessImages;
  readonly network: NetworkPlugin;
  readonly toolsDir: string;
  /** Where the runtime keeps its state. */
  readonly dir: string;
  readonly node: Pick<NodeEnvironment, 'podCidr' | 'dataDir'>;
}

/** What is known of a running container beyond its record. */
interface Running {
  readonly pump: LogPump;
  readonly stopWatching: () => void;
}

/** CRI's life cycle of sandboxes and containers over real processes. */
export class ProcessPods {
  readonly store: PodStore;
  readonly #context: ProcessPodsContext;
  readonly #state: StateDirectory;
  readonly #addresses: PodAddresses;
  readonly #sandboxes = new Map<string, SandboxState>();
  readonly #containers = new Map<string, ContainerState>();
  readonly #running = new Map<string, Running>();
  readonly #exiting = new Map<string, Promise<void>>();
  readonly #exits = new Map<string, Set<() => void>>();
  #bootId = '';
  #cancelSweep: (() => void) | undefined;
  #closed = false;

  constructor(context: ProcessPodsContext) {
    this.#context = context;
    this.store = new PodStore(context.clock);
    this.#state = new StateDirectory(context.dir);
    this.#addresses = new PodAddresses(loopbackRange(context.node.podCidr));
  }

  /** Finds again what an earlier process has left running. */
  async recover(): Promise<void> {
    this.#bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'no boot id')).trim();
    const { sandboxes, containers } = await this.#state.load();
    for (const state of sandboxes) {
      const id = state.record.id;
      if (state.loopback !== undefined && state.record.state === 'SANDBOX_READY')
        this.#addresses.reserve(state.loopback);
      this.#sandboxes.set(id, state);
      this.store.addSandbox(state.record);
    }
    for (const state of containers) {
      if (!this.#sandboxes.has(state.record.sandboxId)) {
        await this.#state.removeContainer(state.record.id);
        continue;
      }
      this.#containers.set(state.record.id, state);
      this.store.addContainer(state.record);
      if (state.record.state === 'CONTAINER_RUNNING') await this.#follow(state.record.id);
    }
    const roots = [...this.#containers.values()].map(({ spec }) => (spec.root.kind === 'image' ? spec.root.lower : ''));
    await this.#context.images.prune(new Set(roots));
    await this.#sweep();
  }

  sandboxState(id: string): SandboxState {
    this.store.sandbox(id);
    const state = this.#sandboxes.get(id);
    if (state === undefined) throw new GrpcError(grpcCode.notFound, `pod sandbox "${id}" not found`);
    return state;
  }

  containerState(id: string): ContainerState {
    this.store.container(id);
    const state = this.#containers.get(id);
    if (state === undefined) throw new GrpcError(grpcCode.notFound, `container "${id}" not found`);
    return state;
  }

  containerDir(id: string): string {
    return this.#state.containerDir(id);
  }

  cgroupOf(state: ContainerState): ContainerCgroup | undefined {
    const { cgroups } = this.#context.machine;
    return cgroups === undefined ? undefined : new ContainerCgroup(cgroups, state.cgroupParent, state.record.id);
  }

  pumpOf(id: string): LogPump | undefined {
    return this.#running.get(id)?.pump;
  }

  /** Resolves when the container has ended. */
  exitOf(id: string): Promise<void> {
    if (this.store.findContainer(id)?.state !== 'CONTAINER_RUNNING') return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#exits.get(id) ?? new Set();
      this.#exits.set(id, waiters);
      waiters.add(resolve);
    });
  }

  async runSandbox(config: PodSandboxConfig, runtimeHandler: string, signal?: AbortSignal): Promise<string> {
    const { machine, network, toolsDir } = this.#context;
    const id = newId();
    const name = sandboxKey(config);
    this.store.reserve(name, id);
    const dir = this.#state.podDir(id);
    const netns = ownsNetwork(config, machine, network) ? `keelson-${id.slice(0, 12)}` : undefined;
    const loopback = netns === undefined && !usesHostNetwork(config) ? this.#addresses.take() : undefined;
    try {
      await mkdir(dir, { recursive: true });
      const ips =
        netns === undefined
          ? [loopback ?? ''].filter(Boolean)
          : await connectPod(id, config, netns, this.#context, signal);
      await writePodFiles(dir, config, ips);
      const held = await holdNamespaces(config, { machine, dir, toolsDir, netns });
      const record = { id, config, runtimeHandler, state: 'SANDBOX_READY' as const, createdAt: this.#now(), ips };
      const state: SandboxState = { record, ...held, netns, loopback, bootId: this.#bootId };
      await this.#state.saveSandbox(state);
      this.#sandboxes.set(id, state);
      this.store.addSandbox(record);
      return id;
    } catch (error) {
      this.store.unreserve(name);
      if (loopback !== undefined) this.#addresses.release(loopback);
      if (netns !== undefined) await disconnectPod(id, config, netns, this.#context);
      await this.#state.removeSandbox(id);
      throw error;
    }
  }

  async stopSandbox(id: string): Promise<void> {
    const state = this.sandboxState(id);
    await Promise.all(this.store.containersOf(id).map((container) => this.#kill(container.id)));
    if (state.record.state === 'SANDBOX_READY') await this.#endSandbox(state);
    // Again even then: an earlier DEL may have failed.
    else if (state.netns !== undefined) await disconnectPod(id, state.record.config, state.netns, this.#context);
  }

  async removeSandbox(id: string): Promise<void> {
    if (this.store.findSandbox(id) === undefined) return;
    await this.stopSandbox(id);
    for (const container of this.store.containersOf(id)) await this.removeContainer(container.id);
    await this.#state.removeSandbox(id);
    this.#sandboxes.delete(id);
    this.store.removeSandbox(id);
  }

  async createContainer(
    sandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig | undefined,
  ): Promise<string> {
    const { images, machine, node } = this.#context;
    const sandbox = this.sandboxState(sandboxId).record;
    if (sandbox.state !== 'SANDBOX_READY') {
      throw new GrpcError(grpcCode.failedPrecondition, `pod sandbox "${sandboxId}" is not ready`);
    }
    const image = await images.find(config.image?.image ?? '');
    if (image === undefined)
      throw new GrpcError(grpcCode.notFound, `image "${config.image?.image ?? ''}" is not present`);
    const id = newId();
    const name = containerKey(sandboxId, config);
    this.store.reserve(name, id);
    try {
      const spec = await planContainer(config, {
        machine,
        images,
        image,
        sandboxDir: this.#state.podDir(sandboxId),
        hostname: sandbox.config.hostname ?? '',
        podPid: sandbox.config.linux?.securityContext?.namespaceOptions?.pid,
        dataDir: node.dataDir,
      });
      const logDirectory = sandboxConfig?.logDirectory || sandbox.config.logDirectory || '';
      const record: ContainerRecord = {
        id,
        sandboxId,
        config,
        imageRef: image.ref,
        imageId: image.id,
        state: 'CONTAINER_CREATED',
        createdAt: this.#now(),
        startedAt: 0,
        finishedAt: 0,
        exitCode: 0,
        reason: '',
        message: '',
        logPath: logDirectory && config.logPath ? join(logDirectory, config.logPath) : '',
        stopSignal:
          config.stopSignal && config.stopSignal !== 'RUNTIME_DEFAULT'
            ? config.stopSignal
            : imageSignal(image.config.StopSignal),
        resources: { linux: config.linux?.resources },
        user: { linux: { uid: spec.uid, gid: spec.gid, supplementalGroups: spec.groups } },
      };
      const cgroupParent = sandbox.config.linux?.cgroupParent || '/keelson';
      const state: ContainerState = { record, spec, cgroupParent };
      await mkdir(this.#state.containerDir(id), { recursive: true });
      await this.#state.saveContainer(state);
      this.#containers.set(id, state);
      this.store.addContainer(record);
      return id;
    } catch (error) {
      this.store.unreserve(name);
      throw error;
    }
  }

  async startContainer(id: string): Promise<void> {
    const state = this.containerState(id);
    if (state.record.state !== 'CONTAINER_CREATED') {
      throw new GrpcError(grpcCode.failedPrecondition, `container "${id}" is in state ${state.record.state}`);
    }
    const cgroup = this.cgroupOf(state);
    await cgroup?.create(state.record.resources?.linux);
    const result = await launch(state.spec, this.#scriptContext(state, cgroup));
    if (!result.started) {
      const { message } = result;
      await this.#replace(id, {
        state: 'CONTAINER_EXITED',
        startedAt: this.#now(),
        finishedAt: this.#now(),
        exitCode: 128,
        reason: 'StartError',
        message,
      });
      await cgroup?.remove();
      throw new GrpcError(grpcCode.unknown, message);
    }
    this.#containers.set(id, { ...state, shim: result.shim, init: result.init });
    await this.#replace(id, { state: 'CONTAINER_RUNNING', startedAt: this.#now() });
    await this.#follow(id);
  }

  async stopContainer(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const state = this.containerState(id);
    if (state.record.state === 'CONTAINER_CREATED') {
      await this.#replace(id, { state: 'CONTAINER_EXITED', finishedAt: this.#now(), exitCode: 137, reason: 'Error' });
    }
    if (state.record.state !== 'CONTAINER_RUNNING') return;
    if (graceSeconds > 0 && state.init !== undefined) {
      signalProcess(state.init, signalNumber(state.record.stopSignal));
      if (await this.#exitWithin(id, graceSeconds * 1000, signal)) return;
    }
    await this.#kill(id);
  }

  async removeContainer(id: string): Promise<void> {
    if (this.store.findContainer(id) === undefined) return;
    await this.#kill(id);
    const state = this.containerState(id);
    await this.cgroupOf(state)?.remove();
    await this.#state.removeContainer(id);
    this.#containers.delete(id);
    this.store.removeContainer(id);
  }

  async updateResources(id: string, linux: LinuxContainerResources | undefined): Promise<void> {
    const state = this.containerState(id);
    if (state.record.state === 'CONTAINER_RUNNING') await this.cgroupOf(state)?.update(linux);
    await this.#replace(id, { resources: { linux: { ...state.record.resources?.linux, ...linux } } });
  }

  /** Stops following; the containers go on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep?.();
    this.store.events.close();
    for (const { pump, stopWatching } of this.#running.values()) {
      stopWatching();
      await pump.close();
    }
    this.#running.clear();
  }

  #scriptContext(state: ContainerState, cgroup: ContainerCgroup | undefined): ScriptContext {
    const { machine, toolsDir } = this.#context;
    const sandbox = this.sandboxState(state.record.sandboxId);
    const pid = sandbox.sharesPid && state.spec.pid === 'pod' ? ['--pid'] : [];
    return {
      machine,
      dir: this.#state.containerDir(state.record.id),
      toolsDir,
      holder: sandbox.holder === undefined ? undefined : { pid: sandbox.holder.pid, flags: [...sandbox.flags, ...pid] },
      cgroupFiles: cgroup?.joinFiles ?? [],
    };
  }

  /** Carries a running container's output over, and notices its end. */
  async #follow(id: string): Promise<void> {
    const { clock, machine, logger } = this.#context;
    const dir = this.#state.containerDir(id);
    const pump = await LogPump.open(dir, this.containerState(id).record.logPath, clock, machine.programs['fallocate']);
    const failed = (error: unknown) => {
      if (!this.#closed) logger.warn(`output or end of container ${id} cannot be followed`, { error: String(error) });
    };
    const stopWatching = watchDirectory(dir, clock, (file) => {
      if (file === 'exit') this.#exited(id).catch(failed);
      else if (file === 'stdout' || file === 'stderr') pump.flush().catch(failed);
    });
    this.#running.set(id, { pump, stopWatching });
    pump.flush().catch(failed);
    if (existsSync(join(dir, 'exit'))) await this.#exited(id);
  }

  /** Once a container: reads its exit code, the last of its output, and whether memory was short. */
  #exited(id: string, fallback?: number): Promise<void> {
    const under = this.#exiting.get(id);
    if (under !== undefined) return under;
    const work = this.#recordExit(id, fallback).finally(() => this.#exiting.delete(id));
    this.#exiting.set(id, work);
    return work;
  }

  async #recordExit(id: string, fallback: number | undefined): Promise<void> {
    const state = this.#containers.get(id);
    if (state === undefined || state.record.state !== 'CONTAINER_RUNNING') return;
    const dir = this.#state.containerDir(id);
    const exitCode = (await readExitCode(dir)) ?? fallback;
    if (exitCode === undefined) return;
    const running = this.#running.get(id);
    running?.stopWatching();
    await running?.pump.flush(true);
    await running?.pump.close();
    this.#running.delete(id);
    const cgroup = this.cgroupOf(state);
    const oom = (await cgroup?.oomKilled()) ?? false;
    const finishedAt = existsSync(join(dir, 'exit'))
      ? Math.round((await stat(join(dir, 'exit'))).mtimeMs * 1e6)
      : this.#now();
    await this.#replace(id, {
      state: 'CONTAINER_EXITED',
      finishedAt: Math.max(finishedAt, state.record.startedAt),
      exitCode,
      reason: oom ? 'OOMKilled' : exitReason(exitCode),
    });
    await cgroup?.remove();
    for (const wake of this.#exits.get(id) ?? []) wake();
  }

  async #replace(id: string, change: Partial<ContainerRecord>): Promise<void> {
    const state = this.#containers.get(id);
    if (state === undefined) return;
    const next = { ...state, record: { ...state.record, ...change } };
    this.#containers.set(id, next);
    await this.#state.saveContainer(next);
    this.store.updateContainer(next.record);
  }

  async #kill(id: string): Promise<void> {
    const state = this.containerState(id);
    if (state.record.state !== 'CONTAINER_RUNNING') return;
    await this.#killProcesses(state);
    if (await this.#exitWithin(id, killWaitMs)) return;
    await this.#exited(id, 137);
  }

  /** The numbers of an earlier boot's processes are others' now. */
  #ofThisBoot({ sandboxId }: ContainerRecord): boolean {
    return this.#sandboxes.get(sandboxId)?.bootId === this.#bootId;
  }

  async #killProcesses(state: ContainerState): Promise<void> {
    if (!this.#ofThisBoot(state.record)) return;
    const { init } = state;
    // With a pid namespace of its own, everything in it goes with its first process; else with its process group.
    if (init !== undefined) signalProcess(init, 'SIGKILL');
    if (state.spec.pid === 'own') return;
    if (init !== undefined) signalGroup(init, 'SIGKILL');
    await this.cgroupOf(state)?.kill();
  }

  async #exitWithin(id: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    if (this.store.findContainer(id)?.state !== 'CONTAINER_RUNNING') return true;
    const timer = new AbortController();
    const waiters = this.#exits.get(id) ?? new Set();
    this.#exits.set(id, waiters);
    let wake = () => undefined as void;
    const exit = new Promise<true>((resolve) => {
      wake = () => resolve(true);
    });
    waiters.add(wake);
    const limit = signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]);
    const timeout = this.#context.clock.sleep(ms, limit).then(
      () => false,
      () => false,
    );
    const result = await Promise.race([exit, timeout]);
    waiters.delete(wake);
    if (waiters.size === 0) this.#exits.delete(id);
    timer.abort();
    signal?.throwIfAborted();
    return result;
  }

  async #endSandbox(state: SandboxState): Promise<void> {
    if (state.bootId === this.#bootId) releaseNamespaces(state);
    if (state.loopback !== undefined) this.#addresses.release(state.loopback);
    const next: SandboxState = { ...state, record: { ...state.record, state: 'SANDBOX_NOTREADY', ips: [] } };
    this.#sandboxes.set(state.record.id, next);
    await this.#state.saveSandbox(next);
    this.store.updateSandbox(next.record);
    if (state.netns !== undefined)
      await disconnectPod(state.record.id, state.record.config, state.netns, this.#context);
  }

  /** What no file tells: a shim or a holder that was killed itself. */
  async #sweep(): Promise<void> {
    for (const { record, shim } of [...this.#containers.values()]) {
      if (record.state !== 'CONTAINER_RUNNING') continue;
      if (this.#ofThisBoot(record) && shim !== undefined && (await isAlive(shim))) continue;
      const state = this.#containers.get(record.id);
      if (state === undefined) continue;
      if ((await readExitCode(this.#state.containerDir(record.id))) === undefined) await this.#killProcesses(state);
      await this.#exited(record.id, 137);
    }
    for (const state of [...this.#sandboxes.values()]) {
      if (state.record.state !== 'SANDBOX_READY') continue;
      const gone = state.bootId !== this.#bootId || (state.holder !== undefined && !(await isAlive(state.holder)));
      if (gone && this.#sandboxes.get(state.record.id) === state) await this.#endSandbox(state);
    }
    if (this.#closed) return;
    this.#cancelSweep = this.#context.clock.after(sweepMs, () => {
      this.#sweep().catch((error: unknown) => this.#context.logger.error('sweep failed', { error: String(error) }));
    });
  }

  #now(): number {
    return this.#context.clock.now() * 1e6;
  }
}

/** The process that a container started with, if it still runs. */
export async function livingInit({ init }: ContainerState): Promise<ProcessIdentity | undefined> {
  return init === undefined ? undefined : (await identify(init.pid))?.startTicks === init.startTicks ? init : undefined;
}

function newId(): string {
  return randomBytes(32).toString('hex');
}
