import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Node, Pod, Service, type Taint } from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import type { EventRecorder } from '@keelson/core/controller';
import type { ContainerRuntime } from '@keelson/core/cri';
import type { CsiDriver } from '@keelson/core/csi';
import type { Informers } from '@keelson/core/informer';
import { type Clock, keyOf, type Random } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import type { NodeCertificate } from '../contract.ts';
import type { ClusterDns } from './containers/dns.ts';
import { noPodCgroups, openPodCgroups, type PodCgroups } from './containers/pod-cgroups.ts';
import { wholeValue } from './containers/quantity-values.ts';
import { clientObjects } from './environment/client-objects.ts';
import { ImageManager } from './images/image-manager.ts';
import { LogRotator } from './logs/log-rotator.ts';
import { publishCsiNode } from './node/csi-node.ts';
import { type MachineFacts, type Pressure, readMachine } from './node/machine.ts';
import { NodeReporter } from './node/node-reporter.ts';
import { admitPod } from './pods/admission.ts';
import { ContainerStarter, type PodEvent } from './pods/container-starter.ts';
import { needsSync } from './pods/needs-sync.ts';
import { Pleg } from './pods/pleg.ts';
import { isTerminalPhase, uidOf } from './pods/pod-facts.ts';
import { PodKiller } from './pods/pod-killer.ts';
import { ownPods, type PodSource } from './pods/pod-source.ts';
import { PodSyncer } from './pods/pod-syncer.ts';
import { type PodFailure, type PodIdentity, PodWorkers } from './pods/pod-workers.ts';
import { RuntimeReader } from './pods/runtime-reader.ts';
import { ProbeManager } from './probes/probe-manager.ts';
import { KubeletServer } from './server/kubelet-server.ts';
import { StatusManager } from './status/status-manager.ts';
import { formatTime } from './time.ts';
import { CsiVolumes } from './volumes/csi-volumes.ts';
import { hostMounter, type Mounter } from './volumes/mounts.ts';
import { ServiceAccountTokens } from './volumes/service-account-tokens.ts';
import { VolumeManager } from './volumes/volume-manager.ts';
import { VolumePaths } from './volumes/volume-paths.ts';

/** What a kubelet works with. */
export interface KubeletOptions {
  readonly nodeName: string;
  /** Speaks as `system:node:<nodeName>`. */
  readonly client: Client;
  readonly informers: Informers;
  /** The node's pods; by default an informer of its own with a field selector. */
  readonly pods?: PodSource;
  readonly runtime: ContainerRuntime;
  /** By driver name. */
  readonly csiDrivers?: ReadonlyMap<string, CsiDriver>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  /** Takes the place of `/var/lib/kubelet`; survives restarts. */
  readonly dataDir: string;
  readonly nodeIp: string;
  readonly podCidr?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** Default 110. */
  readonly maxPods?: number;
  /** Capacity to claim instead of the machine's, by resource name. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly clusterDns?: ClusterDns;
  /** Without it, no HTTPS server is started: no logs, exec and port-forward. Port 0 takes any that is free. */
  readonly server?: { readonly address: string; readonly port: number; readonly certificate: NodeCertificate };
  /** `none` for runtimes whose containers have no files: no volume is written and nothing is mounted. Default `real`. */
  readonly volumes?: 'real' | 'none';
  /** `none` for runtimes whose containers run nothing that could answer a probe. Default `real`. */
  readonly probes?: 'real' | 'none';
  readonly cgroups?: PodCgroups;
  readonly mounter?: Mounter;
  /** What the machine is like; looked up unless given. */
  readonly machine?: MachineFacts;
  readonly pressure?: () => Promise<Pressure>;
}

/** The agent of one node: makes what the API says about its pods true in a container runtime, and says how it went. */
export class Kubelet {
  readonly #options: KubeletOptions;
  #stop: AbortController | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #unsubscribe: (() => void) | undefined;
  #server: KubeletServer | undefined;
  #probes: ProbeManager | undefined;
  #workers: PodWorkers | undefined;

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  /** The certificate that its HTTPS server shows from now on. */
  useCertificate(certificate: NodeCertificate): void {
    this.#server?.useCertificate(certificate);
  }

  /** The port of its HTTPS server; 0 without one. */
  get port(): number {
    return this.#server?.port ?? 0;
  }

  /** Resolves when the node is registered and its pods are being worked on. Running containers are taken over as they are. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#start(signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async #start(signal: AbortSignal): Promise<void> {
    const options = this.#options;
    const { nodeName, client, informers, runtime, clock, random, dataDir, nodeIp } = options;
    const logger = options.logger.named(`kubelet/${nodeName}`);
    const recorder = options.recorder.as('kubelet', nodeName);
    const stop = new AbortController();
    this.#stop = stop;
    const real = options.volumes !== 'none';
    const mounter = options.mounter ?? hostMounter();
    const paths = new VolumePaths(dataDir);
    await mkdir(paths.pods, { recursive: true, mode: 0o750 });

    const machine = options.machine ?? (await readMachine(dataDir));
    const memoryCapacity = options.capacity?.memory ? wholeValue(options.capacity.memory) : machine.memory;
    const cgroups = options.cgroups ?? (runtime.isolation.isolates.limits ? await openPodCgroups() : noPodCgroups);
    const pods = options.pods ?? ownPods(informers, nodeName);
    const services = informers.for(Service);
    const objects = clientObjects(client);
    const hostIps = [nodeIp];
    const event: PodEvent = (pod, _container, kind, reason, message) => recorder.event(Pod, pod, kind, reason, message);

    const { runtimeService, imageService } = runtime;
    const byUid = new Map<string, Pod>();
    const reader = new RuntimeReader(runtimeService, paths);
    const status = new StatusManager({ client, clock, logger, pod: (uid) => byUid.get(uid) });
    const probes = new ProbeManager({
      enabled: options.probes !== 'none',
      runtime: runtimeService,
      clock,
      random,
      changed: (uid) => this.#workers?.wake(uid),
      event,
    });
    this.#probes = probes;
    const killer = new PodKiller({
      runtime: runtimeService,
      clock,
      logger,
      event,
      stopped: (id) => probes.unwatch(id),
    });
    const images = new ImageManager(imageService, clock);
    const tokens = new ServiceAccountTokens(client, clock, random);
    const drivers = options.csiDrivers ?? new Map<string, CsiDriver>();
    const csi = new CsiVolumes({ nodeName, client, objects, drivers, paths });
    const volumes = new VolumeManager({ paths, clock, mounter, csi, asRoot: process.getuid?.() === 0 });
    const pleg = new Pleg({
      runtime: runtimeService,
      reader,
      clock,
      logger,
      changed: (pod) => this.#runtimeChanged(pod, pods, byUid),
    });
    const reporter = new NodeReporter({
      nodeName,
      client,
      runtime,
      clock,
      random,
      logger,
      machine,
      addresses: hostIps,
      port: () => this.port,
      labels: options.labels ?? {},
      taints: options.taints ?? [],
      podCidr: options.podCidr,
      capacity: options.capacity ?? {},
      maxPods: options.maxPods ?? 110,
      dataDir,
      plegProblem: () => pleg.problem(),
      volumesInUse: () => [],
      ...(options.pressure && { pressure: options.pressure }),
    });
    const allocatable = () => reporter.allocatable();

    await pleg.relist(signal);
    await reporter.meet(signal);
    const starter = new ContainerStarter({
      runtime: runtimeService,
      images,
      objects,
      services: services.lister,
      paths,
      mounter,
      clock,
      event,
      allocatable,
      memoryCapacity,
      hostIps,
      mounts: real,
    });
    const syncer = new PodSyncer({
      runtime: runtimeService,
      reader,
      starter,
      killer,
      probes,
      status,
      volumes,
      images,
      cgroups,
      objects,
      tokens,
      paths,
      clock,
      event,
      hostIps,
      runtimeName: reporter.runtimeName,
      clusterDns: options.clusterDns ?? { servers: [], domain: 'cluster.local' },
      allocatable,
      networkProblem: () => reporter.networkProblem(),
      mounts: real,
    });
    const workers = new PodWorkers(syncer, clock, logger);
    this.#workers = workers;

    if (options.server) {
      this.#server = new KubeletServer({
        ...options.server,
        nodeName,
        runtime,
        reader,
        pods: () => [...byUid.values()],
        clock,
        logger,
        podLogs: (name) => paths.logs(name),
      });
      await this.#server.listen(signal);
    }
    await Promise.all([pods.waitForSync(signal), services.waitForSync(signal), reporter.register(signal)]);
    recorder.event(Node, reporter.node ?? { metadata: { name: nodeName } }, 'Normal', 'Starting', 'Starting kubelet.');
    await publishCsiNode({ nodeName, client, drivers, node: reporter.node }, signal);

    const rejected = new Set<string>();
    const undecided = new Set<string>();
    const accept = (pod: Pod) => {
      const uid = uidOf(pod);
      const before = byUid.get(uid);
      byUid.set(uid, pod);
      status.refresh(pod);
      if (undecided.has(uid) || (before && !needsSync(before, pod))) return;
      const failure = before ? undefined : this.#refusal(pod, byUid, reporter, status, pleg);
      if (failure?.reason === 'NodeAffinity') return askAgain(uid);
      decide(pod, failure);
    };
    const decide = (pod: Pod, failure: PodFailure | undefined) => {
      if (failure) {
        rejected.add(uidOf(pod));
        this.#reject(pod, failure, status, event);
      }
      if (!rejected.has(uidOf(pod)) || pod.metadata.deletionTimestamp !== undefined) workers.update(pod);
    };
    // The scheduler may have seen labels of the node that are newer than what this kubelet knows.
    const askAgain = (uid: string) => {
      undecided.add(uid);
      const refreshed = reporter.refreshNode(stop.signal).catch((error: unknown) => {
        if (!stop.signal.aborted) logger.warn('the node could not be read', { error });
      });
      void refreshed.then(() => {
        undecided.delete(uid);
        const pod = byUid.get(uid);
        if (pod && !stop.signal.aborted) decide(pod, this.#refusal(pod, byUid, reporter, status, pleg));
      });
    };
    this.#unsubscribe = pods.subscribe((change) => {
      const pod = change.object;
      const previous = change.type === 'updated' ? change.previous : undefined;
      if (previous && uidOf(previous) !== uidOf(pod)) forget(previous);
      if (change.type !== 'deleted') return accept(pod);
      forget(pod);
    });
    const forget = (pod: Pod) => {
      const uid = uidOf(pod);
      byUid.delete(uid);
      rejected.delete(uid);
      if (workers.has(uid)) workers.remove({ uid, name: pod.metadata.name, namespace: pod.metadata.namespace ?? '' });
      else status.forget(uid);
    };
    // Pods that already run come first, so that nobody new takes the room they have.
    const initial = [...pods.pods()].sort(
      (a, b) => Number(b.status?.startTime !== undefined) - Number(a.status?.startTime !== undefined),
    );
    for (const pod of initial) accept(pod);
    for (const orphan of pleg.pods()) if (!byUid.has(orphan.uid)) workers.remove(orphan);
    for (const uid of real ? await volumes.podsOnDisk() : []) {
      if (!byUid.has(uid) && !workers.has(uid)) workers.remove({ uid, name: '', namespace: '' });
    }
    workers.start(stop.signal);
    status.start(stop.signal);
    const rotator = new LogRotator({ root: join(dataDir, 'logs', 'pods'), runtime: runtimeService, clock, logger });
    this.#running = Promise.all([
      pleg.run(stop.signal),
      reporter.run(stop.signal),
      ...(real ? [rotator.run(stop.signal)] : []),
    ]);
  }

  /** Lets go of everything; containers keep running. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#probes?.stop();
    this.#stop?.abort(new Error('the kubelet is stopping'));
    await this.#server?.close();
    await this.#running;
  }

  #runtimeChanged(pod: PodIdentity, pods: PodSource, byUid: ReadonlyMap<string, Pod>): void {
    const workers = this.#workers;
    // Before its own first look at the API a kubelet cannot tell who is wanted.
    if (workers === undefined || this.#unsubscribe === undefined) return;
    if (workers.has(pod.uid)) {
      workers.wake(pod.uid);
      return;
    }
    const inApi = byUid.has(pod.uid) || pods.get(`${pod.namespace}/${pod.name}`)?.metadata.uid === pod.uid;
    if (!inApi) workers.remove(pod);
  }

  /** Why a new pod may not run here, or undefined. */
  #refusal(
    pod: Pod,
    byUid: ReadonlyMap<string, Pod>,
    reporter: NodeReporter,
    status: StatusManager,
    pleg: Pleg,
  ): PodFailure | undefined {
    const ends = pod.metadata.deletionTimestamp !== undefined || isTerminalPhase(pod.status?.phase);
    const runs = pleg.pods().some((each) => each.uid === uidOf(pod));
    if (ends || runs) return undefined;
    const others = [...byUid.values()].filter(
      (each) => uidOf(each) !== uidOf(pod) && !isTerminalPhase(status.get(each)?.phase),
    );
    const node = reporter.node ?? { metadata: { name: this.#options.nodeName }, spec: {} };
    return admitPod(pod, node, others, reporter.allocatable());
  }

  #reject(pod: Pod, failure: PodFailure, status: StatusManager, event: PodEvent): void {
    event(pod, undefined, 'Warning', failure.reason, failure.message.replace('Pod was rejected: ', ''));
    this.#options.logger.info('a pod was rejected', { pod: keyOf(pod), ...failure });
    status.set(pod, {
      ...pod.status,
      phase: 'Failed',
      reason: failure.reason,
      message: failure.message,
      startTime: pod.status?.startTime ?? formatTime(this.#options.clock.now()),
    });
  }
}
