import { baselineChecks } from './baseline-checks.ts';
import type { LevelAndVersion } from './policy.ts';
import { restrictedChecks } from './restricted-checks.ts';
import type { Check, Judge, Subject, Violation } from './subject.ts';

/** The last minor version that these checks know; later ones are held to it. */
const latest = 35;

function judgeAt({ versions }: Check, version: number): Judge | undefined {
  return versions.findLast(([since]) => since <= version)?.[1];
}

function judgesOf({ level, version }: LevelAndVersion): readonly Judge[] {
  const baseline = baselineChecks.map((check) => ({ check, judge: judgeAt(check, version) }));
  const restricted = restrictedChecks.map((check) => ({ check, judge: judgeAt(check, version) }));
  const chosen = level === 'baseline' ? baseline : [...baseline, ...restricted];
  const made = chosen.filter(({ judge }) => judge);
  const overridden = new Set(made.flatMap(({ check }) => check.overrides ?? []));
  return made.filter(({ check }) => !overridden.has(check.id)).flatMap(({ judge }) => judge ?? []);
}

/** By level, then by version: worked out when first asked for. */
const known = new Map<string, readonly Judge[]>();

/** Everything for which a pod is not of a level, in Kubernetes' order. */
export function violationsOf(subject: Subject, { level, version }: LevelAndVersion): readonly Violation[] {
  if (level === 'privileged') return none;
  const effective = { level, version: Math.min(version, latest) };
  const key = `${level}/${effective.version}`;
  let judges = known.get(key);
  if (!judges) {
    judges = judgesOf(effective);
    known.set(key, judges);
  }
  const found: Violation[] = [];
  for (const judge of judges) {
    const violation = judge(subject);
    if (violation) found.push(violation);
  }
  return found;
}

const none: readonly Violation[] = [];

/** `reason (detail), reason (detail)`. */
export const violationsText = (violations: readonly Violation[]) =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
