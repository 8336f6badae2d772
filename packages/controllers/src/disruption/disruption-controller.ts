import {
  type Client,
  type Clock,
  type Controller,
  Deployment,
  type EventRecorder,
  formatLabelSelector,
  type Informer,
  type InformerEvent,
  type Informers,
  isStatusError,
  type KubernetesObject,
  keyOf,
  type Labels,
  labelSelectorMatches,
  type ObjectKey,
  Pod,
  PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  type ReconcileContext,
  type ReconcileResult,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
  semanticEqual,
  timestamp,
  watch,
} from '@keelson/core';
import { messageOf } from '../pod-control/index.ts';
import { budgetStatus, disruptedPods, expectationOf, failedStatus, healthyPods, needsOwners } from './budget-status.ts';
import { OwnerScaleReader } from './owner-scales.ts';

/** Says in the status of each PodDisruptionBudget how many of its pods may go now; evictions take from that number. */
export class DisruptionController implements Controller {
  readonly name = 'disruption';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #recorder: EventRecorder;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  readonly #scales: OwnerScaleReader;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder.as('controllermanager');
    this.#budgets = informers.for(PodDisruptionBudget);
    this.#pods = informers.for(Pod);
    this.#scales = new OwnerScaleReader(client, informers);
    const ofOwner = (owner: ReplicaOwner) => this.#budgetsFor(owner, owner.spec?.template?.metadata?.labels);
    this.watches = [
      watch(this.#budgets).self(),
      watch(this.#pods).map((pod) => this.#budgetsFor(pod, pod.metadata.labels)),
      watch(informers.for(Deployment)).filter(scaled).map(ofOwner),
      watch(informers.for(ReplicaSet)).filter(scaled).map(ofOwner),
      watch(informers.for(StatefulSet)).filter(scaled).map(ofOwner),
      watch(informers.for(ReplicationController)).filter(scaled).map(ofOwner),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const budget = this.#budgets.lister.get(key);
    if (budget === undefined) return undefined;
    try {
      return await this.#count(budget, signal);
    } catch (error) {
      if (isStatusError(error, 'Conflict', 'NotFound')) throw error;
      await this.#write(budget, failedStatus(budget, messageOf(error), timestamp(this.#clock)), signal);
      throw error;
    }
  }

  async #count(budget: PodDisruptionBudget, signal: AbortSignal): Promise<ReconcileResult> {
    const { namespace = '', name } = budget.metadata;
    const now = this.#clock.now();
    const pods = this.#pods.lister
      .inNamespace(namespace)
      .filter((pod) => labelSelectorMatches(budget.spec?.selector, pod.metadata.labels));
    const tell = (kind: 'Normal' | 'Warning', reason: string, message: string) =>
      this.#recorder.event(PodDisruptionBudget, budget, kind, reason, message);
    if (pods.length === 0) tell('Normal', 'NoPods', 'No matching pods found');
    let replicas = pods.length;
    if (needsOwners(budget)) {
      const scales = await this.#scales.read(pods, signal).catch((error: unknown) => {
        const why = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
        tell('Warning', 'CalculateExpectedPodCountFailed', why);
        throw error;
      });
      replicas = scales.replicas;
      if (scales.unmanaged.length > 0) tell('Warning', 'UnmanagedPods', unmanagedText(budget));
    }
    const disrupted = disruptedPods(budget, pods, now);
    for (const pod of disrupted.overdue) {
      const text = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
      this.#recorder.event(Pod, pod, 'Warning', 'NotDeleted', text);
    }
    const healthy = healthyPods(pods, disrupted.pods);
    const expectation = expectationOf(budget, replicas);
    const status = budgetStatus(budget, expectation, healthy, disrupted.pods, timestamp(this.#clock));
    await this.#write(budget, status, signal);
    return disrupted.recheckMs === undefined ? undefined : { requeueAfter: disrupted.recheckMs + 1 };
  }

  async #write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus, signal: AbortSignal): Promise<void> {
    if (semanticEqual(budget.status, status)) return;
    await this.#client.updateStatus(PodDisruptionBudget, { ...budget, status }, { signal });
  }

  #budgetsFor({ metadata }: KubernetesObject, labels: Labels | undefined): readonly ObjectKey[] {
    return this.#budgets.lister
      .inNamespace(metadata.namespace ?? '')
      .filter((budget) => labelSelectorMatches(budget.spec?.selector, labels))
      .map(keyOf);
  }
}

type ReplicaOwner = Deployment | ReplicaSet | StatefulSet | ReplicationController;

/** Other changes of an owner show in its pods. */
function scaled(owner: ReplicaOwner, event: InformerEvent<ReplicaOwner>): boolean {
  return event.type !== 'updated' || event.previous.spec?.replicas !== owner.spec?.replicas;
}

function unmanagedText({ spec }: PodDisruptionBudget): string {
  const selector = formatLabelSelector(spec?.selector ?? {});
  return `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
}
