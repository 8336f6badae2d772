import {
  type ClusterRole,
  type ClusterRoleBinding,
  type KubernetesObject,
  keyOf,
  type LabelSelector,
  type ObjectKey,
  type PolicyRule,
  type Role,
  type RoleBinding,
} from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';

/** A binding that applies to a user, with the rules of its role. */
export interface Grant {
  readonly binding: RoleBinding | ClusterRoleBinding;
  readonly rules: readonly PolicyRule[];
  readonly reason: string;
}

type Binding = RoleBinding | ClusterRoleBinding;

/** Roles by name and bindings by subject: what a decision needs is found without a scan. */
export class RbacIndex {
  readonly #roles = new Map<ObjectKey, Role>();
  readonly #clusterRoles = new Map<string, ClusterRole>();
  readonly #bindings = new Map<ObjectKey, Binding>();
  /** By `namespace/` or `/` for cluster-wide ones, then by subject. */
  readonly #bySubject = new Map<string, Set<Binding>>();
  #aggregated = new Map<string, readonly PolicyRule[]>();
  #changed: () => void = () => undefined;

  /** Calls back after every change of a ClusterRole. */
  onClusterRolesChanged(callback: () => void): void {
    this.#changed = callback;
  }

  setRole(role: Role): void {
    this.#roles.set(keyOf(role), role);
  }

  deleteRole(role: Role): void {
    this.#roles.delete(keyOf(role));
  }

  setClusterRole(role: ClusterRole): void {
    this.#clusterRoles.set(role.metadata.name ?? '', role);
    this.#aggregated = new Map();
    this.#changed();
  }

  deleteClusterRole(role: ClusterRole): void {
    this.#clusterRoles.delete(role.metadata.name ?? '');
    this.#aggregated = new Map();
    this.#changed();
  }

  setBinding(binding: Binding): void {
    this.deleteBinding(binding);
    this.#bindings.set(bindingKey(binding), binding);
    for (const key of subjectKeys(binding)) {
      const found = this.#bySubject.get(key);
      if (found) found.add(binding);
      else this.#bySubject.set(key, new Set([binding]));
    }
  }

  deleteBinding(binding: Binding): void {
    const old = this.#bindings.get(bindingKey(binding));
    if (!old) return;
    this.#bindings.delete(bindingKey(binding));
    for (const key of subjectKeys(old)) {
      const found = this.#bySubject.get(key);
      found?.delete(old);
      if (found?.size === 0) this.#bySubject.delete(key);
    }
  }

  clusterRoles(): IterableIterator<ClusterRole> {
    return this.#clusterRoles.values();
  }

  /** Cluster-wide grants first, then those in the namespace. */
  *grantsOf(user: UserInfo, namespace: string | undefined): IterableIterator<Grant> {
    for (const scope of namespace ? ['', namespace] : ['']) {
      for (const subject of subjectsOf(user)) {
        for (const binding of this.#bySubject.get(`${scope}/${subject}`) ?? []) {
          yield { binding, rules: this.rulesOfBinding(binding), reason: reasonOf(binding, subject) };
        }
      }
    }
  }

  rulesOfBinding(binding: Binding): readonly PolicyRule[] {
    const { kind, name } = binding.roleRef;
    if (kind === 'ClusterRole') return this.rulesOfClusterRole(name);
    return this.#roles.get(`${binding.metadata.namespace ?? ''}/${name}`)?.rules ?? [];
  }

  /** With aggregation: the rules of every role that the selectors match, and of those that these aggregate in turn. */
  rulesOfClusterRole(name: string): readonly PolicyRule[] {
    const role = this.#clusterRoles.get(name);
    if (!role?.aggregationRule) return role?.rules ?? [];
    const known = this.#aggregated.get(name);
    if (known) return known;
    const rules = this.#collect(role, new Set([name]));
    this.#aggregated.set(name, rules);
    return rules;
  }

  #collect(role: ClusterRole, seen: Set<string>): PolicyRule[] {
    const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
    const rules = new Map<string, PolicyRule>();
    const sorted = [...this.#clusterRoles.values()].sort((a, b) =>
      compare(a.metadata.name ?? '', b.metadata.name ?? ''),
    );
    for (const each of sorted) {
      const name = each.metadata.name ?? '';
      if (seen.has(name) || !selectors.some((selector) => selects(selector, each))) continue;
      const own = each.aggregationRule ? this.#collect(each, new Set([...seen, name])) : (each.rules ?? []);
      for (const rule of own) rules.set(JSON.stringify(rule), rule);
    }
    return [...rules.values()];
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const bindingKey = (binding: Binding) => `${binding.metadata.namespace ?? ''}/${binding.metadata.name ?? ''}`;

function* subjectsOf(user: UserInfo): IterableIterator<string> {
  yield `User:${user.name}`;
  const prefix = 'system:serviceaccount:';
  if (user.name.startsWith(prefix)) yield `ServiceAccount:${user.name.slice(prefix.length)}`;
  for (const group of user.groups) yield `Group:${group}`;
}

function subjectKeys(binding: Binding): string[] {
  const scope = binding.metadata.namespace ?? '';
  return (binding.subjects ?? []).map((each) => {
    if (each.kind !== 'ServiceAccount') return `${scope}/${each.kind}:${each.name}`;
    return `${scope}/ServiceAccount:${each.namespace ?? scope}:${each.name}`;
  });
}

function reasonOf(binding: Binding, subject: string): string {
  const namespace = binding.metadata.namespace;
  const colon = subject.indexOf(':');
  const kind = subject.slice(0, colon);
  const name =
    kind === 'ServiceAccount'
      ? subject
          .slice(colon + 1)
          .split(':')
          .reverse()
          .join('/')
      : subject.slice(colon + 1);
  const what = namespace
    ? `RoleBinding ${JSON.stringify(`${binding.metadata.name}/${namespace}`)}`
    : `ClusterRoleBinding ${JSON.stringify(binding.metadata.name)}`;
  return `RBAC: allowed by ${what} of ${binding.roleRef.kind} ${JSON.stringify(binding.roleRef.name)} to ${kind} ${JSON.stringify(name)}`;
}

/** Label selectors as aggregation rules use them. */
function selects(selector: LabelSelector, object: KubernetesObject): boolean {
  const labels = object.metadata.labels ?? {};
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      const included = value !== undefined && (values ?? []).includes(value);
      return operator === 'In' ? included : !included;
    })
  );
}
