import type { KubernetesObject } from '@keelson/core';
import type { BootstrapObject } from './objects.ts';
import { type Reconciled, reconciledRbac } from './reconcile-rbac.ts';

type Loose = KubernetesObject & Readonly<Record<string, unknown>>;

/** What an object that exists has to become. */
export function reconciled(wanted: BootstrapObject, existing: Loose): Reconciled {
  if (wanted.existing === 'keep') return undefined;
  return wanted.existing === 'extend' ? reconciledRbac(wanted.object, existing) : replaced(wanted.object, existing);
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
