import type { PolicyRule } from '@keelson/core';

/** Splits rules into such as allow one verb on one resource (with one name) or path each. */
export function breakDown(rules: readonly PolicyRule[]): PolicyRule[] {
  return rules.flatMap((rule) => {
    const names = rule.resourceNames?.length ? rule.resourceNames.map((name) => [name]) : [undefined];
    const resources = (rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((resource) =>
        rule.verbs.flatMap((verb) =>
          names.map((resourceNames) => ({
            apiGroups: [group],
            resources: [resource],
            ...(resourceNames && { resourceNames }),
            verbs: [verb],
          })),
        ),
      ),
    );
    const paths = (rule.nonResourceURLs ?? []).flatMap((path) =>
      rule.verbs.map((verb) => ({ nonResourceURLs: [path], verbs: [verb] })),
    );
    return [...resources, ...paths];
  });
}

/** Joins the verbs of broken-down rules for the same resource and name; rules for paths stay as they are. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...what } = rule;
    const key = JSON.stringify(rule.nonResourceURLs ? rule : what);
    const known = rule.nonResourceURLs ? undefined : joined.get(key);
    joined.set(key, known ? { ...known, verbs: [...known.verbs, ...verbs] } : rule);
  }
  return [...joined.values()];
}

/** A rule in Kubernetes' notation: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function describeRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = parts.filter(([, values]) => values?.length);
  return `{${shown.map(([name, values]) => `${name}:[${values?.map((each) => JSON.stringify(each)).join(' ')}]`).join(', ')}}`;
}
