import { type Clock, type ClusterRole, deepEqual, isStatusError, type Logger } from '@keelson/core';
import { aggregatedRules } from '../authorization/aggregated-rules.ts';
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

  #schedule(): void {
    if (this.#cancel || this.#stopped) return;
    this.#cancel = this.#options.clock.after(gatherMs, () => {
      this.#cancel = undefined;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    const { index, logger } = this.#options;
    for (const role of [...index.clusterRoles()]) {
      if (this.#stopped) return;
      if (!role.aggregationRule) continue;
      const rules = aggregatedRules(role, index.clusterRoles());
      if (deepEqual(rules, role.rules ?? [])) continue;
      try {
        await this.#update({ ...role, rules });
      } catch (error) {
        // A conflict brings a new version of the role by watch, and with it the next attempt.
        if (this.#stopped || isStatusError(error, 'Conflict', 'NotFound')) continue;
        logger.warn('a ClusterRole could not be aggregated', { role: role.metadata.name, error: String(error) });
      }
    }
  }

  async #update(role: ClusterRole): Promise<void> {
    const { handler, user } = this.#options;
    const target = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };
    const { name } = role.metadata;
    const body = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name },
      ...(role.rules?.length && { rules: role.rules }),
    };
    // As the controller of Kubernetes does it, so that both own the same.
    const options = { fieldManager: 'clusterrole-aggregation-controller', force: true };
    const patchType = 'application/apply-patch+yaml';
    await handler.handle({ ...target, verb: 'patch', name: name ?? '', body, patchType, options }, user);
  }
}
