export {
  type ClusterEvent,
  type ClusterEventKind,
  type EventRegistration,
  type FilterOutcome,
  type PermitStatus,
  type PostFilterResult,
  type PreFilterNodes,
  type QueuedPod,
  type SchedulerPlugin,
  SchedulerPlugins,
  type SchedulingStatus,
} from './contract.ts';
export { CycleState, type StateKey, stateKey } from './cycle-state.ts';
export type {
  AffinityTerm,
  ExistingTerm,
  HostPort,
  NodeInfo,
  NodeMatcher,
  PodAffinityTerms,
  PodInfo,
  PodQuery,
  ResourceAmounts,
  SchedulingSnapshot,
} from './model.ts';
