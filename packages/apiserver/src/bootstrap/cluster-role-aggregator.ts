import { type Clock, type ClusterRole, deepEqual, isStatusError, type Logger, type PolicyRule } from '@keelson/core';
import { aggregatedRules } from '../authorization/aggregated-rules.ts';
import { isClusterRole } from '../authorization/rbac-feed.ts';
import type { RbacIndex } from '../authorization/rbac-index.ts';
import type { ApiHandler, UserInfo } from '../registry/contract.ts';

export interface AggregatorOptions {
  readonly handler: ApiHandler;
  readonly index: RbacIndex;
  readonly user: UserInfo;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Changes of ClusterRoles within this time are written together. */
const gatherMs = 20;

/** Writes into ClusterRoles with an aggregation rule the rules that they have by it. */
export class ClusterRoleAggregator {
  readonly #options: AggregatorOptions;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: AggregatorOptions) {
    this.#options = options;
    options.index.onClusterRolesChanged(() => this.#schedule());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Resolves when every role has what it aggregates: what is bound to somebody counts from a server's first moment. */
  async settle(): Promise<void> {
    while (!this.#stopped && (await this.#write()));
  }

  #schedule(): void {
    if (this.#cancel || this.#stopped) return;
    this.#cancel = this.#options.clock.after(gatherMs, () => {
      this.#cancel = undefined;
      void this.#write();
    });
  }

  /** Whether anything was written, so that others may have to aggregate it in turn. */
  async #write(): Promise<boolean> {
    const { index, logger } = this.#options;
    let written = false;
    for (const role of [...index.clusterRoles()]) {
      if (this.#stopped) return false;
      if (!role.aggregationRule) continue;
      const rules = aggregatedRules(role, index.clusterRoles());
      if (deepEqual(rules, role.rules ?? [])) continue;
      try {
        if (await this.#update(role, rules)) written = true;
      } catch (error) {
        // A conflict brings a new version of the role by watch, and with it the next attempt.
        if (this.#stopped || isStatusError(error, 'Conflict', 'NotFound')) continue;
        logger.warn('a ClusterRole could not be aggregated', { role: role.metadata.name, error: String(error) });
      }
    }
    return written;
  }

  /** Whether that made a difference: where nothing is aggregated, rules stay that somebody else has written. */
  async #update(role: ClusterRole, rules: readonly PolicyRule[]): Promise<boolean> {
    const { handler, index, user } = this.#options;
    const target = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };
    const { name } = role.metadata;
    const body = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name },
      ...(rules.length > 0 && { rules }),
    };
    // As the controller of Kubernetes does it, so that both own the same.
    const options = { fieldManager: 'clusterrole-aggregation-controller', force: true };
    const patchType = 'application/apply-patch+yaml';
    const answer = await handler.handle({ ...target, verb: 'patch', name: name ?? '', body, patchType, options }, user);
    if (answer.type !== 'object' || !isClusterRole(answer.value.object)) return false;
    const changed = answer.value.object;
    if (deepEqual(changed.rules ?? [], role.rules ?? [])) return false;
    index.setClusterRole(changed);
    return true;
  }
}
