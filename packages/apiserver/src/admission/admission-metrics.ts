import type { AdmissionAttributes } from '@keelson/core/admission';
import { HistogramSeries, NumberSeries } from '@keelson/core/metrics';

type Operation = AdmissionAttributes['operation'];
export type AdmissionStep = 'admit' | 'validate';

const controllerBuckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const webhookBuckets = [...controllerBuckets, 10, 25];

/** What a webhook's call came to. */
export interface WebhookObservation {
  readonly name: string;
  readonly type: 'admit' | 'validating';
  readonly operation: Operation;
  readonly seconds: number;
  readonly rejected: boolean;
  /** 0 where the server itself failed. */
  readonly code: number;
  readonly error?: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error';
}

/** Codes are cut off, so that a webhook cannot make lines without end. */
const shownCode = (code: number) => String(Math.min(code, 600));

/** The metrics of admission, under the names and labels that Kubernetes gives them. */
export class AdmissionMetrics {
  readonly #controllers = new HistogramSeries({
    name: 'apiserver_admission_controller_admission_duration_seconds',
    help: 'Seconds that an admission plugin took, by its name, operation and step.',
    labels: ['name', 'operation', 'rejected', 'type'],
    buckets: controllerBuckets,
  });
  readonly #steps = new HistogramSeries({
    name: 'apiserver_admission_step_admission_duration_seconds',
    help: 'Seconds that all plugins of a step of admission took, by operation and step.',
    labels: ['operation', 'rejected', 'type'],
    buckets: controllerBuckets,
  });
  readonly #webhooks = new HistogramSeries({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Seconds that a webhook took, by its name, operation and type.',
    labels: ['name', 'operation', 'rejected', 'type'],
    buckets: webhookBuckets,
  });
  readonly #rejections = new NumberSeries({
    type: 'counter',
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Requests that a webhook refused, or that were refused because it could not be asked.',
    labels: ['error_type', 'name', 'operation', 'rejection_code', 'type'],
  });
  readonly #requests = new NumberSeries({
    type: 'counter',
    name: 'apiserver_admission_webhook_request_total',
    help: 'Requests to a webhook by code.',
    labels: ['code', 'name', 'operation', 'rejected', 'type'],
  });
  readonly #openFailures = new NumberSeries({
    type: 'counter',
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Requests that went on though a webhook could not be asked.',
    labels: ['name', 'type'],
  });
  readonly #exclusions = new NumberSeries({
    type: 'counter',
    name: 'apiserver_admission_match_condition_exclusions_total',
    help: 'Requests that match conditions left out.',
    labels: ['kind', 'name', 'operation', 'type'],
  });
  readonly #conditionErrors = new NumberSeries({
    type: 'counter',
    name: 'apiserver_admission_match_condition_evaluation_errors_total',
    help: 'Match conditions that could not be evaluated.',
    labels: ['kind', 'name', 'operation', 'type'],
  });

  /** For a plugin that is asked often: its lines are looked up once. */
  ofPlugin(name: string, operation: Operation, step: AdmissionStep): (seconds: number, rejected: boolean) => void {
    const admitted = this.#controllers.of([name, operation, 'false', step]);
    const refused = this.#controllers.of([name, operation, 'true', step]);
    return (seconds, rejected) => (rejected ? refused : admitted)(seconds);
  }

  ofStep(operation: Operation, step: AdmissionStep): (seconds: number, rejected: boolean) => void {
    const admitted = this.#steps.of([operation, 'false', step]);
    const refused = this.#steps.of([operation, 'true', step]);
    return (seconds, rejected) => (rejected ? refused : admitted)(seconds);
  }

  webhook({ name, type, operation, seconds, rejected, code, error }: WebhookObservation): void {
    this.#webhooks.observe([name, operation, String(rejected), type], seconds);
    this.#requests.add([shownCode(code), name, operation, String(rejected), type]);
    if (rejected && error) this.#rejections.add([error, name, operation, shownCode(code), type]);
  }

  failedOpen(name: string, type: 'admit' | 'validating'): void {
    this.#openFailures.add([name, type]);
  }

  excluded(name: string, operation: Operation, type: AdmissionStep, kind: 'webhook' | 'policy'): void {
    this.#exclusions.add([kind, name, operation, type]);
  }

  conditionFailed(name: string, operation: Operation, type: AdmissionStep, kind: 'webhook' | 'policy'): void {
    this.#conditionErrors.add([kind, name, operation, type]);
  }

  /** In the text format of Prometheus. */
  text(): string {
    const series = [
      this.#controllers,
      this.#steps,
      this.#webhooks,
      this.#rejections,
      this.#requests,
      this.#openFailures,
      this.#exclusions,
      this.#conditionErrors,
    ];
    return series.map((each) => each.text()).join('');
  }
}
