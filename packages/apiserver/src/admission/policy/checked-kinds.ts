import type { NamedRuleWithOperations } from '@keelson/core';

export interface KindName {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What is looked up of a kind that is served. */
export interface NamedKind extends KindName {
  readonly resource: string;
  readonly singular: string;
}

/** So many kinds are looked for in one rule at most; where they are reached, later rules are not looked at, as by Kubernetes. */
const mostOfRule = 10;

/** The kinds by whose types a policy with these rules is checked: those that the rules name, wildcards aside. */
export function checkedKinds(
  rules: readonly Pick<NamedRuleWithOperations, 'apiGroups' | 'apiVersions' | 'resources'>[],
  served: readonly NamedKind[],
): readonly KindName[] {
  const byName = resourceNames(served);
  const found = new Map<string, KindName>();
  for (const rule of rules) if (kindsOfRule(rule, byName, found) === mostOfRule) break;
  return [...found.values()].sort(byGroup);
}

/** How many it has found, those among them that were found before. */
function kindsOfRule(
  { apiGroups = [], apiVersions = [], resources = [] }: Parameters<typeof checkedKinds>[0][number],
  byName: ReadonlyMap<string, readonly KindName[]>,
  found: Map<string, KindName>,
): number {
  if (apiGroups.includes('*') || apiVersions.includes('*')) return 0;
  const names = resources.filter((each) => !/[*/]/.test(each));
  let count = 0;
  for (const group of inOrder(apiGroups)) {
    for (const version of inOrder(apiVersions)) {
      for (const name of inOrder(names)) {
        for (const kind of byName.get(name.toLowerCase()) ?? []) {
          // The core group's name says nothing of the group to those who look kinds up.
          if (kind.version !== version || (group !== '' && kind.group !== group)) continue;
          found.set(`${kind.group}/${kind.version}/${kind.kind}`, kind);
          count++;
          if (count === mostOfRule) return count;
        }
      }
    }
  }
  return count;
}

const inOrder = (names: readonly string[]) => [...new Set(names)].sort();

/** By plural and singular; lists have names too. */
function resourceNames(served: readonly NamedKind[]): ReadonlyMap<string, readonly KindName[]> {
  const byName = new Map<string, KindName[]>();
  const add = (name: string, kind: KindName) => {
    const known = byName.get(name);
    if (known) known.push(kind);
    else byName.set(name, [kind]);
  };
  for (const { group, version, kind, resource, singular } of served) {
    const names = new Set([resource, singular || kind.toLowerCase()]);
    for (const name of names) add(name, { group, version, kind });
    const list = `${kind}List`;
    add(list.toLowerCase(), { group, version, kind: list });
    add(`${list.toLowerCase()}s`, { group, version, kind: list });
  }
  return byName;
}

function byGroup(a: KindName, b: KindName): number {
  if (a.group !== b.group) return a.group < b.group ? -1 : 1;
  if (a.version !== b.version) return a.version < b.version ? -1 : 1;
  return a.kind < b.kind ? -1 : 1;
}
