import { HistogramSeries, NumberSeries } from '../http/metric-series.ts';
import type { TokenCacheObserver } from './token-cache.ts';

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const counter = (name: string, help: string, labels: readonly string[] = []) =>
  new NumberSeries({ type: 'counter', name, help, labels });

/** What became of tokens, and of the memory of them, under the names that Kubernetes gives these metrics. */
export class TokenMetrics implements TokenCacheObserver {
  readonly #requests = counter('authentication_token_cache_request_total', 'Tokens looked at.', ['status']);
  readonly #fetches = counter('authentication_token_cache_fetch_total', 'Tokens that were not remembered.', ['status']);
  readonly #durations = new HistogramSeries({
    name: 'authentication_token_cache_request_duration_seconds',
    help: 'Seconds until it was known whose a token is.',
    labels: ['status'],
    buckets: seconds,
  });
  readonly #active = new NumberSeries({
    type: 'gauge',
    name: 'authentication_token_cache_active_fetch_count',
    help: 'Tokens being looked up now, and questions that wait for one.',
    labels: ['status'],
  });
  readonly #remaining = new HistogramSeries({
    name: 'apiserver_client_certificate_expiration_seconds',
    help: 'How long the client certificates of requests were still good for.',
    labels: [],
    buckets: [
      0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000,
      31_104_000,
    ],
  });
  readonly #used = {
    valid: counter('serviceaccount_valid_tokens_total', 'Bound ServiceAccount tokens used.'),
    stale: counter(
      'serviceaccount_stale_tokens_total',
      'Bound ServiceAccount tokens used that should have been renewed.',
    ),
    legacy: counter('serviceaccount_legacy_tokens_total', 'ServiceAccount tokens of Secrets used.'),
  };

  constructor() {
    for (const status of ['blocked', 'in_flight']) this.#active.add([status], 0);
    for (const each of Object.values(this.#used)) each.add([], 0);
  }

  answered(status: 'hit' | 'miss', took: number): void {
    this.#requests.add([status]);
    this.#durations.observe([status], took);
  }

  fetched(status: 'ok' | 'error'): void {
    this.#fetches.add([status]);
  }

  active(status: 'in_flight' | 'blocked', change: 1 | -1): void {
    this.#active.add([status], change);
  }

  certificate(remaining: number): void {
    this.#remaining.observe([], remaining);
  }

  used(kind: 'valid' | 'stale' | 'legacy'): void {
    this.#used[kind].add([]);
  }

  text(): string {
    const all = [this.#requests, this.#fetches, this.#durations, this.#active, this.#remaining];
    return [...all, ...Object.values(this.#used)].map((each) => each.text()).join('');
  }
}
