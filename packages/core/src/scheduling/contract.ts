import type { Node, Pod } from '../api/index.ts';
import { tokenList } from '../plugin/index.ts';
import type { CycleState } from './cycle-state.ts';
import type { NodeInfo, PodInfo, SchedulingSnapshot } from './model.ts';

/**
 * What a moment of a plugin may answer. `undefined` is success; a bare string is `unschedulable` with that reason.
 * - `unschedulable`: this node (or no node) now; removing other pods may help, so preemption tries.
 * - `unresolvable`: removing pods cannot help (Kubernetes: UnschedulableAndUnresolvable).
 * - `skip`: this plugin has nothing to say about this pod; its later moments of the same kind are not called.
 * - `wait`: only from `permit`.
 */
export type SchedulingStatus =
  | undefined
  | string
  | { readonly code: 'unschedulable' | 'unresolvable'; readonly reasons: readonly string[] }
  | { readonly code: 'skip' }
  | { readonly code: 'error'; readonly error: Error };

/** `wait` holds the pod back until `decision` resolves (undefined: allowed). */
export type PermitStatus = SchedulingStatus | { readonly code: 'wait'; readonly decision: Promise<SchedulingStatus> };

/** What happened in the cluster. Actions of one object's update are reported one by one. */
export type ClusterEventKind =
  | 'NodeAdded'
  | 'NodeDeleted'
  | 'NodeAllocatableChanged'
  | 'NodeLabelsChanged'
  | 'NodeTaintsChanged'
  | 'NodeChanged'
  | 'AssignedPodAdded'
  | 'AssignedPodChanged'
  | 'AssignedPodDeleted'
  | 'PodChanged'
  | 'NamespaceChanged'
  | 'PersistentVolumeChanged'
  | 'PersistentVolumeClaimChanged'
  | 'StorageClassChanged'
  | 'CsiNodeChanged';

/** A change in the cluster that may make room for a pod that had none. */
export interface ClusterEvent {
  readonly kind: ClusterEventKind;
  readonly object: { readonly metadata: { readonly name: string; readonly namespace?: string } };
  readonly node?: Node;
  readonly pod?: Pod;
}

/** One queueing hint: after one of these events a pod that the plugin rejected may have become schedulable. */
export interface EventRegistration {
  readonly on: readonly ClusterEventKind[];
  /** Whether this very event may help this very pod; without it, every such event does. */
  helps?(pod: Pod, event: ClusterEvent): boolean;
}

/** What `preFilter` may answer besides a status: only these nodes come into question. */
export interface PreFilterNodes {
  readonly code: 'nodes';
  readonly names: ReadonlySet<string>;
}

/** What a plugin could do for a pod that fits no node. */
export interface PostFilterResult {
  /** The node that has been (or is being) made free for the pod. */
  readonly nominatedNode?: string;
  readonly reasons: readonly string[];
  /** Nothing that later plugins could say matters. */
  readonly stop?: boolean;
}

/** Why each node was refused, for `postFilter`. */
export interface FilterOutcome {
  readonly snapshot: SchedulingSnapshot;
  readonly statusByNode: ReadonlyMap<string, Exclude<SchedulingStatus, undefined>>;
  /** Runs all filters again on a node as it might be, with the state as changed by `addPod` and `removePod`. */
  check(node: NodeInfo, state: CycleState): SchedulingStatus;
  /** The node with pods added and removed, and a copy of the state adjusted by every plugin. */
  simulate(
    node: NodeInfo,
    state: CycleState,
    change: { readonly remove?: readonly PodInfo[]; readonly add?: readonly PodInfo[] },
  ): { readonly node: NodeInfo; readonly state: CycleState };
}

/**
 * A part of the scheduling decision, named after Kubernetes' scheduling framework (KEP-624). Every moment is optional;
 * the smallest plugin is a name and a `filter`:
 *
 * ```ts
 * const sameRack: SchedulerPlugin = {
 *   name: 'SameRack',
 *   filter: (pod, node) =>
 *     node.node.metadata.labels?.rack === pod.metadata.labels?.rack ? undefined : 'node(s) were in another rack',
 * };
 * ```
 *
 * Moments up to `reserve` are synchronous and read only the snapshot: one cycle decides on one consistent picture.
 * From `permit` on they may wait; the next pod is being scheduled meanwhile. Order of calls for one pod: preEnqueue,
 * preFilter, filter (each node), postFilter (only if no node is left), preScore, score (each node left), normalize,
 * reserve, permit, preBind, bind, postBind; `unreserve` in reverse order if something after `reserve` failed.
 */
export interface SchedulerPlugin {
  /** Unique; the later of two plugins with one name replaces the earlier. */
  readonly name: string;
  /** Default weight of the scores, 1. */
  readonly weight?: number;
  /** A status holds the pod out of the queue until the pod itself changes. */
  preEnqueue?(pod: Pod): SchedulingStatus;
  /** Negative if `a` is to be scheduled first. The last plugin that has it decides for the whole queue. */
  queueSort?(a: QueuedPod, b: QueuedPod): number;
  preFilter?(pod: Pod, state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus | PreFilterNodes;
  /** Adjusts what `preFilter` stored for a pod that is supposed to be on `node` as well. */
  addPod?(pod: Pod, added: PodInfo, node: NodeInfo, state: CycleState): void;
  removePod?(pod: Pod, removed: PodInfo, node: NodeInfo, state: CycleState): void;
  filter?(pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus;
  postFilter?(pod: Pod, state: CycleState, outcome: FilterOutcome, signal: AbortSignal): Promise<PostFilterResult>;
  preScore?(pod: Pod, nodes: readonly NodeInfo[], state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus;
  /** 0 to 100, or any number if the plugin has `normalize`. */
  score?(pod: Pod, node: NodeInfo, state: CycleState): number;
  /** Brings the scores (one for each node left, in the same order) to 0..100 in place. */
  normalize?(pod: Pod, scores: Float64Array, nodes: readonly NodeInfo[], state: CycleState): void;
  reserve?(pod: Pod, nodeName: string, state: CycleState): SchedulingStatus;
  unreserve?(pod: Pod, nodeName: string, state: CycleState): void;
  permit?(pod: Pod, nodeName: string, state: CycleState): PermitStatus;
  preBind?(pod: Pod, nodeName: string, state: CycleState, signal: AbortSignal): Promise<SchedulingStatus>;
  /** `skip` leaves the binding to the next plugin. */
  bind?(pod: Pod, nodeName: string, state: CycleState, signal: AbortSignal): Promise<SchedulingStatus>;
  postBind?(pod: Pod, nodeName: string, state: CycleState): void;
  /** Queueing hints. Without them, every event puts a pod that this plugin rejected back into the queue. */
  eventsToRegister?(): readonly EventRegistration[];
}

/** A pod that waits for a node. */
export interface QueuedPod {
  readonly pod: Pod;
  readonly priority: number;
  /** Milliseconds since the epoch when the pod was first queued. */
  readonly queuedAt: number;
  /** Total order of arrival. */
  readonly sequence: number;
}

/** Everything that takes part in scheduling, in the order in which it is asked. */
export const SchedulerPlugins = tokenList<SchedulerPlugin>('SchedulerPlugins');
