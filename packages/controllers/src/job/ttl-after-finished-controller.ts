import {
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  Job,
  type ObjectKey,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from '@keelson/core';
import { finalCondition } from './outcome.ts';

/** Deletes finished Jobs, and with them their pods, `ttlSecondsAfterFinished` after their end. */
export class TtlAfterFinishedController implements Controller {
  readonly name = 'ttl-after-finished';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #jobs: Informer<Job>;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#jobs = informers.for(Job);
    this.watches = [
      watch(this.#jobs)
        .filter((job) => untilExpiry(job, clock.now()) !== undefined)
        .self(),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const job = this.#jobs.lister.get(key);
    if (job === undefined) return undefined;
    const wait = untilExpiry(job, this.#clock.now());
    if (wait === undefined) return undefined;
    if (wait > 0) return { requeueAfter: wait };
    try {
      await this.#client.delete(Job, job.metadata, {
        propagationPolicy: 'Foreground',
        // The time to live may have been changed or taken away since the cache was filled.
        preconditions: { uid: job.metadata.uid, resourceVersion: job.metadata.resourceVersion },
        signal,
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }
}

/** Milliseconds until a Job may go; undefined if it is not finished, is going already, or may stay. */
export function untilExpiry(job: Job, now: number): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  const finished = finalCondition(job)?.lastTransitionTime;
  if (ttlSecondsAfterFinished === undefined || finished === undefined) return undefined;
  if (job.metadata.deletionTimestamp !== undefined) return undefined;
  return Math.max(0, Date.parse(finished) + ttlSecondsAfterFinished * 1000 - now);
}
