import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, EphemeralContainer, Pod, Secret, Service } from '@keelson/core/api';
import type { PodSandboxConfig, RuntimeService } from '@keelson/core/cri';
import type { Lister } from '@keelson/core/informer';
import { type Clock, isStatusError } from '@keelson/core/machinery';
import { containerConfig } from '../containers/container-config.ts';
import type { NodeAllocatable } from '../containers/resources.ts';
import { verifyNonRoot } from '../containers/security-context.ts';
import { containerEnvironment, type ReferencedObjects } from '../environment/container-environment.ts';
import { serviceEnvironment } from '../environment/service-environment.ts';
import { ContainerWaitError, type ImageManager, messageOf } from '../images/image-manager.ts';
import { runHook } from '../lifecycle/hooks.ts';
import { containerMounts } from '../volumes/container-mounts.ts';
import type { Mounter } from '../volumes/mounts.ts';
import type { MountedVolumes } from '../volumes/volume-manager.ts';
import type { VolumePaths } from '../volumes/volume-paths.ts';
import type { RuntimeContainer } from './runtime-pod.ts';

export type PodEvent = (
  pod: Pod,
  container: string | undefined,
  kind: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void;

export interface ContainerStarterOptions {
  readonly runtime: RuntimeService;
  readonly images: ImageManager;
  readonly objects: ReferencedObjects;
  readonly services: Lister<Service>;
  readonly paths: VolumePaths;
  readonly mounter: Mounter;
  readonly clock: Clock;
  readonly event: PodEvent;
  readonly allocatable: () => NodeAllocatable;
  readonly memoryCapacity: number;
  readonly hostIps: readonly string[];
  /** Whether anything of the host is put into containers; not for runtimes without processes. */
  readonly mounts: boolean;
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container | EphemeralContainer;
  readonly last: RuntimeContainer | undefined;
  readonly sandboxId: string;
  readonly sandboxConfig: PodSandboxConfig;
  readonly podIps: readonly string[];
  readonly volumes: MountedVolumes;
  readonly hostsFile: string | undefined;
  /** The container that an ephemeral one joins. */
  readonly targetId: string | undefined;
}

/** Brings one container from nothing to running. */
export class ContainerStarter {
  readonly #options: ContainerStarterOptions;

  constructor(options: ContainerStarterOptions) {
    this.#options = options;
  }

  /**
   * @returns the id of the container that runs
   * @throws ContainerWaitError with the reason that stands in the container's status
   */
  async start(request: StartRequest, signal: AbortSignal): Promise<string> {
    const { runtime, images, event } = this.#options;
    const { pod, container, sandboxConfig } = request;
    const say = (kind: 'Normal' | 'Warning', reason: string, message: string) =>
      event(pod, container.name, kind, reason, message);
    const pullSecrets = await this.#pullSecrets(pod, signal);
    const image = await images
      .ensure({ pod, container, pullSecrets, sandboxConfig, event: say }, signal)
      .catch((error) => {
        if (error instanceof ContainerWaitError) say('Warning', 'Failed', `Error: ${error.reason}`);
        throw error;
      });
    const restartCount = request.last === undefined ? 0 : request.last.restartCount + 1;
    const config = await failingAs('CreateContainerConfigError', say, signal, async () => {
      verifyNonRoot(pod, container, image);
      const addresses = { podIps: request.podIps, hostIps: this.#options.hostIps };
      const { enableServiceLinks = true } = pod.spec;
      const namespace = pod.metadata.namespace ?? '';
      const services = [
        ...this.#options.services.inNamespace(namespace),
        ...(namespace === 'default' ? [] : this.#options.services.inNamespace('default')),
      ];
      const environment = await containerEnvironment(
        {
          pod,
          container,
          addresses,
          allocatable: this.#options.allocatable(),
          serviceVariables: serviceEnvironment(services, namespace, enableServiceLinks),
          objects: this.#options.objects,
        },
        signal,
      );
      const { paths, mounter } = this.#options;
      const mounting = {
        pod,
        container,
        volumes: request.volumes,
        environment,
        paths,
        mounter,
        hostsFile: request.hostsFile,
        restartCount,
      };
      const { mounts, devices } = this.#options.mounts
        ? await containerMounts(mounting, signal)
        : { mounts: [], devices: [] };
      return containerConfig(pod, container, {
        restartCount,
        imageRef: image.ref,
        environment,
        mounts,
        devices,
        memoryCapacity: this.#options.memoryCapacity,
        image,
        seccompDir: join(paths.root, 'seccomp'),
        volumeGroups: [],
        ...(request.targetId !== undefined && { targetId: request.targetId }),
      });
    });
    const id = await failingAs('CreateContainerError', say, signal, async () => {
      if (this.#options.mounts)
        await mkdir(join(sandboxConfig.logDirectory ?? '', container.name), { recursive: true, mode: 0o755 });
      const { containerId } = await runtime.createContainer(
        { podSandboxId: request.sandboxId, config, sandboxConfig },
        signal,
      );
      return containerId ?? '';
    });
    say('Normal', 'Created', 'Container created');
    await failingAs('RunContainerError', say, signal, () => runtime.startContainer({ containerId: id }, signal));
    say('Normal', 'Started', 'Container started');
    await this.#postStart(request, id, signal);
    return id;
  }

  async #postStart({ pod, container, podIps }: StartRequest, id: string, signal: AbortSignal): Promise<void> {
    const handler = container.lifecycle?.postStart;
    if (handler === undefined) return;
    const { runtime, clock, event } = this.#options;
    try {
      await runHook(handler, { container, containerId: id, podIp: podIps[0] ?? '' }, runtime, clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      const message = `PostStartHook failed: ${messageOf(error)}`;
      event(pod, container.name, 'Warning', 'FailedPostStartHook', message);
      event(pod, container.name, 'Normal', 'Killing', 'FailedPostStartHook');
      const grace = pod.spec.terminationGracePeriodSeconds ?? 30;
      await runtime.stopContainer({ containerId: id, timeout: grace }, signal);
      throw new ContainerWaitError('PostStartHookError', message);
    }
  }

  /** Secrets that are not there are skipped: the pull may work without, and says so if not. */
  async #pullSecrets(pod: Pod, signal: AbortSignal): Promise<readonly Secret[]> {
    const { objects, event } = this.#options;
    const namespace = pod.metadata.namespace ?? '';
    const found: Secret[] = [];
    const missing: string[] = [];
    for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
      try {
        found.push(await objects.secret(namespace, name, signal));
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
        missing.push(name);
      }
    }
    if (missing.length > 0) {
      const message = `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`;
      event(pod, undefined, 'Warning', 'FailedToRetrieveImagePullSecret', message);
    }
    return found;
  }
}

async function failingAs<T>(
  reason: string,
  say: (kind: 'Warning', reason: string, message: string) => void,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    const message = messageOf(error);
    say('Warning', 'Failed', `Error: ${message}`);
    throw new ContainerWaitError(reason, message);
  }
}
