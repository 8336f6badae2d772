import {
  type Client,
  type Clock,
  type Controller,
  controllerOf,
  type EventRecorder,
  type Informer,
  type Informers,
  isStatusError,
  Job,
  type JobStatus,
  keyOf,
  labelSelectorMatches,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
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
  Expectations,
  isPodActive,
  isPodTerminating,
  mayBecomeOwned,
  orphansFor,
  PodControl,
} from '../pod-control/index.ts';
import { accountPods, isTracked } from './accounting.ts';
import { JobPodChanges, merge, noChanges } from './job-pod-changes.ts';
import {
  announcedOutcome,
  failureOutcome,
  isFinished,
  type Outcome,
  policyOutcome,
  type Suspension,
  successOutcome,
  suspension,
  untilActiveDeadline,
} from './outcome.ts';
import { planPods } from './pod-plan.ts';
import { jobStatus } from './status.ts';

const podsByJob = 'jobKey';
const jobKeyOf = (pod: Pod): readonly string[] => {
  const key = controllerKey(Job, pod);
  return key === undefined ? [] : [key];
};

/** Another controller has the Job (KEP-4368) unless this says otherwise. */
const ownManager = 'kubernetes.io/job-controller';

/** Runs pods to completion, and counts each exactly once. */
export class JobController implements Controller {
  readonly name = 'job';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #recorder: EventRecorder;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  readonly #expectations: Expectations;
  readonly #changes: JobPodChanges;
  /** uid → revision of the last status written, while the cache is older than that. */
  readonly #written = new Map<string, bigint>();

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder.as('job-controller');
    this.#jobs = informers.for(Job);
    this.#pods = informers.for(Pod);
    addOwnerIndexes(this.#pods);
    this.#pods.addIndex(podsByJob, jobKeyOf);
    this.#expectations = new Expectations(clock, this.#pods.events$);
    const control = new PodControl(client, this.#recorder, this.#expectations, Job);
    this.#changes = new JobPodChanges(client, control, this.#pods.events$);
    this.#jobs.events$.subscribe((event) => {
      if (event.type === 'deleted') this.#written.delete(event.object.metadata.uid ?? '');
    });
    this.watches = [
      watch(this.#jobs).self(),
      watch(this.#pods).owner(Job),
      watch(this.#pods)
        .filter(mayBecomeOwned)
        .map((pod) => this.#couldAdopt(pod)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const job = this.#jobs.lister.get(key);
    await this.#releaseOrphans(key, job, signal);
    if (job === undefined || isFinished(job) || (job.spec.managedBy ?? ownManager) !== ownManager) return undefined;
    const uid = job.metadata.uid ?? '';
    if (this.#isStale(uid, job)) return undefined;
    const waitMs = this.#expectations.remaining(uid);
    if (waitMs !== undefined) return { requeueAfter: waitMs };
    const pods = await this.#claimPods(job, signal);
    return this.#sync(job, pods, signal);
  }

  async #sync(job: Job, pods: readonly Pod[], signal: AbortSignal): Promise<ReconcileResult> {
    const now = { ms: this.#clock.now(), timestamp: timestamp(this.#clock) };
    const active = pods.filter(isPodActive);
    let account = accountPods(job, pods, false);
    let outcome = announcedOutcome(job) ?? failureOutcome(job, pods, account, now.ms) ?? policyOutcome(job, account);
    let suspended: Suspension = { conditions: job.status?.conditions ?? [] };
    let changes = noChanges;
    const waits: number[] = [];
    if (outcome === undefined) {
      const deadline = untilActiveDeadline(job, now.ms);
      if (deadline !== undefined) waits.push(deadline);
      if (job.metadata.deletionTimestamp === undefined) {
        const plan = planPods(job, { all: pods, active }, account, now.ms);
        if (plan.type === 'wait') waits.push(plan.ms);
        changes = await this.#changes.apply(job, plan, signal);
        suspended = suspension(job, now.timestamp);
      }
      outcome = successOutcome(job, account, active.length + changes.created - changes.deleted.length);
    }
    const surplus = changes.deleted;
    if (outcome !== undefined) {
      suspended = { conditions: job.status?.conditions ?? [] };
      const left = active.filter((pod) => !surplus.includes(pod));
      changes = merge(changes, await this.#changes.end(job, left, signal));
      // Whoever could not be deleted may still succeed: the end is not announced before all are on their way out.
      if (changes.error !== undefined) outcome = undefined;
      else account = accountPods(job, without(pods, surplus), true);
    }
    const status = jobStatus(job, {
      account,
      outcome,
      conditions: suspended.conditions,
      resumed: suspended.event?.reason === 'Resumed',
      active: without(active, changes.deleted),
      created: changes.created,
      terminating: pods.filter(isPodTerminating).length + changes.deleted.length,
      timestamp: now.timestamp,
    });
    await this.#write(job, status, signal);
    const { event } = suspended;
    if (event !== undefined) this.#recorder.event(Job, job, 'Normal', event.reason, event.message);
    if (outcome !== undefined && isFinished({ ...job, status })) this.#recordEnd(job, outcome);
    await this.#changes.release(account.release, signal);
    if (changes.error !== undefined) throw changes.error;
    return waits.length === 0 ? undefined : { requeueAfter: Math.min(...waits) };
  }

  async #write(job: Job, status: JobStatus, signal: AbortSignal): Promise<void> {
    if (semanticEqual(job.status, status)) return;
    const written = await this.#client.updateStatus(Job, { ...job, status }, { signal });
    const { uid, resourceVersion } = written.metadata;
    if (uid === undefined || resourceVersion === undefined || isFinished(written)) return;
    this.#written.set(uid, BigInt(resourceVersion));
  }

  /** A Job as it was before our own last write has counters that are behind its pods' finalizers. */
  #isStale(uid: string, job: Job): boolean {
    const written = this.#written.get(uid);
    if (written === undefined) return false;
    if (BigInt(job.metadata.resourceVersion ?? 0) < written) return true;
    this.#written.delete(uid);
    return false;
  }

  #recordEnd(job: Job, outcome: Outcome): void {
    if (outcome.type === 'Complete') this.#recorder.event(Job, job, 'Normal', 'Completed', 'Job completed');
    else this.#recorder.event(Job, job, 'Warning', outcome.reason, outcome.message);
  }

  /** Pods of a Job that is gone have nobody left to count them. */
  async #releaseOrphans(key: ObjectKey, job: Job | undefined, signal: AbortSignal): Promise<void> {
    const orphans = this.#pods.lister
      .by(podsByJob, key)
      .filter((pod) => isTracked(pod) && controllerOf(pod)?.uid !== job?.metadata.uid);
    for (const pod of orphans) {
      // The cache of Jobs may be the one that lags: only the API knows whether the owner is really gone.
      if (await this.#ownerExists(pod, signal)) continue;
      await this.#changes.release([pod], signal);
    }
  }

  async #ownerExists(pod: Pod, signal: AbortSignal): Promise<boolean> {
    const owner = controllerOf(pod);
    if (owner === undefined) return false;
    try {
      const ref = { name: owner.name, namespace: pod.metadata.namespace };
      const found = await this.#client.get(Job, ref, { signal });
      return found.metadata.uid === owner.uid;
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return false;
      throw error;
    }
  }

  async #claimPods(job: Job, signal: AbortSignal): Promise<readonly Pod[]> {
    const { uid = '', namespace = '' } = job.metadata;
    return claim({
      client: this.#client,
      ownerType: Job,
      owner: job,
      type: Pod,
      selector: job.spec.selector ?? {},
      candidates: [
        ...controlledBy(this.#pods.lister, uid),
        ...orphansFor(this.#pods.lister, namespace, job.spec.selector ?? {}),
      ],
      finalizers: [wellKnown.jobTrackingFinalizer],
      signal,
    });
  }

  #couldAdopt(pod: Pod): readonly ObjectKey[] {
    return this.#jobs.lister
      .inNamespace(pod.metadata.namespace ?? '')
      .filter((job) => labelSelectorMatches(job.spec.selector, pod.metadata.labels))
      .map(keyOf);
  }
}

function without(pods: readonly Pod[], others: readonly Pod[]): readonly Pod[] {
  return others.length === 0 ? pods : pods.filter((pod) => !others.includes(pod));
}
