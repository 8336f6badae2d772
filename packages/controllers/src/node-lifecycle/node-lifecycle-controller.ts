import {
  type Client,
  type Clock,
  type Controller,
  type EventRecorder,
  type Informers,
  isStatusError,
  Lease,
  Node,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  timestamp,
  watch,
  wellKnown,
} from '@keelson/core';
import { byNode, nodeOfPod } from './pods-by-node.ts';
import { desiredTaints, sameTaints } from './taints.ts';
import { readyStatus, unknownConditions } from './unknown-conditions.ts';

export interface NodeLifecycleOptions {
  /** Seconds that a kubelet may be silent. */
  readonly nodeMonitorGracePeriodSeconds: number;
}

interface Observation {
  /** What the kubelet said last, and when we saw it: only our own clock is compared with our own clock. */
  readonly heartbeat: string;
  readonly seenAt: number;
}

/** Watches the pulse of nodes: silent ones become Unknown, conditions become taints, pods of lost nodes become not ready. */
export class NodeLifecycleController implements Controller {
  readonly name = 'node-lifecycle';
  readonly watches;
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly recorder: EventRecorder;
  private readonly graceMs: number;
  private readonly nodes;
  private readonly leases;
  private readonly pods;
  private readonly observed = new Map<string, Observation>();
  private readonly announced = new Map<string, Node>();
  private readonly lastReady = new Map<string, boolean>();

  constructor(
    client: Client,
    informers: Informers,
    recorder: EventRecorder,
    clock: Clock,
    options: NodeLifecycleOptions = { nodeMonitorGracePeriodSeconds: 50 },
  ) {
    this.client = client;
    this.clock = clock;
    this.recorder = recorder.as('node-controller');
    this.graceMs = options.nodeMonitorGracePeriodSeconds * 1000;
    this.nodes = informers.for(Node);
    this.leases = informers.for(Lease, { namespace: wellKnown.nodeLeaseNamespace });
    this.pods = informers.for(Pod);
    this.pods.addIndex(byNode, nodeOfPod);
    this.watches = [
      watch(this.nodes).self(),
      watch(this.nodes)
        .filter((node, event) => event.type !== 'updated' || readyStatus(node) !== readyStatus(event.previous))
        .map(() => this.nodes.lister.list().map((each) => each.metadata.name)),
      watch(this.leases).map((lease) => [lease.metadata.name]),
      watch(this.pods).map(() => []),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const node = this.nodes.lister.get(key);
    if (!node) return this.forget(key);
    if (this.announced.get(key)?.metadata.uid !== node.metadata.uid) {
      this.announced.set(key, node);
      this.recorder.event(
        Node,
        node,
        'Normal',
        'RegisteredNode',
        `Node ${key} event: Registered Node ${key} in Controller`,
      );
    }
    const silentFor = this.clock.now() - this.observe(node).seenAt;
    const silent = silentFor >= this.graceMs;
    const current = silent ? await this.markUnknown(node, signal) : node;
    await this.taint(current, signal);
    await this.followReadiness(current, signal);
    return silent ? undefined : { requeueAfter: this.graceMs - silentFor };
  }

  private forget(key: ObjectKey): undefined {
    const node = this.announced.get(key);
    if (node) {
      const message = `Node ${key} event: Removing Node ${key} from Controller`;
      this.recorder.event(Node, node, 'Normal', 'RemovingNode', message);
    }
    for (const each of [this.announced, this.observed, this.lastReady]) each.delete(key);
    return undefined;
  }

  /** A new lease or a new heartbeat is a sign of life. */
  private observe(node: Node): Observation {
    const { name } = node.metadata;
    const lease = this.leases.lister.get(`${wellKnown.nodeLeaseNamespace}/${name}`);
    const heartbeat = `${node.metadata.uid} ${lease?.spec?.renewTime} ${
      node.status?.conditions?.find((each) => each.type === 'Ready' && each.status !== 'Unknown')?.lastHeartbeatTime
    }`;
    const before = this.observed.get(name);
    if (before?.heartbeat === heartbeat) return before;
    const isOwnEcho = before !== undefined && readyStatus(node) === 'Unknown' && sameLease(before.heartbeat, heartbeat);
    const observation = { heartbeat, seenAt: isOwnEcho ? before.seenAt : this.clock.now() };
    this.observed.set(name, observation);
    return observation;
  }

  private async markUnknown(node: Node, signal: AbortSignal): Promise<Node> {
    const conditions = unknownConditions(node, timestamp(this.clock));
    if (!conditions) return node;
    return this.client.updateStatus(Node, { ...node, status: { ...node.status, conditions } }, { signal });
  }

  private async taint(node: Node, signal: AbortSignal): Promise<void> {
    const anyReady = this.nodes.lister.list().some((each) => readyStatus(each) === 'True');
    const taints = desiredTaints(node, { evict: anyReady, now: timestamp(this.clock) });
    if (sameTaints(taints, node.spec?.taints ?? [])) return;
    const { resourceVersion } = node.metadata;
    await this.client.patch(
      Node,
      node.metadata,
      { merge: { metadata: { resourceVersion }, spec: { taints } } },
      { signal },
    );
  }

  /** When a node stops being ready, so do its pods, once: a kubelet that is alive may say otherwise afterwards. */
  private async followReadiness(node: Node, signal: AbortSignal): Promise<void> {
    const { name } = node.metadata;
    const ready = readyStatus(node) === 'True';
    if (ready || readyStatus(node) === undefined) {
      this.lastReady.set(name, ready);
      return;
    }
    if (this.lastReady.get(name) === false) return;
    this.recorder.event(Node, node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    for (const pod of this.pods.lister.by(byNode, name)) await this.markNotReady(pod, signal);
    this.lastReady.set(name, false);
  }

  private async markNotReady(pod: Pod, signal: AbortSignal): Promise<void> {
    const condition = pod.status?.conditions?.find((each) => each.type === 'Ready');
    if (condition?.status !== 'True') return;
    const next = { ...condition, status: 'False', lastTransitionTime: timestamp(this.clock) };
    const patch = { strategic: { metadata: { uid: pod.metadata.uid }, status: { conditions: [next] } } };
    try {
      await this.client.patch(Pod, pod.metadata, patch, { subresource: 'status', signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound', 'Conflict')) return;
      throw error;
    }
    this.recorder.event(Pod, pod, 'Warning', 'NodeNotReady', 'Node is not ready');
  }
}

/** Whether two heartbeats differ in the status alone, which we have just written ourselves. */
function sameLease(before: string, after: string): boolean {
  return before.split(' ', 2).join() === after.split(' ', 2).join();
}
