import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Container, EphemeralContainer, Pod, PodStatus } from '@keelson/core/api';
import type { PodSandboxConfig, RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import { type ClusterDns, parseResolvConf, podDns } from '../containers/dns.ts';
import { hostsFile } from '../containers/hosts-file.ts';
import type { PodCgroups } from '../containers/pod-cgroups.ts';
import type { NodeAllocatable } from '../containers/resources.ts';
import { podLogDirectoryName, sandboxConfig } from '../containers/sandbox-config.ts';
import type { ReferencedObjects } from '../environment/container-environment.ts';
import { hasErrorCode } from '../errors.ts';
import { ContainerWaitError, type ImageManager, messageOf } from '../images/image-manager.ts';
import { isProbed, type ProbeManager } from '../probes/probe-manager.ts';
import type { WaitingReason } from '../status/container-status.ts';
import { generatePodStatus } from '../status/pod-status.ts';
import type { StatusManager } from '../status/status-manager.ts';
import { formatDuration, formatTime, parseTime } from '../time.ts';
import type { PodTokens } from '../volumes/content.ts';
import { type MountedVolumes, VolumeError, type VolumeManager } from '../volumes/volume-manager.ts';
import type { VolumePaths } from '../volumes/volume-paths.ts';
import { BackOff } from './back-off.ts';
import { computePodActions, type PodActions } from './compute-pod-actions.ts';
import type { ContainerStarter, PodEvent } from './container-starter.ts';
import { allContainers, containerHash, formatPod, gracePeriodOf, isTerminalPhase, uidOf } from './pod-facts.ts';
import { goneIsFine, type PodKiller } from './pod-killer.ts';
import type { PodFailure, PodIdentity, PodSteps, SyncResult } from './pod-workers.ts';
import { hasRunning, newestByName, type RuntimePod } from './runtime-pod.ts';
import type { RuntimeReader } from './runtime-reader.ts';

export interface PodSyncerOptions {
  readonly runtime: RuntimeService;
  readonly reader: RuntimeReader;
  readonly starter: ContainerStarter;
  readonly killer: PodKiller;
  readonly probes: ProbeManager;
  readonly status: StatusManager;
  readonly volumes: VolumeManager;
  readonly images: ImageManager;
  readonly cgroups: PodCgroups;
  readonly objects: ReferencedObjects;
  readonly tokens: PodTokens & { forget(uid: string): void };
  readonly paths: VolumePaths;
  readonly clock: Clock;
  readonly event: PodEvent;
  readonly hostIps: readonly string[];
  readonly runtimeName: string;
  readonly clusterDns: ClusterDns;
  readonly allocatable: () => NodeAllocatable;
  /** Why pods with a network of their own cannot start, if so. */
  readonly networkProblem: () => string | undefined;
  readonly mounts: boolean;
}

interface PodMemory {
  readonly waiting: Map<string, WaitingReason>;
}

const volumeRetryMs = 60_000;

/** What one pod worker does: looks at the pod and the runtime, decides, acts, and says how it went. */
export class PodSyncer implements PodSteps {
  readonly #options: PodSyncerOptions;
  readonly #backOff: BackOff;
  readonly #memory = new Map<string, PodMemory>();

  constructor(options: PodSyncerOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.clock);
  }

  async sync(pod: Pod, signal: AbortSignal): Promise<SyncResult> {
    const { reader, clock, networkProblem, event } = this.#options;
    const actual = await reader.read(identityOf(pod), signal);
    this.#watchProbes(pod, actual);
    const status = this.#publish(pod, actual, false);
    if (isTerminalPhase(status.phase)) return { ended: true };
    const deadline = deadlineOf(pod, status);
    const now = clock.now();
    if (deadline !== undefined && now >= deadline) {
      const failure = {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
      event(pod, undefined, 'Normal', failure.reason, failure.message);
      return { failure };
    }

    const problem = pod.spec.hostNetwork === true ? undefined : networkProblem();
    if (problem !== undefined) {
      event(pod, undefined, 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`);
      throw new Error(`network is not ready: ${problem}`);
    }
    const volumes = await this.#prepare(pod, actual, signal);
    const actions = computePodActions(pod, actual, this.#options.probes);
    const again = await this.#act(pod, actual, actions, volumes, signal);
    const after = isIdle(actions) ? actual : await reader.read(identityOf(pod), signal);
    if (!isIdle(actions)) {
      this.#watchProbes(pod, after);
      const phase = this.#publish(pod, after, false).phase;
      if (isTerminalPhase(phase)) return { ended: true };
    }
    await this.#removeOldContainers(after, signal);
    const waits = [
      again,
      deadline === undefined ? undefined : deadline - now,
      hasContent(pod) && this.#options.mounts ? volumeRetryMs : undefined,
    ];
    const known = waits.filter((each) => each !== undefined);
    return known.length === 0 ? {} : { againInMs: Math.max(10, Math.min(...known)) };
  }

  async terminating(
    work: {
      readonly identity: PodIdentity;
      readonly pod: Pod | undefined;
      readonly graceSeconds: number;
      readonly failure: PodFailure | undefined;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { reader, killer, probes } = this.#options;
    const { identity, pod } = work;
    const actual = await reader.read(identity, signal);
    if (pod) this.#publish(pod, actual, false, work.failure);
    // Readiness goes on while containers end; liveness must not restart them any more.
    await killer.killPod(pod, actual, work.graceSeconds, signal);
    probes.unwatchPod(identity.uid);
    const after = await reader.read(identity, signal);
    if (hasRunning(after)) throw new Error(`containers of ${identity.name} still run after they were stopped`);
    if (pod) this.#publish(pod, after, true, work.failure);
  }

  async terminated(
    work: {
      readonly identity: PodIdentity;
      readonly pod: Pod | undefined;
      readonly failure: PodFailure | undefined;
      readonly removed: boolean;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { reader, runtime, volumes, cgroups, status, tokens, images } = this.#options;
    const { identity, pod } = work;
    const actual = await reader.read(identity, signal);
    if (pod) this.#publish(pod, actual, true, work.failure);
    const deleted = work.removed || pod === undefined || pod.metadata.deletionTimestamp !== undefined;
    if (this.#options.mounts) await volumes.unmount(identity.uid, signal);
    if (deleted) {
      for (const sandbox of actual.sandboxes) {
        await goneIsFine(runtime.removePodSandbox({ podSandboxId: sandbox.id }, signal));
      }
      await this.#removeLogs(identity);
    }
    await cgroups.remove(identity.uid);
    tokens.forget(identity.uid);
    if (pod) {
      images.forget(pod);
      status.finish(pod);
    }
    this.#backOff.forget(`${identity.uid}_`);
    this.#memory.delete(identity.uid);
  }

  forgotten(identity: PodIdentity): void {
    this.#options.status.forget(identity.uid);
  }

  #publish(pod: Pod, actual: RuntimePod, ended: boolean, failure?: PodFailure): PodStatus {
    const { status, probes, clock, hostIps, runtimeName } = this.#options;
    const memory = this.#memoryOf(uidOf(pod));
    const containers = new Map(allContainers(pod).map(({ container }) => [container.name, container]));
    const next = generatePodStatus({
      pod,
      actual,
      runtimeName,
      hostIps,
      waiting: (name) => memory.waiting.get(name),
      probe: (name, id) => {
        const container = containers.get(name);
        return container ? probes.state(container, id) : { started: false, ready: false };
      },
      previous: status.get(pod),
      now: formatTime(clock.now()),
      ended,
      ...(failure && ended && { failure }),
    });
    // The end is told when all have ended: sidecars may still run when the others are through.
    const early = isTerminalPhase(next.phase) && actual.containers.some((each) => each.state === 'running');
    status.set(pod, early ? { ...next, phase: status.get(pod)?.phase ?? 'Running' } : next);
    return next;
  }

  /** Directories, control group and volumes. */
  async #prepare(pod: Pod, actual: RuntimePod, signal: AbortSignal): Promise<MountedVolumes> {
    const { volumes, cgroups, mounts, event } = this.#options;
    if (actual.sandboxes.length === 0) await cgroups.create(pod);
    if (!mounts) return new Map();
    try {
      return await volumes.mount(pod, this.#contentSources(pod, actual), signal);
    } catch (error) {
      if (error instanceof VolumeError) {
        event(
          pod,
          undefined,
          'Warning',
          'FailedMount',
          `MountVolume.SetUp failed for volume "${error.volume}" : ${error.message}`,
        );
      }
      throw error;
    }
  }

  #contentSources(pod: Pod, actual: RuntimePod) {
    const { objects, tokens, hostIps, allocatable, status } = this.#options;
    const ready = actual.sandboxes.find((each) => each.ready);
    const known = ready?.ips ?? (status.get(pod)?.podIPs ?? []).map((each) => each.ip);
    const podIps = pod.spec.hostNetwork === true ? hostIps : known;
    return { objects, tokens, addresses: { podIps, hostIps }, allocatable: allocatable() };
  }

  /** @returns milliseconds until something that waits may be tried again */
  async #act(
    pod: Pod,
    actual: RuntimePod,
    actions: PodActions,
    volumes: MountedVolumes,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { killer, event, probes } = this.#options;
    const ip = actions.sandbox?.ips[0] ?? '';
    if (actions.killPod) {
      if (actions.createSandbox)
        event(pod, undefined, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      await killer.killPod(pod, actual, gracePeriodOf(pod), signal);
      probes.unwatchPod(uidOf(pod));
      if (!actions.createSandbox) return undefined;
    }
    for (const { container, message, gracePeriodSeconds } of actions.kill) {
      const graceSeconds = gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
      await killer.killContainer({ pod, container, podIp: ip, graceSeconds, message }, signal);
    }
    const names = [...actions.startEphemeral, ...actions.startInit, ...actions.startContainers];
    if (names.length === 0 && !actions.createSandbox) return undefined;

    const config = await this.#sandboxConfig(pod, actions.attempt);
    const sandbox = actions.createSandbox
      ? await this.#createSandbox(pod, config, signal)
      : { id: actions.sandbox?.id ?? '', ips: actions.sandbox?.ips ?? [], now: undefined };
    const podIps = pod.spec.hostNetwork === true ? this.#options.hostIps : sandbox.ips;
    const hosts = await this.#writeHosts(pod, podIps);
    // Between two containers the API shall not learn that an address is missing.
    if (sandbox.now) this.#publish(pod, sandbox.now, false);

    const newest = newestByName(actual);
    const waits: number[] = [];
    for (const name of names) {
      const container = allContainers(pod).find((each) => each.container.name === name)?.container;
      if (container === undefined) continue;
      const wait = await this.#start(
        { pod, container, sandboxId: sandbox.id, sandboxConfig: config, podIps, volumes, hostsFile: hosts },
        newest,
        signal,
      );
      if (wait !== undefined) waits.push(wait);
    }
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  async #start(
    request: {
      readonly pod: Pod;
      readonly container: Container | EphemeralContainer;
      readonly sandboxId: string;
      readonly sandboxConfig: PodSandboxConfig;
      readonly podIps: readonly string[];
      readonly volumes: MountedVolumes;
      readonly hostsFile: string | undefined;
    },
    newest: ReturnType<typeof newestByName>,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { starter, images, event } = this.#options;
    const { pod, container } = request;
    const memory = this.#memoryOf(uidOf(pod));
    const last = newest.get(container.name);
    const key = `${uidOf(pod)}_${container.name}_${containerHash(container)}`;
    if (last?.state === 'exited' && last.finishedAt !== undefined) {
      const left = this.#backOff.remaining(key, last.finishedAt);
      if (left > 0) {
        const where = formatPod(pod.metadata);
        const message = `back-off ${formatDuration(this.#backOff.delay(key))} restarting failed container=${container.name} pod=${where}`;
        memory.waiting.set(container.name, { reason: 'CrashLoopBackOff', message });
        event(
          pod,
          container.name,
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${container.name} in pod ${where}`,
        );
        return left;
      }
      this.#backOff.next(key, last.finishedAt);
    }
    const target = 'targetContainerName' in container ? container.targetContainerName : undefined;
    const targetId = target === undefined ? undefined : newest.get(target)?.id;
    try {
      await starter.start({ ...request, last, targetId }, signal);
      memory.waiting.delete(container.name);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      const wait =
        error instanceof ContainerWaitError ? error : new ContainerWaitError('CreateContainerError', messageOf(error));
      memory.waiting.set(container.name, { reason: wait.reason, message: wait.message });
      if (wait.reason === 'RunContainerError' || wait.reason === 'PostStartHookError') return undefined;
      // The first look after a failed pull tells that the next one has to wait.
      if (wait.reason === 'ErrImagePull') return 2000;
      return Math.max(1000, images.waitFor(pod, container) || 10_000);
    }
  }

  async #createSandbox(
    pod: Pod,
    config: PodSandboxConfig,
    signal: AbortSignal,
  ): Promise<{ id: string; ips: readonly string[]; now: RuntimePod }> {
    const { runtime, event, reader, mounts } = this.#options;
    try {
      if (mounts) await mkdir(config.logDirectory ?? '', { recursive: true, mode: 0o755 });
      const { podSandboxId = '' } = await runtime.runPodSandbox({ config, runtimeHandler: '' }, signal);
      const now = await reader.read(identityOf(pod), signal);
      return { id: podSandboxId, ips: now.sandboxes.find((each) => each.id === podSandboxId)?.ips ?? [], now };
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error);
      event(pod, undefined, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`);
      throw new Error(`failed to create the sandbox of ${pod.metadata.name}: ${message}`);
    }
  }

  async #sandboxConfig(pod: Pod, attempt: number): Promise<PodSandboxConfig> {
    const { paths, cgroups, clusterDns, mounts } = this.#options;
    const resolv = mounts ? await readIfThere('/etc/resolv.conf') : '';
    return sandboxConfig(pod, {
      attempt,
      logDirectory: paths.logs(podLogDirectoryName(pod.metadata)),
      dns: podDns(pod, clusterDns, parseResolvConf(resolv)),
      clusterDomain: clusterDns.domain,
      cgroupParent: cgroups.parentOf(pod),
      seccompDir: `${paths.root}/seccomp`,
    });
  }

  async #writeHosts(pod: Pod, podIps: readonly string[]): Promise<string | undefined> {
    const { paths, clusterDns, mounts } = this.#options;
    if (!mounts) return undefined;
    const file = paths.hostsFile(uidOf(pod));
    await mkdir(paths.pod(uidOf(pod)), { recursive: true, mode: 0o750 });
    const host = pod.spec.hostNetwork === true ? await readIfThere('/etc/hosts') : '';
    await writeFile(file, hostsFile(pod, podIps, clusterDns.domain, host), { mode: 0o644 });
    return file;
  }

  #watchProbes(pod: Pod, actual: RuntimePod): void {
    const { probes, hostIps } = this.#options;
    const podIp = pod.spec.hostNetwork === true ? hostIps[0] : actual.sandboxes.find((each) => each.ready)?.ips[0];
    const newest = newestByName(actual);
    const keep = new Set<string>();
    for (const { container, kind } of allContainers(pod)) {
      const run = newest.get(container.name);
      if (!isProbed(container, kind) || run?.state !== 'running') continue;
      keep.add(run.id);
      probes.watch({
        pod,
        container,
        containerId: run.id,
        podIp: podIp ?? '',
        startedAt: run.startedAt ?? run.createdAt,
      });
    }
    probes.unwatchPod(uidOf(pod), keep);
  }

  /** Of each container the newest run stays, and the one before it for `logs --previous`; of sandboxes the newest. */
  async #removeOldContainers(actual: RuntimePod, signal: AbortSignal): Promise<void> {
    const { runtime } = this.#options;
    const seen = new Map<string, number>();
    for (const each of actual.containers) {
      const count = (seen.get(each.name) ?? 0) + 1;
      seen.set(each.name, count);
      if (count > 2 && each.state !== 'running')
        await goneIsFine(runtime.removeContainer({ containerId: each.id }, signal));
    }
    for (const sandbox of actual.sandboxes.slice(1)) {
      const empty = actual.containers.every((each) => each.sandboxId !== sandbox.id);
      if (!sandbox.ready && empty) await goneIsFine(runtime.removePodSandbox({ podSandboxId: sandbox.id }, signal));
    }
  }

  async #removeLogs({ uid, name, namespace }: PodIdentity): Promise<void> {
    const { paths } = this.#options;
    await rm(paths.logs(podLogDirectoryName({ uid, name, namespace })), { recursive: true, force: true });
  }

  #memoryOf(uid: string): PodMemory {
    let memory = this.#memory.get(uid);
    if (memory === undefined) {
      memory = { waiting: new Map() };
      this.#memory.set(uid, memory);
    }
    return memory;
  }
}

function identityOf(pod: Pod): PodIdentity {
  return { uid: uidOf(pod), name: pod.metadata.name, namespace: pod.metadata.namespace ?? '' };
}

function deadlineOf(pod: Pod, status: PodStatus): number | undefined {
  const started = parseTime(status.startTime);
  const { activeDeadlineSeconds } = pod.spec;
  return activeDeadlineSeconds === undefined || started === undefined
    ? undefined
    : started + activeDeadlineSeconds * 1000;
}

function hasContent(pod: Pod): boolean {
  return (pod.spec.volumes ?? []).some((each) => each.configMap || each.secret || each.projected || each.downwardAPI);
}

function isIdle(actions: PodActions): boolean {
  const starts = actions.startEphemeral.length + actions.startInit.length + actions.startContainers.length;
  return !actions.killPod && !actions.createSandbox && actions.kill.length === 0 && starts === 0;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'EACCES')) return '';
    throw error;
  }
}
