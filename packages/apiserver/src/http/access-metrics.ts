import { HistogramSeries, NumberSeries } from '@keelson/core/metrics';
import type { AuthorizationDecision, UserInfo } from '../registry/contract.ts';

/** Names that are told as they are; others only by their sort, lest every user have a line. */
const knownUsers: ReadonlySet<string> = new Set([
  'admin',
  'client',
  'kube_proxy',
  'kubelet',
  'system:serviceaccount:kube-system:default',
]);

const durationBuckets = Array.from({ length: 15 }, (_, index) => 2 ** index / 1000);

function resultOf({ allowed, denied, error }: AuthorizationDecision): string {
  if (allowed) return 'allowed';
  if (error !== undefined) return 'error';
  return denied ? 'denied' : 'no-opinion';
}

/** Who came in, and who did not, under Kubernetes' names. */
export class AccessMetrics {
  readonly #attempts = new NumberSeries({
    type: 'counter',
    name: 'authentication_attempts',
    help: 'Attempts to say who asks.',
    labels: ['result'],
  });
  readonly #users = new NumberSeries({
    type: 'counter',
    name: 'authenticated_user_requests',
    help: 'Requests of users whose name is known.',
    labels: ['username'],
  });
  readonly #authorizations = new NumberSeries({
    type: 'counter',
    name: 'authorization_attempts_total',
    help: 'Questions whether something may be done, by their answer.',
    labels: ['result'],
  });
  readonly #durations = new HistogramSeries({
    name: 'authorization_duration_seconds',
    help: 'How long it took to say whether something may be done, by the answer.',
    labels: ['result'],
    buckets: durationBuckets,
  });
  readonly #handshakes = new NumberSeries({
    type: 'counter',
    name: 'apiserver_tls_handshake_errors_total',
    help: 'Connections that ended before they were secure.',
    labels: [],
  });

  constructor() {
    this.#handshakes.add([], 0);
  }

  authenticated({ name }: UserInfo): void {
    this.#attempts.add(['success']);
    this.#users.add([knownUsers.has(name) ? name : name.includes('@') ? 'email_id' : 'other']);
  }

  /** `failure`: nobody knows the credentials; `error`: they could not be looked at. */
  refused(result: 'failure' | 'error'): void {
    this.#attempts.add([result]);
  }

  authorized(decision: AuthorizationDecision, seconds: number): void {
    const result = [resultOf(decision)];
    this.#authorizations.add(result);
    this.#durations.observe(result, seconds);
  }

  handshakeFailed(): void {
    this.#handshakes.add([]);
  }

  text(): string {
    const all = [this.#attempts, this.#users, this.#authorizations, this.#durations, this.#handshakes];
    return all.map((each) => each.text()).join('');
  }
}
