import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type Client,
  type Clock,
  CSINode,
  type EventRecorder,
  type Informer,
  type InformerEvent,
  type Informers,
  isStatusError,
  type KubernetesObject,
  keyOf,
  type Leadership,
  type Lifecycle,
  type Logger,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  type Random,
  StorageClass,
} from '@keelson/core';
import {
  type ClusterEvent,
  type ClusterEventKind,
  CycleState,
  type SchedulerPlugin,
  type SchedulingStatus,
} from '@keelson/core/scheduling';
import type { Subscription } from 'rxjs';
import { PodInfoFactory } from './cache/pod-info.ts';
import { SchedulerCache } from './cache/scheduler-cache.ts';
import { isFinished, nodeChanges, podNeedsChanged } from './cluster-events.ts';
import { type Diagnosis, unschedulableMessage } from './framework/diagnosis.ts';
import { SchedulingFramework } from './framework/framework.ts';
import { PodScheduler } from './framework/schedule-pod.ts';
import { reasonsOf } from './framework/status.ts';
import { Nominator } from './nominator.ts';
import type { SchedulerOptions } from './options.ts';
import { type QueueEntry, SchedulingQueue } from './queue/scheduling-queue.ts';
import { unscheduledPatch } from './unscheduled-patch.ts';

export interface SchedulerServices {
  readonly client: Client;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Who may schedule, where several processes run one scheduler; default: this one. */
  readonly leadership?: Leadership;
}

/** Pods that are being bound, or whose failure is being written, at once. */
const inFlightLimit = 256;
/** Milliseconds after which the loop lets others have a turn. */
const turnAfter = 8;

/** Finds a node for every pod that names this scheduler; one decision at a time, many bindings at once. */
export class Scheduler implements Lifecycle {
  readonly name = 'scheduler';
  readonly phase = 'scheduler';
  readonly queue: SchedulingQueue;
  readonly cache = new SchedulerCache();
  private readonly services: SchedulerServices;
  private readonly profile: string;
  private readonly recorder: EventRecorder;
  private readonly framework: SchedulingFramework;
  private readonly podScheduler: PodScheduler;
  private readonly nominator = new Nominator();
  private readonly pods: Informer<Pod>;
  private readonly namespaces: Informer<Namespace>;
  private readonly podInfos: PodInfoFactory;
  private readonly subscriptions: Subscription[] = [];
  private readonly stopping = new AbortController();
  private readonly inFlight = new Set<Promise<void>>();
  /** Conditions that are being written, by pod: a binding that comes after must not be overtaken by one. */
  private readonly statusWrites = new Map<string, Promise<void>>();
  private roomAgain: (() => void) | undefined;
  private loop: Promise<void> | undefined;
  /** Aborted when pods are no longer placed by this process. */
  private acting: AbortSignal = this.stopping.signal;

  constructor(services: SchedulerServices, plugins: readonly SchedulerPlugin[], options: SchedulerOptions) {
    this.services = services;
    this.profile = options.schedulerName;
    this.recorder = services.recorder.as(options.schedulerName);
    this.framework = new SchedulingFramework(plugins, { disabled: options.disabled, weights: options.weights });
    this.podScheduler = new PodScheduler(this.framework, {
      random: services.random,
      percentageOfNodesToScore: options.percentageOfNodesToScore,
      nominated: this.nominator.expected,
    });
    this.pods = services.informers.for(Pod);
    this.namespaces = services.informers.for(Namespace);
    this.podInfos = new PodInfoFactory((name) => this.namespaces.lister.get(name)?.metadata.labels);
    this.queue = new SchedulingQueue({
      clock: services.clock,
      compare: (a, b) => this.framework.compare(a, b),
      gate: (pod) => this.framework.gate(pod),
      helps: (entry, event) => this.framework.helps(entry.pod, entry.rejectedBy, event),
    });
  }

  /** Does not wait for the caches: the API server may be away for as long as it likes. */
  async start(): Promise<void> {
    setMaxListeners(4 * inFlightLimit, this.stopping.signal);
    this.loop = this.begin();
  }

  private async begin(): Promise<void> {
    const { signal } = this.stopping;
    const nodes = this.services.informers.for(Node);
    try {
      await Promise.all([nodes, this.namespaces, this.pods].map((each) => each.waitForSync(signal)));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (signal.aborted) return;
    for (const node of nodes.lister.list()) this.cache.setNode(node);
    for (const pod of this.pods.lister.list()) this.onPod(pod, undefined);
    this.subscriptions.push(
      nodes.events$.subscribe((event) => this.onNodeEvent(event)),
      this.pods.events$.subscribe((event) => this.onPodEvent(event)),
      this.namespaces.events$.subscribe((event) => {
        this.cache.namespaceChanged();
        this.queue.event({ kind: 'NamespaceChanged', object: event.object });
      }),
      this.forward(this.services.informers.for(PersistentVolume), 'PersistentVolumeChanged'),
      this.forward(this.services.informers.for(PersistentVolumeClaim), 'PersistentVolumeClaimChanged'),
      this.forward(this.services.informers.for(StorageClass), 'StorageClassChanged'),
      this.forward(this.services.informers.for(CSINode), 'CsiNodeChanged'),
    );
    await this.lead();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the scheduler is stopping'));
    for (const each of this.subscriptions) each.unsubscribe();
    this.queue.close();
    await this.loop;
    await Promise.allSettled(this.inFlight);
  }

  private forward<T extends KubernetesObject>(informer: Informer<T>, kind: ClusterEventKind): Subscription {
    return informer.events$.subscribe(({ object }) => this.queue.event({ kind, object }));
  }

  /** Cache and queue are kept up all the time; pods are placed while this process leads. */
  private async lead(): Promise<void> {
    const { signal } = this.stopping;
    const { leadership } = this.services;
    if (!leadership) return this.run(signal);
    while (!signal.aborted) {
      const lost = await leadership.lead(signal).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      if (!lost) return;
      const term = AbortSignal.any([signal, lost]);
      setMaxListeners(4 * inFlightLimit, term);
      await this.run(term);
    }
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.services;
    this.acting = signal;
    let turnEnds = clock.now() + turnAfter;
    while (!signal.aborted) {
      let entry = this.queue.takeNow();
      if (!entry) {
        entry = await this.queue.take(signal).catch((error: unknown) => {
          if (signal.aborted) return undefined;
          throw error;
        });
        if (!entry) return;
        turnEnds = clock.now() + turnAfter;
      }
      try {
        await this.scheduleOne(entry, signal);
      } catch (error) {
        logger.error('scheduling a pod failed', { pod: entry.key, error });
        this.queue.putBack(entry, new Set());
      }
      if (clock.now() >= turnEnds) {
        await turn();
        turnEnds = clock.now() + turnAfter;
      }
    }
  }

  private async scheduleOne(entry: QueueEntry, signal: AbortSignal): Promise<void> {
    const { pod } = entry;
    if (pod.metadata.deletionTimestamp !== undefined || this.cache.nodeOf(entry.key) !== undefined) {
      this.queue.done(entry.key);
      return;
    }
    const state = new CycleState(this.podInfos.make(pod));
    const snapshot = this.cache.refresh();
    if (snapshot.nodes.length === 0) {
      await this.unschedulable(entry, 'no nodes available to schedule pods', new Set(['NodeName']), undefined);
      return;
    }
    const result = this.podScheduler.schedule(state, snapshot);
    if (result.error) {
      await this.broken(entry, result.error);
    } else if (result.diagnosis) {
      await this.notPlaced(entry, state, result.diagnosis, signal);
    } else {
      this.cache.assume(state.podInfo, result.nodeName);
      this.nominator.delete(entry.key);
      const { status, plugin } = this.framework.reserve(state, result.nodeName);
      if (status !== undefined) await this.refused(entry, status, plugin);
      else await this.inBackground(this.bind(entry, state, result.nodeName, signal));
    }
  }

  private async notPlaced(entry: QueueEntry, state: CycleState, diagnosis: Diagnosis, signal: AbortSignal) {
    const post = await this.framework.postFilter(state, diagnosis, this.cache, signal);
    const rejectedBy = new Set(diagnosis.rejectedBy);
    if (post.nominatedNode !== undefined) {
      this.nominator.set(state.podInfo, post.nominatedNode);
      rejectedBy.add('DefaultPreemption');
    }
    await this.unschedulable(entry, unschedulableMessage(diagnosis, post.reasons), rejectedBy, post.nominatedNode);
  }

  private async bind(entry: QueueEntry, state: CycleState, nodeName: string, signal: AbortSignal): Promise<void> {
    await this.statusWrites.get(entry.key);
    const { status, plugin } = await this.framework.bind(state, nodeName, signal);
    if (status === undefined) {
      this.queue.done(entry.key);
      const message = `Successfully assigned ${entry.key} to ${nodeName}`;
      this.recorder.event(Pod, entry.pod, 'Normal', 'Scheduled', message, { action: 'Binding' });
      return;
    }
    this.framework.unreserve(state, nodeName);
    await this.refused(entry, status, plugin);
  }

  /** A pod that had been assumed stays without a node: what it held is free for others. */
  private async refused(entry: QueueEntry, status: Exclude<SchedulingStatus, undefined>, plugin: string) {
    if (this.cache.isAssumed(entry.key)) {
      this.cache.remove(entry.key);
      this.queue.event({ kind: 'AssignedPodDeleted', object: entry.pod, pod: entry.pod });
    }
    if (typeof status === 'object' && status.code === 'error') {
      await this.broken(entry, status.error);
    } else {
      const nodeCount = this.cache.nodes.length;
      const message = `0/${nodeCount} nodes are available: 1 ${reasonsOf(status).join(', ')}.`;
      await this.unschedulable(entry, message, new Set([plugin]), undefined);
    }
  }

  private async broken(entry: QueueEntry, error: Error): Promise<void> {
    if (this.stopping.signal.aborted) return;
    if (!this.acting.aborted)
      this.services.logger.warn('a pod could not be scheduled', { pod: entry.key, error: error.message });
    await this.report(entry, 'SchedulerError', error.message, new Set(), undefined);
  }

  private unschedulable(
    entry: QueueEntry,
    message: string,
    rejectedBy: ReadonlySet<string>,
    nominatedNode: string | undefined,
  ): Promise<void> {
    return this.report(entry, 'Unschedulable', message, rejectedBy, nominatedNode);
  }

  /** Back to the queue, and the reason to the event and the condition. */
  private async report(
    entry: QueueEntry,
    reason: 'Unschedulable' | 'SchedulerError',
    message: string,
    rejectedBy: ReadonlySet<string>,
    nominatedNode: string | undefined,
  ): Promise<void> {
    const current = this.pods.lister.get(entry.key);
    if (!current || current.metadata.uid !== entry.pod.metadata.uid || current.spec?.nodeName) {
      this.queue.done(entry.key);
      return;
    }
    this.queue.putBack({ ...entry, pod: current }, rejectedBy);
    if (this.acting.aborted) return;
    this.recorder.event(Pod, current, 'Warning', 'FailedScheduling', message, { action: 'Scheduling' });
    const patch = unscheduledPatch(current, reason, message, nominatedNode, this.services.clock);
    if (!patch) return;
    const before = this.statusWrites.get(entry.key);
    const write = Promise.resolve(before).then(() => this.writeStatus(current, patch));
    const last = write.finally(() => {
      if (this.statusWrites.get(entry.key) === last) this.statusWrites.delete(entry.key);
    });
    this.statusWrites.set(entry.key, last);
    await this.inBackground(last);
  }

  private async writeStatus(pod: Pod, patch: unknown): Promise<void> {
    const signal = this.acting;
    try {
      await this.services.client.patch(Pod, pod.metadata, { strategic: patch }, { subresource: 'status', signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound', 'Conflict') || signal.aborted) return;
      this.services.logger.warn('the condition of a pod could not be written', { pod: keyOf(pod), error });
    }
  }

  /** Goes on at once, unless too much is under way already. */
  private async inBackground(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((error: unknown) => this.services.logger.error('binding failed', { error }))
      .finally(() => {
        this.inFlight.delete(tracked);
        this.roomAgain?.();
      });
    this.inFlight.add(tracked);
    while (this.inFlight.size >= inFlightLimit) {
      await new Promise<void>((resolve) => {
        this.roomAgain = resolve;
      });
    }
  }

  private onNodeEvent(event: InformerEvent<Node>): void {
    const node = event.object;
    if (event.type === 'deleted') {
      this.cache.removeNode(node.metadata.name);
      this.queue.event({ kind: 'NodeDeleted', object: node, node });
      return;
    }
    this.cache.setNode(node);
    const events: readonly ClusterEvent[] =
      event.type === 'added' ? [{ kind: 'NodeAdded', object: node, node }] : nodeChanges(event.previous, node);
    for (const each of events) this.queue.event(each);
  }

  private onPodEvent(event: InformerEvent<Pod>): void {
    if (event.type === 'deleted') {
      this.onPodGone(event.object);
    } else if (event.type === 'updated' && event.previous.metadata.uid !== event.object.metadata.uid) {
      this.onPodGone(event.previous);
      this.onPod(event.object, undefined);
    } else {
      this.onPod(event.object, event.type === 'updated' ? event.previous : undefined);
    }
  }

  private onPodGone(pod: Pod): void {
    const key = keyOf(pod);
    this.queue.delete(key);
    const promised = this.nominator.delete(key);
    const known = this.cache.remove(key);
    if (known || promised) this.queue.event({ kind: 'AssignedPodDeleted', object: pod, pod: known?.pod ?? pod });
  }

  private onPod(pod: Pod, previous: Pod | undefined): void {
    const key = keyOf(pod);
    const nodeName = pod.spec?.nodeName;
    if (isFinished(pod)) {
      this.onPodGone(pod);
    } else if (nodeName) {
      this.onAssigned(key, pod, nodeName, previous);
    } else if (pod.metadata.deletionTimestamp !== undefined) {
      this.queue.delete(key);
    } else if ((pod.spec?.schedulerName ?? 'default-scheduler') === this.profile && !this.cache.isAssumed(key)) {
      this.queue.set(pod);
      const nominated = pod.status?.nominatedNodeName;
      if (nominated) this.nominator.set(this.podInfos.make(pod), nominated);
    }
  }

  private onAssigned(key: string, pod: Pod, nodeName: string, previous: Pod | undefined): void {
    this.nominator.delete(key);
    const before = this.cache.pod(key);
    const sameNeeds = before && this.cache.nodeOf(key) === nodeName && !podNeedsChanged(before, pod);
    const wasAssumed = this.cache.isAssumed(key);
    if (sameNeeds) this.cache.replacePod(key, pod);
    else this.cache.confirm(this.podInfos.make(pod), nodeName);
    if (!previous?.spec?.nodeName) {
      if (!wasAssumed) this.queue.delete(key);
      this.queue.event({ kind: 'AssignedPodAdded', object: pod, pod });
    } else if (!sameNeeds) {
      this.queue.event({ kind: 'AssignedPodChanged', object: pod, pod });
    }
  }
}
