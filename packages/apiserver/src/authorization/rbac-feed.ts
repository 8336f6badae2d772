import type { ClusterRole, ClusterRoleBinding, KubernetesObject, Role, RoleBinding } from '@keelson/core';
import type { ApiHandler } from '../registry/contract.ts';
import { type Follower, type FollowOptions, follow } from './follow.ts';
import type { RbacAuthorizer } from './rbac-authorizer.ts';

const isRole = (object: KubernetesObject): object is Role => object.kind === 'Role';
export const isClusterRole = (object: KubernetesObject): object is ClusterRole => object.kind === 'ClusterRole';
const isBinding = (object: KubernetesObject): object is RoleBinding | ClusterRoleBinding =>
  object.kind === 'RoleBinding' || object.kind === 'ClusterRoleBinding';

/** Keeps an authorizer's index equal to the stored roles and bindings. */
export class RbacFeed {
  readonly #handler: ApiHandler;
  readonly #authorizer: RbacAuthorizer;

  constructor(handler: ApiHandler, authorizer: RbacAuthorizer) {
    this.#handler = handler;
    this.#authorizer = authorizer;
  }

  /** Resolves when everything that is stored now has been read; goes on until the signal aborts. */
  async start(options: FollowOptions): Promise<void> {
    const { index } = this.#authorizer;
    const followers: Readonly<Record<string, Follower>> = {
      clusterroles: only(
        isClusterRole,
        (role) => index.setClusterRole(role),
        (role) => index.deleteClusterRole(role),
      ),
      roles: only(
        isRole,
        (role) => index.setRole(role),
        (role) => index.deleteRole(role),
      ),
      clusterrolebindings: only(
        isBinding,
        (each) => index.setBinding(each),
        (each) => index.deleteBinding(each),
      ),
      rolebindings: only(
        isBinding,
        (each) => index.setBinding(each),
        (each) => index.deleteBinding(each),
      ),
    };
    const group = 'rbac.authorization.k8s.io';
    await Promise.all(
      Object.entries(followers).map(([resource, follower]) =>
        follow(this.#handler, { group, version: 'v1', resource }, follower, options),
      ),
    );
  }
}

function only<T extends KubernetesObject>(
  is: (object: KubernetesObject) => object is T,
  set: (object: T) => void,
  remove: (object: T) => void,
): Follower {
  return {
    set: (object) => {
      if (is(object)) set(object);
    },
    delete: (object) => {
      if (is(object)) remove(object);
    },
  };
}
