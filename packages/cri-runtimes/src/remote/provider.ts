import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import {
  type ContainerRuntime,
  GrpcError,
  type NodeEnvironment,
  type RuntimeIsolation,
  type RuntimeProbe,
  type RuntimeProvider,
} from '@keelson/core/cri';
import type { Clock, Logger } from '@keelson/core/plugin';
import { withHostNetwork } from './host-network.ts';
import { ImageDirectory, withImageDirectory } from './image-directory.ts';
import type { RemoteOptions } from './options.ts';
import { containerdVersion, findContainerd, PrivateContainerd, shutdownContainerd } from './private-containerd.ts';

const usualSockets = ['/run/containerd/containerd.sock', '/run/crio/crio.sock', '/run/cri-dockerd.sock'];

/** How often our own containerd is looked after, and how long at most between tries to start it. */
const superviseMs = 2_000;
const longestWaitMs = 60_000;

/** Any runtime that serves CRI v1 on a socket, or a containerd of our own. */
export class RemoteRuntimeProvider implements RuntimeProvider {
  readonly name = 'remote';
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: RemoteOptions;

  constructor(clock: Clock, logger: Logger, options: RemoteOptions) {
    this.#clock = clock;
    this.#logger = logger.named('remote-runtime');
    this.#options = options;
  }

  async probe(signal?: AbortSignal): Promise<RuntimeProbe> {
    if (this.#options.endpoint !== undefined) return this.#look(this.#options.endpoint, signal);
    const found = await this.#findServed(signal);
    if (found.endpoint !== undefined) return { usable: true, reason: found.reason };
    if (this.#options.containerd === 'never') return { usable: false, reason: found.reason };
    const programs = await findContainerd();
    if ('missing' in programs) return { usable: false, reason: `${found.reason}; ${programs.missing}` };
    const runtime = programs.ociRuntime.split('/').at(-1);
    return {
      usable: true,
      reason: `containerd ${await containerdVersion(programs)} and ${runtime} found, running as root`,
    };
  }

  async open(
    node: NodeEnvironment & { readonly network: NetworkPlugin },
    signal?: AbortSignal,
  ): Promise<ContainerRuntime> {
    if (this.#options.endpoint !== undefined) {
      const { usable, reason } = await this.#look(this.#options.endpoint, signal);
      if (!usable) this.#logger.warn(reason);
      return this.#connect(this.#options.endpoint, node);
    }
    const programs = this.#options.containerd === 'never' ? { missing: 'containerd: never' } : await findContainerd();
    const ours = 'missing' in programs ? undefined : new PrivateContainerd(programs, node.dataDir, this.#clock);
    // What runs already has this node's pods.
    const found = ours !== undefined && existsSync(ours.paths.config) ? { reason: '' } : await this.#findServed(signal);
    if ('endpoint' in found && found.endpoint !== undefined) return this.#connect(found.endpoint, node);
    if (ours === undefined) {
      const why = 'missing' in programs ? programs.missing : '';
      throw new Error(`no container runtime: ${found.reason}; ${why}; start one, or change runtime in keelson.yaml`);
    }
    await ours.start(node.network, signal);
    await ours.importSandboxImage(signal);
    const directory = new ImageDirectory(ours, this.#options.imagesDir ?? join(node.dataDir, 'images'), this.#logger);
    await directory.load(signal);
    const runtime = await this.#connect(ours.endpoint, node);
    const closing = new AbortController();
    const supervision = this.#supervise(ours, node.network, closing.signal);
    return {
      ...runtime,
      imageService: withImageDirectory(runtime.imageService, directory),
      async close() {
        closing.abort(new Error('the runtime is closed'));
        await supervision;
        await runtime.close();
      },
    };
  }

  /** Our own containerd has nobody else to start it again when it dies. Its pods run on meanwhile. */
  async #supervise(ours: PrivateContainerd, network: NetworkPlugin, signal: AbortSignal): Promise<void> {
    let waitMs = superviseMs;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(waitMs, signal);
        if (!(await ours.runs())) {
          this.#logger.warn('containerd has ended; starting it again', { log: ours.paths.log });
          await ours.start(network, signal);
        }
        waitMs = superviseMs;
      } catch (error) {
        if (signal.aborted) return;
        waitMs = Math.min(waitMs * 2, longestWaitMs);
        this.#logger.error('containerd could not be started again', { error, retryInMs: waitMs });
      }
    }
  }

  /** Ends our own containerd with its pods; a runtime that was found running is left as it is. */
  async shutdown(node: NodeEnvironment & { readonly network: NetworkPlugin }, signal?: AbortSignal): Promise<void> {
    const programs = await findContainerd();
    if (!('missing' in programs)) {
      const ours = new PrivateContainerd(programs, node.dataDir, this.#clock);
      // Pods outlive a containerd that died, and only a containerd can end them with their networks and mounts.
      if (existsSync(ours.paths.config) && !(await ours.runs())) await ours.start(node.network, signal);
    }
    await shutdownContainerd(node.dataDir, this.#clock, signal);
  }

  async #connect(
    endpoint: string,
    node: NodeEnvironment & { readonly network: NetworkPlugin },
  ): Promise<ContainerRuntime> {
    const { connectCri } = await import('./cri-client.ts');
    const client = connectCri(this.#clock, { ...this.#options, endpoint });
    const hostNetwork = !node.network.ownNamespace;
    return {
      runtimeService: hostNetwork ? await withHostNetwork(client.runtimeService, node.podCidr) : client.runtimeService,
      imageService: client.imageService,
      isolation: remoteIsolation(endpoint, hostNetwork),
      async close() {
        client.close();
      },
    };
  }

  /**
   * The first usual socket that serves a ready runtime without pods: pods of another kubelet would be taken for leftovers
   * and removed.
   */
  async #findServed(signal?: AbortSignal): Promise<{ readonly endpoint?: string; readonly reason: string }> {
    const reasons: string[] = [];
    for (const socket of usualSockets) {
      if (!existsSync(socket)) continue;
      const endpoint = `unix://${socket}`;
      const { usable, reason } = await this.#look(endpoint, signal, { empty: true });
      if (usable) return { endpoint, reason };
      reasons.push(reason);
    }
    return { reason: reasons.join('; ') || `no container runtime listens at ${usualSockets.join(', ')}` };
  }

  async #look(endpoint: string, signal?: AbortSignal, { empty = false } = {}): Promise<RuntimeProbe> {
    const { connectCri } = await import('./cri-client.ts');
    const client = connectCri(this.#clock, { endpoint, requestTimeoutMs: 2000 });
    try {
      const { runtimeName, runtimeVersion } = await client.runtimeService.version({}, signal);
      const name = `${runtimeName} ${runtimeVersion} at ${endpoint}`;
      const { status } = await client.runtimeService.status({}, signal);
      for (const { type, status: ok, message } of status?.conditions ?? []) {
        if (!ok && (type === 'RuntimeReady' || empty)) {
          return { usable: false, reason: `${name} is not ready: ${type}: ${message}` };
        }
      }
      if (empty && ((await client.runtimeService.listPodSandbox({}, signal)).items?.length ?? 0) > 0) {
        return {
          usable: false,
          reason: `${name} already runs pods, maybe of another kubelet; name it as endpoint in keelson.yaml to share it`,
        };
      }
      return { usable: true, reason: `${name} is ready` };
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      return { usable: false, reason: error.message };
    } finally {
      client.close();
    }
  }
}

function remoteIsolation(endpoint: string, hostNetwork: boolean): RuntimeIsolation {
  return {
    summary: `containers: namespaces, cgroups and seccomp by the runtime at ${endpoint}${hostNetwork ? '; network shared with the host' : ''}`,
    isolates: { processes: true, files: true, network: !hostNetwork, users: false, limits: true },
  };
}
