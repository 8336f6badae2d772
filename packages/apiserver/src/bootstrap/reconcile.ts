import type { KubernetesObject } from '@keelson/core';
import { z } from 'zod';
import { rulesCover } from '../authorization/rule-matching.ts';
import { type BootstrapObject, rulesOf } from './objects.ts';

const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

type Loose = KubernetesObject & Readonly<Record<string, unknown>>;

const Subjects = z.array(z.looseObject({ kind: z.string(), name: z.string(), namespace: z.string().optional() }));

/** What an object that exists has to become; `undefined`: it is fine as it is. */
export function reconciled(wanted: BootstrapObject, existing: Loose): Loose | undefined {
  if (wanted.existing === 'keep') return undefined;
  if (wanted.existing === 'replace') return replaced(wanted.object, existing);
  if (existing.metadata.annotations?.[autoUpdate] === 'false') return undefined;
  // Whoever runs the cluster may have added rules and subjects: only what is missing is put back.
  const held = rulesOf(existing);
  const missing = rulesOf(wanted.object).filter((rule) => !rulesCover(held, rule));
  const subjects = Subjects.safeParse(existing['subjects']).data ?? [];
  const wantedSubjects = Subjects.safeParse(wanted.object['subjects']).data ?? [];
  const absent = wantedSubjects.filter(
    (each) =>
      !subjects.some((one) => one.kind === each.kind && one.name === each.name && one.namespace === each.namespace),
  );
  if (missing.length === 0 && absent.length === 0) return undefined;
  return {
    ...existing,
    ...(missing.length > 0 && { rules: [...held, ...missing] }),
    ...(absent.length > 0 && { subjects: [...subjects, ...absent] }),
  };
}

function replaced(wanted: Loose, existing: Loose): Loose | undefined {
  const { metadata, ...content } = wanted;
  const changed = Object.entries(content).some(([key, value]) => !includes(existing[key], value));
  if (!changed) return undefined;
  const labels = { ...existing.metadata.labels, ...metadata.labels };
  return { ...existing, ...content, metadata: { ...existing.metadata, ...(metadata.labels && { labels }) } };
}

/** Whether `value` has all of `wanted`; defaults that were filled in do not matter. */
function includes(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(value) || value.length !== wanted.length) return false;
    const list: readonly unknown[] = value;
    return wanted.every((each, index) => includes(list[index], each));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof value !== 'object' || value === null) return false;
    const held = new Map<string, unknown>(Object.entries(value));
    return Object.entries(wanted).every(([key, each]) => includes(held.get(key), each));
  }
  return value === wanted;
}
