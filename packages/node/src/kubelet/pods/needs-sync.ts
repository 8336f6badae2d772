import type { Pod } from '@keelson/core/api';
import { deepEqual } from '@keelson/core/machinery';
import { ownedConditions } from '../status/pod-conditions.ts';
import { isTerminalPhase } from './pod-facts.ts';

/** Whether a change of a pod in the API is for its node to act on; most are its own status coming back. */
export function needsSync(before: Pod, after: Pod): boolean {
  const a = before.metadata;
  const b = after.metadata;
  return !(
    a.deletionTimestamp === b.deletionTimestamp &&
    a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds &&
    isTerminalPhase(before.status?.phase) === isTerminalPhase(after.status?.phase) &&
    deepEqual(before.spec, after.spec) &&
    deepEqual(a.labels, b.labels) &&
    deepEqual(a.annotations, b.annotations) &&
    deepEqual(foreignConditions(before), foreignConditions(after))
  );
}

/** Readiness gates look at conditions that others write. */
function foreignConditions(pod: Pod) {
  return (pod.status?.conditions ?? []).filter((each) => !ownedConditions.has(each.type));
}
