import {
  type Client,
  type Clock,
  type Controller,
  type Informers,
  isStatusError,
  type Logger,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  timestamp,
  watch,
} from '@keelson/core';
import { isFinished, oldestBeyond } from './collectable.ts';

export interface PodGarbageCollectorOptions {
  /** How many finished pods are kept; 0: any number. */
  readonly terminatedPodThreshold: number;
}

/** One key for each kind of work: `node/<name>` for the pods of a node, and this for finished pods. */
const finishedPods = 'finished-pods';
const byNode = 'pod-garbage-collector/node';
/** A node must have been gone for this long before its pods are. */
const quarantineMs = 40_000;
const sweepMs = 20_000;

/** Deletes pods that nobody would delete otherwise: on nodes that are gone, finished ones beyond a number, and never bound ones. */
export class PodGarbageCollectorController implements Controller {
  readonly name = 'pod-garbage-collector';
  readonly watches;
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly threshold: number;
  private readonly nodes;
  private readonly pods;
  private readonly goneSince = new Map<string, number>();

  constructor(
    client: Client,
    informers: Informers,
    clock: Clock,
    logger: Logger,
    options: PodGarbageCollectorOptions = { terminatedPodThreshold: 12_500 },
  ) {
    this.client = client;
    this.clock = clock;
    this.logger = logger;
    this.threshold = options.terminatedPodThreshold;
    this.nodes = informers.for(Node);
    this.pods = informers.for(Pod);
    this.pods.addIndex(byNode, (pod) => [pod.spec?.nodeName ?? '']);
    this.watches = [
      watch(this.nodes).map((node) => [`node/${node.metadata.name}`]),
      watch(this.pods).map((pod) => {
        const keys = isFinished(pod) ? [finishedPods] : [];
        const nodeName = pod.spec?.nodeName ?? '';
        const stranded =
          nodeName === '' ? pod.metadata.deletionTimestamp !== undefined : !this.nodes.lister.get(nodeName);
        return stranded ? [...keys, `node/${nodeName}`] : keys;
      }),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    if (key === finishedPods) return this.collectFinished(signal);
    const nodeName = key.slice('node/'.length);
    return nodeName === '' ? this.collectNeverBound(signal) : this.collectOrphaned(nodeName, signal);
  }

  private async collectFinished(signal: AbortSignal): Promise<ReconcileResult> {
    if (this.threshold <= 0) return undefined;
    const finished = this.pods.lister.list().filter((pod) => isFinished(pod) && !pod.metadata.deletionTimestamp);
    for (const pod of oldestBeyond(finished, this.threshold)) await this.remove(pod, undefined, signal);
    // Every pod that finishes brings this key: once in a while is enough.
    return finished.length > this.threshold ? { requeueAfter: sweepMs } : undefined;
  }

  /** A pod that was deleted before it had a node has no kubelet to finish its deletion. */
  private async collectNeverBound(signal: AbortSignal): Promise<ReconcileResult> {
    for (const pod of this.pods.lister.by(byNode, '')) {
      if (pod.metadata.deletionTimestamp) await this.remove(pod, undefined, signal);
    }
    return undefined;
  }

  private async collectOrphaned(nodeName: string, signal: AbortSignal): Promise<ReconcileResult> {
    const pods = this.pods.lister.by(byNode, nodeName);
    if (this.nodes.lister.get(nodeName) || pods.length === 0) {
      this.goneSince.delete(nodeName);
      return undefined;
    }
    const now = this.clock.now();
    const since = this.goneSince.get(nodeName) ?? now;
    this.goneSince.set(nodeName, since);
    if (now - since < quarantineMs) return { requeueAfter: quarantineMs - (now - since) };
    // The cache may be late: only a live answer counts before pods are deleted by force.
    if (await this.nodeExists(nodeName, signal)) return { requeueAfter: sweepMs };
    for (const pod of pods) await this.remove(pod, nodeName, signal);
    return { requeueAfter: sweepMs };
  }

  private async nodeExists(name: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.client.get(Node, { name }, { signal });
      return true;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return false;
      throw error;
    }
  }

  private async remove(pod: Pod, goneNode: string | undefined, signal: AbortSignal): Promise<void> {
    this.logger.info('collecting a pod', { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, goneNode });
    try {
      if (!isFinished(pod)) await this.markFailed(pod, goneNode, signal);
      await this.client.delete(Pod, pod.metadata, {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
        signal,
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  private async markFailed(pod: Pod, goneNode: string | undefined, signal: AbortSignal): Promise<void> {
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
      observedGeneration: pod.metadata.generation,
      lastTransitionTime: timestamp(this.clock),
    };
    const status = { phase: 'Failed', ...(goneNode !== undefined && { conditions: [condition] }) };
    const patch = { strategic: { metadata: { uid: pod.metadata.uid }, status } };
    await this.client.patch(Pod, pod.metadata, patch, { subresource: 'status', signal });
  }
}
