import {
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  timestamp,
  watch,
} from '@keelson/core';
import { isPodTerminal } from '../pod-control/index.ts';
import { disruptionTimeoutMs } from './budget-status.ts';

/** Takes back the condition `DisruptionTarget` of pods that were announced to go and did not (KEP-3329). */
export class StaleDisruptionController implements Controller {
  readonly name = 'stale-pod-disruption';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #pods: Informer<Pod>;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#pods = informers.for(Pod);
    this.watches = [
      watch(this.#pods)
        .filter((pod) => announcedAt(pod) !== undefined)
        .self(),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const pod = this.#pods.lister.get(key);
    const since = pod && announcedAt(pod);
    if (pod === undefined || since === undefined) return undefined;
    const wait = since + disruptionTimeoutMs - this.#clock.now();
    if (wait > 0) return { requeueAfter: wait };
    const condition = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: timestamp(this.#clock) };
    try {
      await this.#client.patch(
        Pod,
        pod.metadata,
        { strategic: { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } } },
        { subresource: 'status', signal },
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }
}

/** When a pod that still runs was announced to go; undefined for all others. */
function announcedAt(pod: Pod): number | undefined {
  if (pod.metadata.deletionTimestamp !== undefined || isPodTerminal(pod)) return undefined;
  const condition = pod.status?.conditions?.find((each) => each.type === 'DisruptionTarget');
  if (condition?.status !== 'True' || condition.lastTransitionTime === undefined) return undefined;
  return Date.parse(condition.lastTransitionTime);
}
