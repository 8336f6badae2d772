import {
  type Client,
  type Clock,
  type Controller,
  controllerOf,
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
  timestamp,
  watch,
} from '@keelson/core';
import {
  addOwnerIndexes,
  claim,
  controlledBy,
  Expectations,
  isPodActive,
  isPodTerminating,
  mayBecomeOwned,
  messageOf,
  orphansFor,
  PodControl,
  podBurst,
  podFromTemplate,
  rankForDeletion,
  slowStart,
} from '../pod-control/index.ts';
import { nextAvailability, type ReplicaFailure, replicaSetStatus, statusChanged } from './status.ts';

interface Scaling {
  readonly failure?: ReplicaFailure;
  readonly error?: unknown;
}

/** Keeps `spec.replicas` pods of a template alive. */
export class ReplicaSetController implements Controller {
  readonly name = 'replicaset';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #control: PodControl;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#replicaSets = informers.for(ReplicaSet);
    this.#pods = informers.for(Pod);
    addOwnerIndexes(this.#replicaSets);
    addOwnerIndexes(this.#pods);
    this.#expectations = new Expectations(clock, this.#pods.events$);
    this.#control = new PodControl(client, recorder.as('replicaset-controller'), this.#expectations, ReplicaSet);
    this.watches = [
      watch(this.#replicaSets).self(),
      watch(this.#pods).owner(ReplicaSet),
      watch(this.#pods)
        .filter(mayBecomeOwned)
        .map((pod) => this.#couldAdopt(pod)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const replicaSet = this.#replicaSets.lister.get(key);
    if (replicaSet === undefined) return undefined;
    const uid = replicaSet.metadata.uid ?? '';
    // Asked before the pods are read: an expectation that is met in between only delays by one event.
    const waitMs = this.#expectations.remaining(uid);
    const pods = await this.#claimPods(replicaSet, signal);
    const active = pods.filter(isPodActive);
    const scaling =
      waitMs === undefined && replicaSet.metadata.deletionTimestamp === undefined
        ? await this.#scale(replicaSet, active, signal)
        : {};
    const now = { ms: this.#clock.now(), timestamp: timestamp(this.#clock) };
    const observed = { active, terminating: pods.filter(isPodTerminating) };
    const status = replicaSetStatus(replicaSet, observed, scaling.failure, now);
    if (statusChanged(replicaSet, status)) {
      await this.#client.updateStatus(ReplicaSet, { ...replicaSet, status }, { signal });
    }
    if (scaling.error !== undefined) throw scaling.error;
    const next = [nextAvailability(replicaSet, active, now.ms), waitMs].filter((ms) => ms !== undefined);
    return next.length === 0 ? undefined : { requeueAfter: Math.min(...next) };
  }

  async #claimPods(replicaSet: ReplicaSet, signal: AbortSignal): Promise<readonly Pod[]> {
    const { uid = '', namespace = '' } = replicaSet.metadata;
    return claim({
      client: this.#client,
      ownerType: ReplicaSet,
      owner: replicaSet,
      type: Pod,
      selector: replicaSet.spec.selector,
      candidates: [
        ...controlledBy(this.#pods.lister, uid),
        ...orphansFor(this.#pods.lister, namespace, replicaSet.spec.selector).filter((pod) => isPodActive(pod)),
      ],
      signal,
    });
  }

  async #scale(replicaSet: ReplicaSet, active: readonly Pod[], signal: AbortSignal): Promise<Scaling> {
    const missing = (replicaSet.spec.replicas ?? 1) - active.length;
    if (missing > 0) {
      const pod = podFromTemplate(ReplicaSet, replicaSet, replicaSet.spec.template ?? {});
      const { error } = await slowStart(Math.min(missing, podBurst), 1, async () => {
        await this.#control.create(replicaSet, pod, signal);
      });
      return failed('FailedCreate', error);
    }
    if (missing < 0) {
      const related = this.#relatedPods(replicaSet);
      const ranked = rankForDeletion(active, related, this.#clock.now());
      const victims = ranked.slice(0, Math.min(-missing, podBurst));
      const outcomes = await Promise.allSettled(victims.map((pod) => this.#control.delete(replicaSet, pod, signal)));
      return failed('FailedDelete', outcomes.find((outcome) => outcome.status === 'rejected')?.reason);
    }
    return {};
  }

  /** The active pods of every ReplicaSet of the same Deployment: what else is on a node says where a scale-down hurts least. */
  #relatedPods(replicaSet: ReplicaSet): readonly Pod[] {
    const controller = controllerOf(replicaSet);
    const siblings = controller === undefined ? [replicaSet] : controlledBy(this.#replicaSets.lister, controller.uid);
    return siblings
      .flatMap((sibling) => controlledBy(this.#pods.lister, sibling.metadata.uid ?? ''))
      .filter(isPodActive);
  }

  #couldAdopt(pod: Pod): readonly ObjectKey[] {
    return this.#replicaSets.lister
      .inNamespace(pod.metadata.namespace ?? '')
      .filter((replicaSet) => labelSelectorMatches(replicaSet.spec.selector, pod.metadata.labels ?? {}))
      .map(keyOf);
  }
}

function failed(reason: ReplicaFailure['reason'], error: unknown): Scaling {
  return error === undefined ? {} : { failure: { reason, message: messageOf(error) }, error };
}
