import { createHash } from 'node:crypto';
import { HistogramSeries, NumberSeries } from '@keelson/core/metrics';
import type { AuthenticationObserver } from './request-authenticator.ts';

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const counter = (name: string, help: string, labels: readonly string[] = []) =>
  new NumberSeries({ type: 'counter', name, help, labels });

/** What became of tokens, and of the memory of them, under the names that Kubernetes gives these metrics. */
export class TokenMetrics implements AuthenticationObserver {
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
  readonly #took = new HistogramSeries({
    name: 'authentication_duration_seconds',
    help: 'Seconds until it was known who asks.',
    labels: ['result'],
    buckets: Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power),
  });
  readonly #issuers = new HistogramSeries({
    name: 'apiserver_authentication_jwt_authenticator_latency_seconds',
    help: 'Seconds until it was known whose the token of an issuer is.',
    labels: ['jwt_issuer_hash', 'result'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
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

  took(result: 'success' | 'failure' | 'error', seconds: number): void {
    this.#took.observe([result], seconds);
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

  issuer(url: string, result: 'success' | 'failure', took: number): void {
    this.#issuers.observe([`sha256:${createHash('sha256').update(url).digest('hex')}`, result], took);
  }

  used(kind: 'valid' | 'stale' | 'legacy'): void {
    this.#used[kind].add([]);
  }

  text(): string {
    const all = [
      this.#took,
      this.#requests,
      this.#fetches,
      this.#durations,
      this.#active,
      this.#remaining,
      this.#issuers,
    ];
    return [...all, ...Object.values(this.#used)].map((each) => each.text()).join('');
  }
}
