import type { Clock } from '../machinery/index.ts';
import { HistogramSeries, type MetricSource, NumberSeries } from '../metrics/index.ts';

/** As of Prometheus' client for Go, unless it is told others. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What webhooks are asked, under controller-runtime's names and labels; conversions too, which it does not count. */
export class WebhookSeries implements MetricSource {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #latency = new HistogramSeries({
    name: 'controller_runtime_webhook_latency_seconds',
    help: 'Histogram of the latency of processing admission requests',
    labels: ['webhook'],
    buckets,
  });
  readonly #requests = new NumberSeries({
    type: 'counter',
    name: 'controller_runtime_webhook_requests_total',
    help: 'Total number of admission requests by HTTP status code.',
    labels: ['webhook', 'code'],
  });
  readonly #inFlight = new NumberSeries({
    type: 'gauge',
    name: 'controller_runtime_webhook_requests_in_flight',
    help: 'Current number of admission requests being served.',
    labels: ['webhook'],
  });

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** From now on the path is served: it is counted from zero. */
  serve(path: string): void {
    for (const code of ['200', '500']) this.#requests.add([path, code], 0);
    this.#inFlight.add([path], 0);
  }

  /** A review has come; what is returned is called when it is over, with the code of its answer if it got one. */
  readonly begin = (path: string): ((code: number | undefined) => void) => {
    const began = this.#clock.now();
    this.#inFlight.add([path], 1);
    return (code) => {
      this.#inFlight.add([path], -1);
      this.#latency.observe([path], (this.#clock.now() - began) / 1_000);
      if (code !== undefined) this.#requests.add([path, String(code)]);
    };
  };

  text(): string {
    return `${this.#latency.text()}${this.#requests.text()}${this.#inFlight.text()}`;
  }
}
