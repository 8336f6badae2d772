import {
  type KubernetesObject,
  parseQuantity,
  type Quantity,
  type ResourceQuota,
  type ResourceType,
} from '@keelson/core';
import { countedKind, scopesOf, specialEvaluators, usageOf } from '@keelson/core/admission';
import type { ObjectReader } from '../object-reader.ts';

export interface StoredObjects {
  readonly reader: ObjectReader;
  /** How many objects of a kind are stored in a namespace. */
  count(group: string, resource: string, namespace: string): Promise<number>;
}

/** What of these names is used now, by what is stored. Names that no kind counts for are left out. */
export async function countUsage(
  quota: ResourceQuota,
  names: readonly string[],
  { reader, count }: StoredObjects,
  now: number,
): Promise<ReadonlyMap<string, Quantity>> {
  const { namespace = '' } = quota.metadata;
  const hard = Object.fromEntries(names.map((name) => [name, '0']));
  const asked: ResourceQuota = { ...quota, spec: { ...quota.spec, hard } };
  const used = new Map<string, Quantity>();
  for (const evaluator of specialEvaluators) {
    if (!names.some((name) => evaluator.counts(name))) continue;
    const { group, resource: plural } = evaluator;
    const objects = await reader.list({ group, plural } as ResourceType<KubernetesObject>, namespace);
    for (const [name, amount] of Object.entries(usageOf(asked, evaluator, objects, now))) used.set(name, amount);
  }
  // No other kind falls under a scope.
  const isScoped = scopesOf(quota).length > 0;
  for (const name of names) {
    const kind = used.has(name) ? undefined : countedKind(name);
    if (kind) used.set(name, parseQuantity(isScoped ? 0 : await count(kind.group, kind.resource, namespace)));
  }
  return used;
}
