import {
  type Client,
  type Clock,
  type Controller,
  type EventRecorder,
  type Informers,
  isStatusError,
  keyOf,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  timestamp,
  watch,
} from '@keelson/core';
import { byNode, nodeOfPod } from './pods-by-node.ts';
import { leavesAt } from './toleration-time.ts';

const evicting = (node: Node | undefined) => node?.spec?.taints?.filter((taint) => taint.effect === 'NoExecute') ?? [];

/** Deletes pods from nodes with NoExecute taints, as soon as their tolerations end. */
export class TaintEvictionController implements Controller {
  readonly name = 'taint-eviction';
  readonly watches;
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly recorder: EventRecorder;
  private readonly nodes;
  private readonly pods;
  /** Pods whose deletion has been foreseen: to say so if it does not come. */
  private readonly foreseen = new Set<ObjectKey>();

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.client = client;
    this.clock = clock;
    this.recorder = recorder.as('taint-eviction-controller');
    this.nodes = informers.for(Node);
    this.pods = informers.for(Pod);
    this.pods.addIndex(byNode, nodeOfPod);
    this.watches = [
      watch(this.pods)
        .filter(
          (pod) =>
            evicting(this.nodes.lister.get(pod.spec?.nodeName ?? '')).length > 0 || this.foreseen.has(keyOf(pod)),
        )
        .self(),
      watch(this.nodes)
        .filter(
          (node, event) =>
            evicting(node).length > 0 || (event.type === 'updated' && evicting(event.previous).length > 0),
        )
        .map((node) => this.pods.lister.by(byNode, node.metadata.name).map(keyOf)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const pod = this.pods.lister.get(key);
    if (!pod || pod.metadata.deletionTimestamp || !pod.spec?.nodeName) {
      this.foreseen.delete(key);
      return undefined;
    }
    const now = this.clock.now();
    const at = leavesAt(pod, evicting(this.nodes.lister.get(pod.spec.nodeName)), now);
    if (at === undefined) {
      if (this.foreseen.delete(key)) {
        this.recorder.event(Pod, pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
      }
      return undefined;
    }
    this.foreseen.add(key);
    if (at > now) return { requeueAfter: at - now };
    await this.evict(key, pod, signal);
    return undefined;
  }

  private async evict(key: ObjectKey, pod: Pod, signal: AbortSignal): Promise<void> {
    this.recorder.event(Pod, pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      observedGeneration: pod.metadata.generation,
      lastTransitionTime: timestamp(this.clock),
    };
    const patch = { strategic: { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } } };
    try {
      await this.client.patch(Pod, pod.metadata, patch, { subresource: 'status', signal });
      await this.client.delete(Pod, pod.metadata, { preconditions: { uid: pod.metadata.uid }, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
    }
    this.foreseen.delete(key);
  }
}
