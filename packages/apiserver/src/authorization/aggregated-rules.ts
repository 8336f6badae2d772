import { type ClusterRole, deepEqual, labelSelectorMatches, type PolicyRule } from '@keelson/core';

/**
 * The rules that a ClusterRole has by its aggregation rule: for each selector those of the roles that it matches, by
 * name, each rule once (kubernetes.io/docs/reference/access-authn-authz/rbac, aggregated ClusterRoles). What another
 * one aggregates counts once it is written there.
 */
export function aggregatedRules(role: ClusterRole, all: Iterable<ClusterRole>): readonly PolicyRule[] {
  const others = [...all].filter(({ metadata }) => metadata.name !== role.metadata.name).sort(byName);
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    for (const { metadata, rules: own } of others) {
      if (!labelSelectorMatches(selector, metadata.labels)) continue;
      for (const rule of own ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

function byName({ metadata: { name: a = '' } }: ClusterRole, { metadata: { name: b = '' } }: ClusterRole): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
