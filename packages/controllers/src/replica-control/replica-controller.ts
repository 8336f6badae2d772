import {
  type Client,
  type Clock,
  type Controller,
  controllerOf,
  type EventRecorder,
  type Informer,
  type Informers,
  type KubernetesObject,
  keyOf,
  type LabelSelector,
  labelSelectorMatches,
  type ObjectKey,
  Pod,
  type PodTemplateSpec,
  type ReconcileContext,
  type ReconcileResult,
  type ReplicaSetStatus,
  type ResourceType,
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
import {
  nextAvailability,
  type ReplicaFailure,
  type ReplicaOwner,
  replicaStatus,
  statusChanged,
} from './replica-status.ts';

interface Scaling {
  readonly failure?: ReplicaFailure;
  readonly error?: unknown;
}

/** A kind that keeps a number of equal pods alive, as this controller sees it. */
export interface ReplicaKind<T extends KubernetesObject> {
  readonly type: ResourceType<T>;
  /** Of the controller. */
  readonly name: string;
  /** Who its events are from. */
  readonly component: string;
  replicas(owner: T): number;
  selector(owner: T): LabelSelector;
  template(owner: T): PodTemplateSpec;
  observed(owner: T): ReplicaOwner;
  /** The owner with that status, as far as its kind has it. */
  withStatus(owner: T, status: ReplicaSetStatus): T;
}

/** Keeps `spec.replicas` pods of a template alive. */
export class ReplicaController<T extends KubernetesObject> implements Controller {
  readonly name: string;
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #kind: ReplicaKind<T>;
  readonly #owners: Informer<T>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #control: PodControl;

  constructor(kind: ReplicaKind<T>, client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#kind = kind;
    this.name = kind.name;
    this.#client = client;
    this.#clock = clock;
    this.#owners = informers.for(kind.type);
    this.#pods = informers.for(Pod);
    addOwnerIndexes(this.#owners);
    addOwnerIndexes(this.#pods);
    this.#expectations = new Expectations(clock, this.#pods.events$);
    this.#control = new PodControl(client, recorder.as(kind.component), this.#expectations, kind.type);
    this.watches = [
      watch(this.#owners).self(),
      watch(this.#pods).owner(kind.type),
      watch(this.#pods)
        .filter(mayBecomeOwned)
        .map((pod) => this.#couldAdopt(pod)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const owner = this.#owners.lister.get(key);
    if (owner === undefined) return undefined;
    const uid = owner.metadata.uid ?? '';
    // Asked before the pods are read: an expectation that is met in between only delays by one event.
    const waitMs = this.#expectations.remaining(uid);
    const pods = await this.#claimPods(owner, signal);
    const active = pods.filter(isPodActive);
    const scaling =
      waitMs === undefined && owner.metadata.deletionTimestamp === undefined
        ? await this.#scale(owner, active, signal)
        : {};
    const now = { ms: this.#clock.now(), timestamp: timestamp(this.#clock) };
    const observed = { active, terminating: pods.filter(isPodTerminating) };
    const before = this.#kind.observed(owner);
    const status = replicaStatus(before, observed, scaling.failure, now);
    const next = this.#kind.withStatus(owner, status);
    if (statusChanged(before, this.#kind.observed(next).status ?? status)) {
      await this.#client.updateStatus(this.#kind.type, next, { signal });
    }
    if (scaling.error !== undefined) throw scaling.error;
    const waits = [nextAvailability(before, active, now.ms), waitMs].filter((ms) => ms !== undefined);
    return waits.length === 0 ? undefined : { requeueAfter: Math.min(...waits) };
  }

  async #claimPods(owner: T, signal: AbortSignal): Promise<readonly Pod[]> {
    const { uid = '', namespace = '' } = owner.metadata;
    return claim({
      client: this.#client,
      ownerType: this.#kind.type,
      owner,
      type: Pod,
      selector: this.#kind.selector(owner),
      candidates: [
        ...controlledBy(this.#pods.lister, uid),
        ...orphansFor(this.#pods.lister, namespace, this.#kind.selector(owner)).filter((pod) => isPodActive(pod)),
      ],
      signal,
    });
  }

  async #scale(owner: T, active: readonly Pod[], signal: AbortSignal): Promise<Scaling> {
    const missing = this.#kind.replicas(owner) - active.length;
    if (missing > 0) {
      const pod = podFromTemplate(this.#kind.type, owner, this.#kind.template(owner));
      const { error } = await slowStart(Math.min(missing, podBurst), 1, async () => {
        await this.#control.create(owner, pod, signal);
      });
      return failed('FailedCreate', error);
    }
    if (missing < 0) {
      const related = this.#relatedPods(owner);
      const ranked = rankForDeletion(active, related, this.#clock.now());
      const victims = ranked.slice(0, Math.min(-missing, podBurst));
      const outcomes = await Promise.allSettled(victims.map((pod) => this.#control.delete(owner, pod, signal)));
      return failed('FailedDelete', outcomes.find((outcome) => outcome.status === 'rejected')?.reason);
    }
    return {};
  }

  /** The active pods of every owner with the same controller, such as the ReplicaSets of a Deployment: what else is on a node says where a scale-down hurts least. */
  #relatedPods(owner: T): readonly Pod[] {
    const controller = controllerOf(owner);
    const siblings = controller === undefined ? [owner] : controlledBy(this.#owners.lister, controller.uid);
    return siblings
      .flatMap((sibling) => controlledBy(this.#pods.lister, sibling.metadata.uid ?? ''))
      .filter(isPodActive);
  }

  #couldAdopt(pod: Pod): readonly ObjectKey[] {
    return this.#owners.lister
      .inNamespace(pod.metadata.namespace ?? '')
      .filter((owner) => labelSelectorMatches(this.#kind.selector(owner), pod.metadata.labels ?? {}))
      .map(keyOf);
  }
}

function failed(reason: ReplicaFailure['reason'], error: unknown): Scaling {
  return error === undefined ? {} : { failure: { reason, message: messageOf(error) }, error };
}
