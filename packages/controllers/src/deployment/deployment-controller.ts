import {
  type Client,
  type Clock,
  type Controller,
  Deployment,
  type DeploymentStatus,
  type EventRecorder,
  type Informer,
  type Informers,
  keyOf,
  labelSelectorMatches,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  ReplicaSet,
  semanticEqual,
  timestamp,
  watch,
  wellKnown,
} from '@keelson/core';
import {
  addOwnerIndexes,
  claim,
  controlledBy,
  controllerKey,
  mayBecomeOwned,
  orphansFor,
} from '../pod-control/index.ts';
import { pauseConditions } from './conditions.ts';
import { findRollout } from './new-replica-set.ts';
import { untilDeadline, withProgress } from './progress.ts';
import { isRollingUpdate } from './replica-math.ts';
import { ReplicaSetControl, wornRevision } from './replica-set-control.ts';
import { Rollout } from './rollout.ts';
import { isScalingEvent } from './scaling.ts';
import { deploymentStatus } from './status.ts';

/** Rolls a Deployment's pods from one template to the next, through one ReplicaSet a template. */
export class DeploymentController implements Controller {
  readonly name = 'deployment';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #deployments: Informer<Deployment>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #control: ReplicaSetControl;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#deployments = informers.for(Deployment);
    this.#replicaSets = informers.for(ReplicaSet);
    this.#pods = informers.for(Pod);
    addOwnerIndexes(this.#replicaSets);
    addOwnerIndexes(this.#pods);
    this.#control = new ReplicaSetControl(client, recorder.as('deployment-controller'), this.#replicaSets.lister);
    this.watches = [
      watch(this.#deployments).self(),
      watch(this.#replicaSets).owner(Deployment),
      watch(this.#replicaSets)
        .filter(mayBecomeOwned)
        .map((replicaSet) => this.#couldAdopt(replicaSet)),
      watch(this.#pods)
        .filter((_, event) => event.type === 'deleted')
        .map((pod) => this.#recreating(pod)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const deployment = this.#deployments.lister.get(key);
    if (deployment === undefined) return undefined;
    const replicaSets = await this.#claimReplicaSets(deployment, signal);
    const now = { ms: this.#clock.now(), timestamp: timestamp(this.#clock) };
    const standing = deployment.status?.conditions ?? [];
    if (deployment.metadata.deletionTimestamp !== undefined) {
      const { current } = findRollout(deployment, replicaSets);
      await this.#write(
        deployment,
        deploymentStatus(deployment, replicaSets, current, standing, now),
        undefined,
        signal,
      );
      return undefined;
    }
    const environment = { control: this.#control, signal, now };
    const conditions = pauseConditions(deployment, standing, now);
    const rollout = new Rollout(deployment, replicaSets, conditions, environment);
    const sizesOnly = deployment.spec.paused === true || isScalingEvent(deployment, replicaSets);
    if (sizesOnly) await rollout.scale();
    else if (isRollingUpdate(deployment)) await rollout.rollingUpdate();
    else await rollout.recreate((replicaSet) => controlledBy(this.#pods.lister, replicaSet.metadata.uid ?? ''));

    const counted = deploymentStatus(deployment, rollout.all, rollout.current, rollout.conditions, now);
    const judged = sizesOnly ? counted : withProgress(deployment, counted, rollout.all, rollout.current, now);
    const { collisionCount } = rollout;
    const status = collisionCount === undefined ? judged : { ...judged, collisionCount };
    await this.#write(deployment, status, rollout.current && wornRevision(rollout.current), signal);
    if (rollout.error !== undefined) throw rollout.error;
    const deadline = untilDeadline(deployment, status, now);
    return deadline === undefined ? undefined : { requeueAfter: deadline };
  }

  /** Status and revision in one write: a status update may carry annotations. */
  async #write(
    deployment: Deployment,
    status: DeploymentStatus,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const worn = deployment.metadata.annotations?.[wellKnown.deploymentRevision];
    const renew = revision !== undefined && revision !== worn;
    if (!renew && semanticEqual(deployment.status, status)) return;
    const metadata = renew
      ? {
          ...deployment.metadata,
          annotations: { ...deployment.metadata.annotations, [wellKnown.deploymentRevision]: revision },
        }
      : deployment.metadata;
    await this.#client.updateStatus(Deployment, { ...deployment, metadata, status }, { signal });
  }

  async #claimReplicaSets(deployment: Deployment, signal: AbortSignal): Promise<readonly ReplicaSet[]> {
    const { uid = '', namespace = '' } = deployment.metadata;
    const { lister } = this.#replicaSets;
    return claim({
      client: this.#client,
      ownerType: Deployment,
      owner: deployment,
      type: ReplicaSet,
      selector: deployment.spec.selector,
      candidates: [...controlledBy(lister, uid), ...orphansFor(lister, namespace, deployment.spec.selector)],
      signal,
    });
  }

  #couldAdopt(replicaSet: ReplicaSet): readonly ObjectKey[] {
    return this.#deployments.lister
      .inNamespace(replicaSet.metadata.namespace ?? '')
      .filter((each) => labelSelectorMatches(each.spec.selector, replicaSet.metadata.labels))
      .map(keyOf);
  }

  /** Recreate waits for the last old pod, of which no ReplicaSet's status need tell. */
  #recreating(pod: Pod): readonly ObjectKey[] {
    const owner = controllerKey(ReplicaSet, pod);
    const replicaSet = owner === undefined ? undefined : this.#replicaSets.lister.get(owner);
    const key = replicaSet && controllerKey(Deployment, replicaSet);
    const deployment = key === undefined ? undefined : this.#deployments.lister.get(key);
    return deployment === undefined || isRollingUpdate(deployment) ? [] : [keyOf(deployment)];
  }
}
