import type { KubernetesObject, ResourceQuota, ScopedResourceSelectorRequirement } from '../../api/index.ts';
import type { Amounts } from '../pod-resources.ts';

/** What one kind of object counts for in the quotas of its namespace (kubernetes.io/docs/concepts/policy/resource-quotas). */
export interface QuotaEvaluator<T extends KubernetesObject = KubernetesObject> {
  readonly group: string;
  /** Plural resource name. */
  readonly resource: string;
  /** Whether a request may change what the object counts for, or which scopes it is in. `before`: of an update. */
  handles(operation: string, subresource: string | undefined, object: T, before: T | undefined): boolean;
  /** Whether quotas may limit this name by this kind, such as `limits.cpu` by pods. */
  counts(name: string): boolean;
  /** What the object takes. `now` in milliseconds since the epoch. */
  usage(object: T, now: number): Amounts;
  /** Whether the object falls under this scope of a quota. */
  inScope?(object: T, scope: ScopedResourceSelectorRequirement): boolean;
  /** What is missing in an object that these limited names want to be said; undefined if nothing. */
  missing?(object: T, limited: readonly string[]): string | undefined;
}

/** Every scope of a quota, those of the old list as conditions too. */
export function scopesOf({ spec }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] {
  return [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
}
