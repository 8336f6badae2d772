export { compareForDeletion, type RankedPod, rankForDeletion } from './deletion-rank.ts';
export { Expectations } from './expectations.ts';
export { addOwnerIndexes, controlledBy, mayBecomeOwned, orphansFor } from './owner-index.ts';
export { type ClaimOptions, claim, controllerKey, decideOwnership, type Ownership } from './ownership.ts';
export { isNamespaceTerminating, messageOf, PodControl, podBurst } from './pod-control.ts';
export { podFromTemplate } from './pod-from-template.ts';
export {
  isPodActive,
  isPodAvailable,
  isPodReady,
  isPodTerminal,
  isPodTerminating,
  podPhase,
  podReadyCondition,
  podReadySince,
  untilAvailable,
} from './pod-state.ts';
export { type SlowStartResult, slowStart } from './slow-start.ts';
