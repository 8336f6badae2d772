import { HistogramSeries, NumberSeries } from '@keelson/core/metrics';
import type { AuthorizationDecision, Authorizer } from '../registry/contract.ts';
import type { Authorizers } from './authorization-configuration.ts';

/** What one question to a webhook came to. */
export type WebhookResult = 'success' | 'error' | 'timeout';

/** Is told what an authorization webhook does. Durations in seconds. */
export interface WebhookObserver {
  /** Its conditions were looked at: `excluded` keeps it from being asked, `failed` cannot say. */
  conditions(seconds: number, outcome: 'matched' | 'excluded' | 'failed'): void;
  asked(result: WebhookResult, seconds: number): void;
  /** It gave no answer, and does not count for that. */
  failedOpen(result: WebhookResult): void;
}

type Configured = Pick<Authorizers[number], 'type' | 'name'>;

const conditionBuckets = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];
const webhookBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Decided {
  allowed: number;
  denied: number;
}

/** What each authorizer decides and how webhooks do, under Kubernetes' names. */
export class AuthorizationMetrics {
  /** Counted without a line of text for each: every request comes through here. */
  readonly #decided = new Map<string, Decided & Configured>();
  readonly #conditions = new HistogramSeries({
    name: 'apiserver_authorization_match_condition_evaluation_seconds',
    help: 'How long match conditions of authorization webhooks took.',
    labels: ['name', 'type'],
    buckets: conditionBuckets,
  });
  readonly #excluded = new NumberSeries({
    type: 'counter',
    name: 'apiserver_authorization_match_condition_exclusions_total',
    help: 'How often match conditions kept an authorization webhook from being asked.',
    labels: ['name', 'type'],
  });
  readonly #failed = new NumberSeries({
    type: 'counter',
    name: 'apiserver_authorization_match_condition_evaluation_errors_total',
    help: 'How often match conditions of an authorization webhook could not be evaluated.',
    labels: ['name', 'type'],
  });
  readonly #durations = new HistogramSeries({
    name: 'apiserver_authorization_webhook_duration_seconds',
    help: 'How long authorization webhooks took to answer.',
    labels: ['name', 'result'],
    buckets: webhookBuckets,
  });
  readonly #asked = new NumberSeries({
    type: 'counter',
    name: 'apiserver_authorization_webhook_evaluations_total',
    help: 'Questions to authorization webhooks.',
    labels: ['name', 'result'],
  });
  readonly #open = new NumberSeries({
    type: 'counter',
    name: 'apiserver_authorization_webhook_evaluations_fail_open_total',
    help: 'How often an authorization webhook without an answer was passed over.',
    labels: ['name', 'result'],
  });

  /** The same authorizer, with what it decides counted. */
  measured({ type, name }: Configured, authorizer: Authorizer): Authorizer {
    const key = `${type}/${name}`;
    const decided = this.#decided.get(key) ?? { type, name, allowed: 0, denied: 0 };
    this.#decided.set(key, decided);
    const count = (decision: AuthorizationDecision) => {
      if (decision.allowed) decided.allowed++;
      else if (decision.denied) decided.denied++;
      return decision;
    };
    return {
      authorize(request) {
        const decision = authorizer.authorize(request);
        return decision instanceof Promise ? decision.then(count) : count(decision);
      },
    };
  }

  webhook(name: string): WebhookObserver {
    const labels = [name, 'Webhook'];
    const observe = this.#conditions.of(labels);
    return {
      conditions: (seconds, outcome) => {
        observe(seconds);
        if (outcome === 'excluded') this.#excluded.add(labels);
        else if (outcome === 'failed') this.#failed.add(labels);
      },
      asked: (result, seconds) => {
        this.#asked.add([name, result]);
        this.#durations.observe([name, result], seconds);
      },
      failedOpen: (result) => this.#open.add([name, result]),
    };
  }

  text(): string {
    const series = [this.#conditions, this.#excluded, this.#failed, this.#durations, this.#asked, this.#open];
    return [this.#decisions(), ...series].map((each) => each.text()).join('');
  }

  #decisions(): NumberSeries {
    const series = new NumberSeries({
      type: 'counter',
      name: 'apiserver_authorization_decisions_total',
      help: 'What authorizers decided, but for having no opinion.',
      labels: ['decision', 'name', 'type'],
    });
    for (const { type, name, allowed, denied } of this.#decided.values()) {
      if (allowed > 0) series.add(['allowed', name, type], allowed);
      if (denied > 0) series.add(['denied', name, type], denied);
    }
    return series;
  }
}
