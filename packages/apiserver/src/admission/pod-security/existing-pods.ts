import type { Clock, Pod } from '@keelson/core';
import { violationsOf } from './evaluate.ts';
import type { PodSecuritySettings } from './options.ts';
import { type LevelAndVersion, policyText } from './policy.ts';

/** More are not looked at while somebody waits for the answer. */
const mostPods = 3000;
const mostMs = 1000;
/** How many are looked at between two looks at the clock. */
const stride = 64;

/** Which pods that are there a namespace's new level would not let in: warnings, grouped by what is wrong with them. */
export function existingPodWarnings(
  namespace: string,
  level: LevelAndVersion,
  pods: readonly Pod[],
  { exempt }: PodSecuritySettings,
  clock: Clock,
): readonly string[] {
  const until = clock.now() + mostMs;
  const byReasons = new Map<string, { first: string; count: number }>();
  const chosen = mostTelling(pods);
  let checked = 0;
  for (const { metadata, spec } of chosen) {
    if (checked % stride === 0 && clock.now() > until) break;
    checked++;
    if (exempt.runtimeClasses.has(spec.runtimeClassName ?? '')) continue;
    const violations = violationsOf({ annotations: metadata.annotations ?? {}, spec }, level);
    if (violations.length === 0) continue;
    const reasons = violations.map(({ reason }) => reason).join(', ');
    const { name = '' } = metadata;
    const group = byReasons.get(reasons);
    if (!group) byReasons.set(reasons, { first: name, count: 1 });
    else {
      group.count++;
      if (name < group.first) group.first = name;
    }
  }
  const warnings: string[] = [];
  if (checked < pods.length) {
    const some = `the first ${checked} of ${pods.length} existing pods`;
    warnings.push(`new PodSecurity enforce level only checked against ${some}`);
  }
  if (byReasons.size > 0) {
    warnings.push(
      `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ` +
        JSON.stringify(policyText(level)),
      ...[...byReasons].map(([reasons, group]) => `${groupText(group)}: ${reasons}`).sort(),
    );
  }
  return warnings;
}

function groupText({ first, count }: { readonly first: string; readonly count: number }): string {
  if (count === 1) return first;
  return `${first} (and ${count - 1} other ${count === 2 ? 'pod' : 'pods'})`;
}

/** Where there are too many: of each owner one, then the others. */
function mostTelling(pods: readonly Pod[]): readonly Pod[] {
  if (pods.length <= mostPods) return pods;
  const seen = new Set<string>();
  const first: Pod[] = [];
  const others: Pod[] = [];
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner !== undefined && seen.has(owner)) others.push(pod);
    else {
      if (owner !== undefined) seen.add(owner);
      first.push(pod);
    }
  }
  return [...first, ...others].slice(0, mostPods);
}
