import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { dueForRenewal } from '@keelson/core/certificates';
import type { Clients } from '@keelson/core/client';
import type { NetworkPlugin, NetworkProvider } from '@keelson/core/cni';
import type { EventRecorder } from '@keelson/core/controller';
import type { ContainerRuntime, NodeEnvironment, RuntimeProvider } from '@keelson/core/cri';
import type { CsiDriver, CsiDriverProvider } from '@keelson/core/csi';
import type { Informers } from '@keelson/core/informer';
import type { Clock, Random } from '@keelson/core/machinery';
import type { Lifecycle, Logger } from '@keelson/core/plugin';
import type { NodeCertificate, NodeCertificates } from './contract.ts';
import { Kubelet } from './kubelet/kubelet.ts';
import { type MachineFacts, type Pressure, readMachine, readPressure } from './kubelet/node/machine.ts';
import { SharedPods } from './kubelet/pods/pod-source.ts';
import type { NodeOptions } from './node-options.ts';
import { podCidrOf } from './pod-cidr.ts';
import { unmountBelow } from './unmount-below.ts';

/** What the nodes of one process work with. */
export interface NodesOptions {
  readonly options: NodeOptions;
  readonly clients: Clients;
  readonly informers: Informers;
  readonly runtime: RuntimeProvider;
  readonly network: NetworkProvider;
  readonly drivers: readonly CsiDriverProvider[];
  /** Without it, the nodes serve neither logs nor exec. */
  readonly certificates: NodeCertificates | undefined;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface OpenNode {
  readonly environment: NodeEnvironment & { readonly network: NetworkPlugin };
  readonly kubelet: Kubelet;
  readonly runtime: ContainerRuntime;
  readonly network: NetworkPlugin;
  readonly drivers: readonly CsiDriver[];
  certificate: NodeCertificate | undefined;
}

const renewalMs = 60 * 60_000;

/** Nodes that are started at once. */
const startedTogether = 16;

/** Opens network, runtime and storage for each node, and runs its kubelet; closes them in the reverse order. */
export class Nodes implements Lifecycle {
  readonly name = 'nodes';
  readonly phase = 'node';
  readonly startDeadlineMs = 120_000;
  readonly stopDeadlineMs = 30_000;
  readonly #options: NodesOptions;
  readonly #open: OpenNode[] = [];
  readonly #running = new AbortController();
  #shared: SharedPods | undefined;
  #machine: MachineFacts | undefined;
  #pressure: { readonly at: number; readonly value: Promise<Pressure> } | undefined;

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { options, informers } = this.#options;
    const dataDir = resolve(options.dataDir);
    await mkdir(dataDir, { recursive: true });
    this.#machine = await readMachine(dataDir);
    this.#shared = new SharedPods(informers);
    const count = Math.max(options.nodes, options.names.length);
    for (let from = 0; from < count; from += startedTogether) {
      const batch = Array.from({ length: Math.min(startedTogether, count - from) }, (_, at) => from + at);
      await Promise.all(batch.map((index) => this.add(options.names[index] ?? `node-${index + 1}`, index, signal)));
    }
    void this.#keepCertificates(this.#running.signal);
  }

  #hostsOf(nodeName: string): string[] {
    return [nodeName, this.#options.options.nodeIp, 'localhost', '127.0.0.1'];
  }

  /** Serving certificates are renewed before they end, until the nodes stop. */
  async #keepCertificates(signal: AbortSignal): Promise<void> {
    const { certificates, clock, logger } = this.#options;
    while (certificates && !signal.aborted) {
      try {
        await clock.sleep(renewalMs, signal);
        for (const node of this.#open) {
          if (!node.certificate || !dueForRenewal(node.certificate.cert, clock.now())) continue;
          const { nodeName } = node.environment;
          node.certificate = await certificates.issue(nodeName, this.#hostsOf(nodeName));
          node.kubelet.useCertificate(node.certificate);
          logger.info('the certificate of a node was renewed', { node: nodeName });
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('the certificate of a node could not be renewed; tried again', { error: String(error) });
      }
    }
  }

  /** Starts one more node. */
  async add(nodeName: string, index: number, signal: AbortSignal): Promise<Kubelet> {
    const { options, clients, informers, certificates, recorder, clock, random, logger } = this.#options;
    const dataDir = join(resolve(options.dataDir), nodeName);
    const podCidr = podCidrOf(options.clusterCidr, index);
    const environment = { nodeName, index, dataDir, podCidr, nodeIp: options.nodeIp };
    await mkdir(dataDir, { recursive: true });
    const network = await this.#options.network.open(environment, signal);
    const runtime = await this.#options.runtime.open({ ...environment, network }, signal);
    const drivers = new Map<string, CsiDriver>();
    for (const provider of this.#options.drivers) {
      drivers.set(
        provider.driverName,
        await provider.open({ nodeName, dataDir: options.storageDir ?? join(dataDir, 'csi') }, signal),
      );
    }
    const certificate = await certificates?.issue(nodeName, this.#hostsOf(nodeName));
    const simulated = this.#options.runtime.name === 'simulated';
    const kubelet = new Kubelet({
      nodeName,
      client: clients.as({ name: `system:node:${nodeName}`, groups: ['system:nodes', 'system:authenticated'] }),
      informers,
      ...(this.#shared && { pods: this.#shared.of(nodeName) }),
      runtime,
      csiDrivers: drivers,
      clock,
      random,
      logger,
      recorder,
      dataDir: join(dataDir, 'kubelet'),
      nodeIp: options.nodeIp,
      podCidr,
      labels: options.labels,
      taints: options.taints,
      maxPods: options.maxPods,
      capacity: options.capacity,
      clusterDns: { servers: options.clusterDns, domain: options.clusterDomain },
      volumes: options.volumes ?? (simulated ? 'none' : 'real'),
      probes: options.probes ?? (simulated ? 'none' : 'real'),
      ...(certificate && { server: { address: options.nodeIp, port: index === 0 ? options.port : 0, certificate } }),
      ...(this.#machine && { machine: this.#machine }),
      pressure: () => this.#sharedPressure(dataDir),
    });
    this.#open.push({
      environment: { ...environment, network },
      kubelet,
      runtime,
      network,
      drivers: [...drivers.values()],
      certificate,
    });
    await kubelet.start(signal);
    return kubelet;
  }

  async stop(signal?: AbortSignal): Promise<void> {
    this.#running.abort();
    const results = await Promise.allSettled(
      this.#open.splice(0).map(async ({ environment, kubelet, runtime, network, drivers }) => {
        await kubelet.stop();
        for (const driver of drivers) await driver.close();
        await runtime.close();
        if (this.#options.options.endPods) {
          await this.#options.runtime.shutdown?.(environment, signal);
          await network.remove?.(signal);
          // A volume whose pod ended in this moment may still be mounted: nobody comes for it any more.
          if (process.getuid?.() === 0) await unmountBelow(environment.dataDir, signal);
        }
        await network.close();
      }),
    );
    const failed = results.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** All nodes of a process share one machine: one look a second is enough for a thousand of them. */
  #sharedPressure(directory: string): Promise<Pressure> {
    const now = this.#options.clock.now();
    if (this.#pressure === undefined || now - this.#pressure.at > 1000) {
      this.#pressure = { at: now, value: readPressure(directory) };
    }
    return this.#pressure.value;
  }
}
