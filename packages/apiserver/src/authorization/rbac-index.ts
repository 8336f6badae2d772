import {
  type ClusterRole,
  type ClusterRoleBinding,
  keyOf,
  type ObjectKey,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type Subject,
} from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';

export type Binding = RoleBinding | ClusterRoleBinding;

/** Roles by name and bindings by subject: what a decision needs is found without a scan. */
export class RbacIndex {
  readonly #roles = new Map<ObjectKey, Role>();
  readonly #clusterRoles = new Map<string, ClusterRole>();
  readonly #bindings = new Map<ObjectKey, Binding>();
  /** By `namespace/` or `/` for cluster-wide ones, then by subject. */
  readonly #bySubject = new Map<string, Set<Binding>>();
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
    this.#changed();
  }

  deleteClusterRole(role: ClusterRole): void {
    this.#clusterRoles.delete(role.metadata.name ?? '');
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

  /** Cluster-wide ones first, then those in the namespace; each once for every subject of it that the user is. */
  *bindingsOf(user: UserInfo, namespace: string | undefined): IterableIterator<Binding> {
    for (const scope of namespace ? ['', namespace] : ['']) {
      for (const subject of subjectsOf(user)) yield* this.#bySubject.get(`${scope}/${subject}`) ?? [];
    }
  }

  /** What the role that is bound says of itself now; `undefined`: there is no such role. */
  rulesOf({ roleRef, metadata }: Binding): readonly PolicyRule[] | undefined {
    const { kind, name } = roleRef;
    const role =
      kind === 'ClusterRole' ? this.#clusterRoles.get(name) : this.#roles.get(`${metadata.namespace}/${name}`);
    return role && (role.rules ?? []);
  }
}

const bindingKey = (binding: Binding) => `${binding.metadata.namespace ?? ''}/${binding.metadata.name ?? ''}`;

const accountPrefix = 'system:serviceaccount:';

function* subjectsOf(user: UserInfo): IterableIterator<string> {
  yield `User:${user.name}`;
  if (user.name.startsWith(accountPrefix)) yield `ServiceAccount:${user.name.slice(accountPrefix.length)}`;
  for (const group of user.groups) yield `Group:${group}`;
}

function subjectKeys(binding: Binding): string[] {
  const scope = binding.metadata.namespace ?? '';
  return (binding.subjects ?? []).map((each) => {
    if (each.kind !== 'ServiceAccount') return `${scope}/${each.kind}:${each.name}`;
    return `${scope}/ServiceAccount:${each.namespace || scope}:${each.name}`;
  });
}

/** Why a binding allows a user something, in Kubernetes' words: by the first of its subjects that the user is. */
export function reasonOf(binding: Binding, user: UserInfo): string {
  const { metadata, roleRef, subjects = [] } = binding;
  const { namespace } = metadata;
  const what = namespace
    ? `RoleBinding ${JSON.stringify(`${metadata.name}/${namespace}`)}`
    : `ClusterRoleBinding ${JSON.stringify(metadata.name)}`;
  const subject = subjects.find((each) => isSubject(user, each, namespace));
  const role = `${roleRef.kind} ${JSON.stringify(roleRef.name)}`;
  return `RBAC: allowed by ${what} of ${role} to ${subject ? described(subject, namespace) : ''}`;
}

function isSubject({ name, groups }: UserInfo, subject: Subject, namespace: string | undefined): boolean {
  if (subject.kind === 'Group') return groups.includes(subject.name);
  if (subject.kind === 'User') return name === subject.name;
  return name === `${accountPrefix}${subject.namespace || namespace}:${subject.name}`;
}

function described({ kind, name, namespace }: Subject, own: string | undefined): string {
  return `${kind} ${JSON.stringify(kind === 'ServiceAccount' ? `${name}/${namespace || (own ?? '')}` : name)}`;
}
