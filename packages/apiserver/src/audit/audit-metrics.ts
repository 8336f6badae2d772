import { NumberSeries } from '@keelson/core/metrics';
import type { Level } from './policy.ts';

/** How much is taken down and how much is lost, under Kubernetes' names. */
export class AuditMetrics {
  readonly #events = new NumberSeries({
    type: 'counter',
    name: 'apiserver_audit_event_total',
    help: 'Audit events that were made and given to the sinks.',
    labels: [],
  });
  readonly #levels = new NumberSeries({
    type: 'counter',
    name: 'apiserver_audit_level_total',
    help: 'Requests by the level at which the policy takes them down.',
    labels: ['level'],
  });
  readonly #errors = new NumberSeries({
    type: 'counter',
    name: 'apiserver_audit_error_total',
    help: 'Audit events that were lost, by what lost them.',
    labels: ['plugin'],
  });
  readonly #rejected = new NumberSeries({
    type: 'counter',
    name: 'apiserver_audit_requests_rejected_total',
    help: 'Requests that were refused because they could not be taken down.',
    labels: [],
  });

  constructor() {
    this.#events.add([], 0);
    this.#rejected.add([], 0);
  }

  told(): void {
    this.#events.add([]);
  }

  level(level: Level): void {
    this.#levels.add([level]);
  }

  lost(plugin: string, count: number): void {
    this.#errors.add([plugin], count);
  }

  rejected(): void {
    this.#rejected.add([]);
  }

  text(): string {
    return [this.#events, this.#levels, this.#errors, this.#rejected].map((each) => each.text()).join('');
  }
}
