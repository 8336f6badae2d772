import type { UserInfo } from '../registry/contract.ts';
import { NumberSeries } from './metric-series.ts';

/** Names that are told as they are; others only by their sort, lest every user have a line. */
const knownUsers: ReadonlySet<string> = new Set([
  'admin',
  'client',
  'kube_proxy',
  'kubelet',
  'system:serviceaccount:kube-system:default',
]);

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
  readonly #decisions = new NumberSeries({
    type: 'counter',
    name: 'apiserver_authorization_decisions_total',
    help: 'Decisions of an authorizer that let something be done.',
    labels: ['decision', 'name', 'type'],
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

  authorized(allowed: boolean): void {
    this.#authorizations.add([allowed ? 'allowed' : 'no-opinion']);
    if (allowed) this.#decisions.add(['allowed', 'rbac', 'RBAC']);
  }

  handshakeFailed(): void {
    this.#handshakes.add([]);
  }

  text(): string {
    const all = [this.#attempts, this.#users, this.#authorizations, this.#decisions, this.#handshakes];
    return all.map((each) => each.text()).join('');
  }
}
