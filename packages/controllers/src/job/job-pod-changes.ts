import { type Client, type InformerEvent, isStatusError, type Job, Pod, wellKnown } from '@keelson/core';
import type { Observable } from 'rxjs';
import { type PodControl, slowStart } from '../pod-control/index.ts';
import { isTracked } from './accounting.ts';
import type { PodPlan } from './pod-plan.ts';

/** What was done to a Job's pods; `error` is the first of those that occurred. */
export interface PodChanges {
  readonly created: number;
  readonly deleted: readonly Pod[];
  readonly error: unknown;
}

export const noChanges: PodChanges = { created: 0, deleted: [], error: undefined };

export function merge(first: PodChanges, second: PodChanges): PodChanges {
  return {
    created: first.created + second.created,
    deleted: [...first.deleted, ...second.deleted],
    error: first.error ?? second.error,
  };
}

/** Creates, deletes and lets go of a Job's pods. */
export class JobPodChanges {
  readonly #client: Client;
  readonly #control: PodControl;
  /** uids whose finalizer was taken away, until the cache shows it. */
  readonly #releasing = new Set<string>();

  constructor(client: Client, control: PodControl, events$: Observable<InformerEvent<Pod>>) {
    this.#client = client;
    this.#control = control;
    events$.subscribe((event) => {
      if (event.type === 'deleted' || !isTracked(event.object)) this.#releasing.delete(event.object.metadata.uid ?? '');
    });
  }

  async apply(job: Job, plan: PodPlan, signal: AbortSignal): Promise<PodChanges> {
    if (plan.type === 'create') {
      const { done, error } = await slowStart(plan.pods.length, 1, async (index) => {
        const pod = plan.pods[index];
        if (pod !== undefined) await this.#control.create(job, pod, signal);
      });
      return { created: done, deleted: [], error };
    }
    if (plan.type !== 'delete') return noChanges;
    // Without the finalizer first, the pod would count as failed, and it has not.
    return settle(plan.pods, async (pod) => {
      await this.release([pod], signal);
      await this.#control.delete(job, pod, signal);
    });
  }

  /** Deletes what still runs when a Job ends; these pods keep their finalizer until they are counted. */
  end(job: Job, pods: readonly Pod[], signal: AbortSignal): Promise<PodChanges> {
    return settle(pods, (pod) => this.#control.delete(job, pod, signal));
  }

  /** Takes the tracking finalizer away. @throws StatusError as the API answers; a pod that is gone is no error */
  async release(pods: readonly Pod[], signal: AbortSignal): Promise<void> {
    const { error } = await settle(pods, (pod) => this.#release(pod, signal));
    if (error !== undefined) throw error;
  }

  async #release(pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid = '' } = pod.metadata;
    if (!isTracked(pod) || this.#releasing.has(uid)) return;
    this.#releasing.add(uid);
    const metadata = { uid, '$deleteFromPrimitiveList/finalizers': [wellKnown.jobTrackingFinalizer] };
    try {
      await this.#client.patch(Pod, pod.metadata, { strategic: { metadata } }, { signal });
    } catch (error) {
      this.#releasing.delete(uid);
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}

async function settle(pods: readonly Pod[], action: (pod: Pod) => Promise<void>): Promise<PodChanges> {
  const outcomes = await Promise.allSettled(pods.map(action));
  return {
    created: 0,
    deleted: pods.filter((_, index) => outcomes[index]?.status === 'fulfilled'),
    error: outcomes.find((outcome) => outcome.status === 'rejected')?.reason,
  };
}
