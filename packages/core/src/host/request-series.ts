import type { ObservedAnswer } from '../client/index.ts';
import { type MetricSource, NumberSeries } from '../metrics/index.ts';

/** What an operator's requests came to, under client-go's name. */
export class RequestSeries implements MetricSource {
  readonly #requests = new NumberSeries({
    type: 'counter',
    name: 'rest_client_requests_total',
    help: 'Number of HTTP requests, partitioned by status code, method, and host.',
    labels: ['code', 'method', 'host'],
  });

  /** To be given to a transport as its `observe`. */
  readonly count = ({ code, method, host }: ObservedAnswer): void => this.#requests.add([code, method, host]);

  text(): string {
    return this.#requests.text();
  }
}
