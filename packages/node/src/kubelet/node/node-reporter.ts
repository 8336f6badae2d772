import { type ContainerImage, Lease, Node, type NodeStatus, type Taint } from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import type { ContainerRuntime } from '@keelson/core/cri';
import { type Clock, isStatusError, microTimestamp, type Random } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { formatTime } from '../time.ts';
import { type MachineFacts, type Pressure, readPressure } from './machine.ts';
import { generateNodeStatus, isolationAnnotation, nodeStatusChanged } from './node-status.ts';

export interface NodeReporterOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly machine: MachineFacts;
  readonly addresses: readonly string[];
  readonly port: () => number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly podCidr: string | undefined;
  readonly capacity: Readonly<Record<string, string>>;
  readonly maxPods: number;
  readonly dataDir: string;
  readonly plegProblem: () => string | undefined;
  readonly volumesInUse: () => readonly string[];
  /** Looks at the machine; tests and simulated nodes bring their own. */
  readonly pressure?: () => Promise<Pressure>;
}

const leaseNamespace = 'kube-node-lease';
const leaseSeconds = 40;
const leaseRenewMs = 10_000;
const lookMs = 10_000;
const reportAtLeastMs = 300_000;
const imagesReported = 50;

/** Registers a node, keeps its lease alive and says how it is. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  #node: Node | undefined;
  #lease: Lease | undefined;
  #said: NodeStatus | undefined;
  #saidAt = 0;
  #version = { name: '', version: '' };
  #networkProblem: string | undefined = 'container runtime network not ready: it was not asked yet';

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  get runtimeName(): string {
    return this.#version.name;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Reads the Node anew: its labels and taints are others' to change. */
  async refreshNode(signal: AbortSignal): Promise<void> {
    this.#node = await this.#options.client.get(Node, { name: this.#options.nodeName }, { signal });
  }

  networkProblem(): string | undefined {
    return this.#networkProblem;
  }

  allocatable(): Readonly<Record<string, string>> {
    return this.#said?.allocatable ?? {};
  }

  /** Asks the runtime who it is; rejects if it does not answer. */
  async meet(signal: AbortSignal): Promise<void> {
    const { runtimeName = '', runtimeVersion = '' } = await this.#options.runtime.runtimeService.version({}, signal);
    this.#version = { name: runtimeName, version: runtimeVersion };
    this.#said = await this.#status(signal);
  }

  /** Creates the Node or brings labels, taints and annotations of an old one up to date. */
  async register(signal: AbortSignal): Promise<void> {
    const { client, nodeName, taints, podCidr, machine, runtime } = this.#options;
    const labels = {
      'beta.kubernetes.io/arch': machine.architecture,
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': machine.architecture,
      'kubernetes.io/hostname': nodeName,
      'kubernetes.io/os': 'linux',
      ...this.#options.labels,
    };
    const annotations = {
      [isolationAnnotation]: runtime.isolation.summary,
      'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
    };
    const status = await this.#status(signal);
    try {
      this.#node = await client.create(
        Node,
        {
          metadata: { name: nodeName, labels, annotations },
          spec: {
            ...(podCidr !== undefined && { podCIDR: podCidr, podCIDRs: [podCidr] }),
            ...(taints.length > 0 && { taints }),
          },
          status,
        },
        { signal },
      );
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) throw error;
      this.#node = await client.patch(
        Node,
        { name: nodeName },
        { strategic: { metadata: { labels, annotations } } },
        { signal },
      );
    }
    await this.#report(status, signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#every(leaseRenewMs, () => this.#renew(signal), signal),
      this.#every(lookMs, () => this.look(signal), signal),
    ]);
  }

  /** Looks at the node now and says what changed. */
  async look(signal: AbortSignal): Promise<void> {
    const status = await this.#status(signal);
    const due = this.#options.clock.now() - this.#saidAt >= reportAtLeastMs;
    if (due || nodeStatusChanged(this.#said, status)) await this.#report(status, signal);
  }

  async #every(periodMs: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('the node could not be reported, trying again', { error: String(error) });
      }
      try {
        // Many nodes of one process must not all speak in the same instant.
        await clock.sleep(periodMs * (0.96 + 0.08 * random()), signal);
      } catch {
        return;
      }
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { client, nodeName, clock } = this.#options;
    const renewTime = microTimestamp(clock);
    const metadata = {
      name: nodeName,
      namespace: leaseNamespace,
      ...(this.#node && {
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: this.#node.metadata.uid ?? '' }],
      }),
    };
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime };
    try {
      if (this.#lease === undefined) this.#lease = await client.get(Lease, metadata, { signal });
      this.#lease = await client.update(Lease, { ...this.#lease, spec: { ...this.#lease.spec, ...spec } }, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) {
        this.#lease = await client.create(Lease, { metadata, spec }, { signal });
        return;
      }
      this.#lease = undefined;
      throw error;
    }
  }

  async #status(signal: AbortSignal): Promise<NodeStatus> {
    const { nodeName, runtime, clock, machine, plegProblem } = this.#options;
    const [health, images, pressure] = await Promise.all([
      this.#health(signal),
      this.#images(signal),
      (this.#options.pressure ?? (() => readPressure(this.#options.dataDir)))(),
    ]);
    const pleg = plegProblem();
    return generateNodeStatus({
      nodeName,
      addresses: this.#options.addresses,
      port: this.#options.port(),
      machine,
      pressure,
      capacity: this.#options.capacity,
      maxPods: this.#options.maxPods,
      runtime: {
        ...this.#version,
        handlers: health.handlers,
        isolation: runtime.isolation,
        supplementalGroupsPolicy: health.supplementalGroupsPolicy,
      },
      problems: [...health.problems, ...(pleg === undefined ? [] : [pleg])],
      images,
      volumesInUse: this.#options.volumesInUse(),
      previous: this.#said?.conditions ?? this.#node?.status?.conditions,
      now: formatTime(clock.now()),
    });
  }

  async #health(signal: AbortSignal) {
    try {
      const { status, runtimeHandlers = [], features } = await this.#options.runtime.runtimeService.status({}, signal);
      const problem = (type: string, what: string) => {
        const found = status?.conditions?.find((each) => each.type === type);
        if (found?.status === true) return undefined;
        return `container runtime ${what}not ready: ${type}=false reason:${found?.reason ?? ''} message:${found?.message ?? ''}`;
      };
      const runtimeProblem = problem('RuntimeReady', '');
      this.#networkProblem = problem('NetworkReady', 'network ');
      const problems = [runtimeProblem, this.#networkProblem].filter((each) => each !== undefined);
      return {
        problems,
        handlers: runtimeHandlers,
        supplementalGroupsPolicy: features?.supplementalGroupsPolicy === true,
      };
    } catch (error) {
      if (signal.aborted) throw error;
      const message = error instanceof Error ? error.message : String(error);
      return { problems: [`container runtime is down: ${message}`], handlers: [], supplementalGroupsPolicy: false };
    }
  }

  async #images(signal: AbortSignal): Promise<readonly ContainerImage[]> {
    try {
      const { images = [] } = await this.#options.runtime.imageService.listImages({}, signal);
      return [...images]
        .sort((a, b) => (b.size ?? 0) - (a.size ?? 0))
        .slice(0, imagesReported)
        .map((each) => ({
          names: [...(each.repoDigests ?? []), ...(each.repoTags ?? [])].slice(0, 5),
          sizeBytes: each.size ?? 0,
        }));
    } catch (error) {
      if (signal.aborted) throw error;
      return this.#said?.images ?? [];
    }
  }

  async #report(status: NodeStatus, signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this.#options;
    // Conditions of others, such as NetworkUnavailable, stay: they are merged by type.
    const { addresses, ...rest } = status;
    const replaced = [{ $patch: 'replace' }, ...(addresses ?? [])];
    try {
      this.#node = await client.patch(
        Node,
        { name: nodeName },
        { strategic: { status: { ...rest, addresses: replaced } } },
        { subresource: 'status', signal },
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
      // Somebody deleted the node; a kubelet that runs registers it again.
      this.#said = undefined;
      await this.register(signal);
      return;
    }
    this.#said = status;
    this.#saidAt = this.#options.clock.now();
  }
}
