import type { Deployment, DeploymentCondition, Pod, ReplicaSet } from '@keelson/core';
import { isPodTerminal, messageOf } from '../pod-control/index.ts';
import { condition, find, hasProgressDeadline, type Now, put } from './conditions.ts';
import { findRollout, replicaSetName } from './new-replica-set.ts';
import { activeOnly, desiredReplicas, isRollingUpdate } from './replica-math.ts';
import type { ReplicaSetControl } from './replica-set-control.ts';
import { beyondHistory, nextRevision } from './revisions.ts';
import { newReplicas, type Resize, resizeNew, resizeOld } from './rolling-update.ts';
import { scaleAll } from './scaling.ts';
import { isComplete } from './status.ts';

/** One reconcile of one Deployment: makes the next moves, and keeps what the ReplicaSets and conditions are after them. */
export class Rollout {
  current: ReplicaSet | undefined;
  old: readonly ReplicaSet[];
  conditions: readonly DeploymentCondition[];
  /** Set when the name of the new ReplicaSet is taken. */
  collisionCount: number | undefined;
  /** Why the new ReplicaSet could not be created. */
  error: unknown;
  readonly #deployment: Deployment;
  readonly #control: ReplicaSetControl;
  readonly #signal: AbortSignal;
  readonly #now: Now;

  constructor(
    deployment: Deployment,
    replicaSets: readonly ReplicaSet[],
    conditions: readonly DeploymentCondition[],
    environment: { readonly control: ReplicaSetControl; readonly signal: AbortSignal; readonly now: Now },
  ) {
    const { current, old } = findRollout(deployment, replicaSets);
    this.current = current;
    this.old = old;
    this.conditions = conditions;
    this.#deployment = deployment;
    this.#control = environment.control;
    this.#signal = environment.signal;
    this.#now = environment.now;
  }

  get all(): readonly ReplicaSet[] {
    return this.current === undefined ? this.old : [...this.old, this.current];
  }

  /** Sizes only: what a paused Deployment, or one that was just scaled, gets. */
  async scale(): Promise<void> {
    await this.#syncCurrent();
    for (const resize of scaleAll(this.#deployment, this.current, this.old)) await this.#resize(resize);
    if (this.#deployment.spec.paused === true) await this.#cleanUp();
  }

  /** New pods come as `maxSurge` allows, old ones go as `maxUnavailable` allows; one of the two a reconcile. */
  async rollingUpdate(): Promise<void> {
    await this.#syncCurrent();
    if (this.current === undefined && !(await this.#create())) return;
    const { current } = this;
    if (current === undefined) return;
    const growth = resizeNew(this.#deployment, current, this.all);
    if (growth !== undefined) return this.#resize(growth);
    const shrinking = resizeOld(this.#deployment, current, this.old);
    for (const resize of shrinking) await this.#resize(resize);
    if (shrinking.length === 0) await this.#cleanUpWhenComplete();
  }

  /** All old pods are gone before the first new one comes. */
  async recreate(podsOf: (replicaSet: ReplicaSet) => readonly Pod[]): Promise<void> {
    await this.#syncCurrent();
    const active = activeOnly(this.old);
    for (const replicaSet of active) await this.#resize({ replicaSet, replicas: 0 });
    if (active.length > 0) return;
    // Whoever adds up the statuses of the ReplicaSets must not see old and new ones either.
    if (this.old.some(({ status }) => (status?.replicas ?? 0) > 0)) return;
    if (this.old.some((replicaSet) => podsOf(replicaSet).some((pod) => !isPodTerminal(pod)))) return;
    if (this.current === undefined && !(await this.#create())) return;
    if (this.current !== undefined) {
      await this.#resize({ replicaSet: this.current, replicas: desiredReplicas(this.#deployment) });
    }
    await this.#cleanUpWhenComplete();
  }

  async #syncCurrent(): Promise<void> {
    if (this.current === undefined) return;
    const revision = nextRevision(this.old);
    this.current = await this.#control.sync(this.#deployment, this.current, revision, this.#signal);
    if (hasProgressDeadline(this.#deployment) && find(this.conditions, 'Progressing') === undefined) {
      this.#progress('True', 'FoundNewReplicaSet', `Found new replica set "${this.current.metadata.name}"`);
    }
  }

  async #create(): Promise<boolean> {
    const replicas = newReplicas(this.#deployment, this.all, 0, { rolling: isRollingUpdate(this.#deployment) });
    try {
      const size = { revision: nextRevision(this.old), replicas };
      const creation = await this.#control.create(this.#deployment, size, this.#signal);
      if (creation.type === 'collision') {
        this.collisionCount = (this.#deployment.status?.collisionCount ?? 0) + 1;
        return false;
      }
      this.current = creation.replicaSet;
      if (creation.type === 'created') {
        this.#progress('True', 'NewReplicaSetCreated', `Created new replica set "${this.current.metadata.name}"`);
      }
      return true;
    } catch (error) {
      if (this.#signal.aborted) throw error;
      this.error = error;
      const name = replicaSetName(this.#deployment, this.#deployment.status?.collisionCount);
      this.#progress(
        'False',
        'ReplicaSetCreateError',
        `Failed to create new replica set "${name}": ${messageOf(error)}`,
      );
      return false;
    }
  }

  #progress(status: 'True' | 'False', reason: string, message: string): void {
    if (!hasProgressDeadline(this.#deployment)) return;
    this.conditions = put(this.conditions, condition('Progressing', status, reason, message, this.#now));
  }

  async #resize(resize: Resize): Promise<void> {
    const resized = await this.#control.resize(this.#deployment, resize, this.#signal);
    const { uid } = resized.metadata;
    if (this.current?.metadata.uid === uid) this.current = resized;
    this.old = this.old.map((each) => (each.metadata.uid === uid ? resized : each));
  }

  async #cleanUpWhenComplete(): Promise<void> {
    if (isComplete(this.#deployment, this.#deployment.status ?? {})) await this.#cleanUp();
  }

  async #cleanUp(): Promise<void> {
    for (const replicaSet of beyondHistory(this.#deployment, this.old)) {
      await this.#control.delete(replicaSet, this.#signal);
    }
  }
}
