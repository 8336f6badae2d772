import {
  type Client,
  type Clock,
  type Controller,
  type EventRecorder,
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerStatus,
  type Informer,
  type Informers,
  isStatusError,
  type ObjectKey,
  type ReconcileContext,
  type ReconcileResult,
  semanticEqual,
  setCondition,
  timestamp,
  watch,
} from '@keelson/core';
import { messageOf } from '../pod-control/index.ts';
import { metricFailure } from './metric-failure.ts';
import { readScale, type ScaleTarget } from './scale-target.ts';

/** Metrics change without an event. */
const intervalMs = 15_000;

interface Outcome {
  readonly current?: number;
  readonly desired?: number;
  readonly rescaled?: boolean;
  readonly conditions: readonly {
    readonly type: 'AbleToScale' | 'ScalingActive';
    readonly status: 'True' | 'False';
    readonly reason: string;
    readonly message: string;
  }[];
}

/** Holds what it scales within `minReplicas` and `maxReplicas`, and says why it does no more: no metrics API is served. */
export class HorizontalPodAutoscalerController implements Controller {
  readonly name = 'horizontal-pod-autoscaler';
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #recorder: EventRecorder;
  readonly #autoscalers: Informer<HorizontalPodAutoscaler>;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#recorder = recorder.as('horizontal-pod-autoscaler');
    this.#autoscalers = informers.for(HorizontalPodAutoscaler);
    this.watches = [
      watch(this.#autoscalers)
        .filter((each, event) => event.type !== 'updated' || !semanticEqual(each.spec, event.previous.spec))
        .self(),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const autoscaler = this.#autoscalers.lister.get(key);
    if (autoscaler === undefined || autoscaler.metadata.deletionTimestamp !== undefined) return undefined;
    const outcome = await this.#scale(autoscaler, signal);
    const status = this.#statusOf(autoscaler, outcome);
    if (!semanticEqual(autoscaler.status, status)) {
      try {
        await this.#client.updateStatus(HorizontalPodAutoscaler, { ...autoscaler, status }, { signal });
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
    return { requeueAfter: intervalMs };
  }

  async #scale(autoscaler: HorizontalPodAutoscaler, signal: AbortSignal): Promise<Outcome> {
    let target: ScaleTarget;
    try {
      target = await readScale(this.#client, autoscaler, signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = messageOf(error);
      this.#tell(autoscaler, 'Warning', 'FailedGetScale', why);
      const message = `the HPA controller was unable to get the target's current scale: ${why}`;
      return { conditions: [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message }] };
    }
    const able = {
      type: 'AbleToScale',
      status: 'True',
      reason: 'SucceededGetScale',
      message: "the HPA controller was able to get the target's current scale",
    } as const;
    const { minReplicas = 1, maxReplicas } = autoscaler.spec;
    const current = target.replicas;
    if (current === 0 && minReplicas !== 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      const disabled = { type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message } as const;
      return { desired: 0, conditions: [able, disabled] };
    }
    if (current > maxReplicas) return this.#rescale(autoscaler, target, maxReplicas, 'above Spec.MaxReplicas');
    if (current < minReplicas) return this.#rescale(autoscaler, target, minReplicas, 'below Spec.MinReplicas');
    return { current, conditions: [able, ...this.#tellMetrics(autoscaler)] };
  }

  #tellMetrics(autoscaler: HorizontalPodAutoscaler): Outcome['conditions'] {
    const metrics = autoscaler.spec.metrics ?? [];
    const failures = metrics.map((metric) => metricFailure(autoscaler, metric));
    const [first] = failures;
    if (first === undefined) return [];
    for (const { reason, message } of failures) this.#tell(autoscaler, 'Warning', reason, message);
    const count = `${failures.length} invalid out of ${failures.length}`;
    const summary = `invalid metrics (${count}), first error is: ${first.summary}: ${first.message}`;
    this.#tell(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', summary);
    const message = `the HPA was unable to compute the replica count: ${first.message}`;
    return [{ type: 'ScalingActive', status: 'False', reason: first.reason, message }];
  }

  async #rescale(
    autoscaler: HorizontalPodAutoscaler,
    target: ScaleTarget,
    replicas: number,
    why: string,
  ): Promise<Outcome> {
    const reason = `Current number of replicas ${why}`;
    const current = target.replicas;
    try {
      await target.set(replicas);
    } catch (error) {
      const failed = messageOf(error);
      const text = `New size: ${replicas}; reason: ${reason}; error: ${failed}`;
      this.#tell(autoscaler, 'Warning', 'FailedRescale', text);
      const message = `the HPA controller was unable to update the target scale: ${failed}`;
      return { current, conditions: [{ type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message }] };
    }
    this.#tell(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
    const message = `the HPA controller was able to update the target scale to ${replicas}`;
    return {
      current,
      desired: replicas,
      rescaled: true,
      conditions: [{ type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message }],
    };
  }

  #statusOf({ status }: HorizontalPodAutoscaler, outcome: Outcome): HorizontalPodAutoscalerStatus {
    const now = timestamp(this.#clock);
    let conditions = status?.conditions;
    for (const each of outcome.conditions) conditions = setCondition(conditions, each, now);
    return {
      ...status,
      desiredReplicas: outcome.desired ?? status?.desiredReplicas ?? 0,
      ...(outcome.current !== undefined && { currentReplicas: outcome.current }),
      ...(outcome.rescaled && { lastScaleTime: now }),
      ...(conditions && { conditions }),
    };
  }

  #tell(autoscaler: HorizontalPodAutoscaler, kind: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event(HorizontalPodAutoscaler, autoscaler, kind, reason, message);
  }
}
