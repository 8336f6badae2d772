import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import type {
  ContainerRuntime,
  NodeEnvironment,
  RuntimeIsolation,
  RuntimeProbe,
  RuntimeProvider,
} from '@keelson/core/cri';
import type { Clock, Logger } from '@keelson/core/plugin';
import { detectMachine, type Machine } from './machine.ts';
import type { ProcessOptions } from './options.ts';
import { ProcessImages } from './process-images.ts';
import { ProcessPods } from './process-pods.ts';
import { processRuntimeService } from './process-runtime.ts';
import { StreamingServer } from './streaming/streaming-server.ts';
import { installTools } from './tools.ts';

type NodeWithNetwork = NodeEnvironment & { readonly network: NetworkPlugin };

/** Real processes without a container engine: in namespaces where the machine allows them, plain where not. */
export class ProcessRuntimeProvider implements RuntimeProvider {
  readonly name = 'process';
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: ProcessOptions;

  constructor(clock: Clock, logger: Logger, options: ProcessOptions) {
    this.#clock = clock;
    this.#logger = logger.named('process-runtime');
    this.#options = options;
  }

  async probe(): Promise<RuntimeProbe> {
    if (process.platform !== 'linux')
      return { usable: false, reason: `it follows processes by Linux's /proc, not ${process.platform}` };
    const machine = await detectMachine(this.#options);
    return { usable: true, reason: isolationOf(machine, undefined).summary };
  }

  async open(node: NodeWithNetwork): Promise<ContainerRuntime> {
    const machine = await detectMachine(this.#options);
    const pods = await this.#pods(node, machine);
    const streaming = new StreamingServer(this.#clock);
    return {
      runtimeService: processRuntimeService({
        pods: pods.pods,
        machine,
        network: node.network,
        streaming,
        clock: this.#clock,
        logger: this.#logger,
      }),
      imageService: pods.images.service(),
      isolation: isolationOf(machine, node.network),
      async close() {
        await streaming.close();
        await pods.pods.close();
      },
    };
  }

  /** Ends all pods of a node and removes what they have left; for `keelson down`. */
  async shutdown(node: NodeWithNetwork): Promise<void> {
    if (!existsSync(runtimeDir(node))) return;
    const { pods } = await this.#pods(node, await detectMachine(this.#options));
    for (const { id } of [...pods.store.sandboxes()]) await pods.removeSandbox(id);
    await pods.close();
  }

  async #pods(
    node: NodeWithNetwork,
    machine: Machine,
  ): Promise<{ readonly pods: ProcessPods; readonly images: ProcessImages }> {
    const dir = runtimeDir(node);
    await mkdir(dir, { recursive: true, mode: 0o711 });
    const toolsDir = join(dir, 'tools');
    if (machine.level !== 'plain') await installTools(toolsDir);
    const images = new ProcessImages(
      this.#options.imagesDir ?? join(node.dataDir, 'images'),
      join(dir, 'unpacked'),
      this.#clock,
      this.#logger,
    );
    const pods = new ProcessPods({
      clock: this.#clock,
      logger: this.#logger,
      machine,
      images,
      network: node.network,
      toolsDir,
      dir,
      node,
    });
    await pods.recover();
    return { pods, images };
  }
}

function runtimeDir(node: Pick<NodeEnvironment, 'dataDir'>): string {
  return join(node.dataDir, 'process');
}

/** What is true of this machine, in words and as facts. */
export function isolationOf(machine: Machine, network: NetworkPlugin | undefined): RuntimeIsolation {
  const ownNetwork = machine.level === 'root' && (network?.ownNamespace ?? false);
  const networkWords = ownNetwork ? 'a network of its own' : "the host's network";
  switch (machine.level) {
    case 'root':
      return {
        summary: `processes as root in namespaces of their own (no seccomp), with ${networkWords}, ${machine.cgroups === undefined ? 'without limits' : `limits by cgroups ${machine.cgroups}`}`,
        isolates: {
          processes: true,
          files: true,
          network: ownNetwork,
          users: false,
          limits: machine.cgroups !== undefined,
        },
      };
    case 'rootless':
      return {
        summary:
          "processes in a user namespace of their own (one user, no seccomp), with the host's network, without limits",
        isolates: { processes: true, files: true, network: false, users: true, limits: false },
      };
    case 'plain':
      return {
        summary: `plain processes of this user on the host's files and network, without limits: ${machine.reason}`,
        isolates: { processes: false, files: false, network: false, users: false, limits: false },
      };
  }
}
