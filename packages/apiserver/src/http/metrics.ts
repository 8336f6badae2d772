import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const labels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'code'] as const;

/** The server's metrics under the names that Kubernetes gives them. */
export class ApiMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter<(typeof labels)[number]>;
  readonly #durations: Histogram<'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'scope'>;
  readonly #inflight: Gauge<'request_kind'>;
  readonly #watches: Gauge<'group' | 'version' | 'resource'>;

  constructor(objectCount?: () => Promise<ReadonlyMap<string, number>>) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'apiserver_request_total',
      help: 'Requests by verb, resource, scope and code.',
      labelNames: labels,
      registers,
    });
    this.#durations = new Histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'Seconds from the arrival of a request to its answer; watches are not counted.',
      labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope'],
      buckets: [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
      registers,
    });
    this.#inflight = new Gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Requests being handled now.',
      labelNames: ['request_kind'],
      registers,
    });
    this.#watches = new Gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Open watches.',
      labelNames: ['group', 'version', 'resource'],
      registers,
    });
    if (objectCount) {
      const stored = new Gauge({
        name: 'apiserver_storage_objects',
        help: 'Objects stored, by resource.',
        labelNames: ['resource'],
        registers,
        async collect() {
          this.reset();
          for (const [resource, count] of await objectCount()) stored.set({ resource }, count);
        },
      });
    }
  }

  /** Counts a request; the function returned is called when it is answered. */
  begin(request: {
    readonly verb: string;
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly subresource: string;
    readonly scope: string;
  }): (code: number, seconds: number) => void {
    const { group, version, resource } = request;
    const watch = request.verb === 'WATCH';
    const kind = { request_kind: /^(GET|LIST|WATCH)$/.test(request.verb) ? 'readOnly' : 'mutating' };
    if (watch) this.#watches.inc({ group, version, resource });
    else this.#inflight.inc(kind);
    return (code, seconds) => {
      if (watch) this.#watches.dec({ group, version, resource });
      else this.#inflight.dec(kind);
      this.#requests.inc({ ...request, code: String(code) });
      if (!watch) this.#durations.observe(request, seconds);
    };
  }
}
