import type { Clock } from '@keelson/core';
import {
  HistogramSeries,
  type IsServed,
  type LabelValues,
  NumberSeries,
  ProcessMetrics,
  secondsBuckets,
} from '@keelson/core/metrics';
import type { HttpRequest } from '../authentication/index.ts';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';
import { AccessMetrics } from './access-metrics.ts';
import type { HttpResponse } from './reply.ts';
import type { RequestInfo, ResourceRequest } from './request-info.ts';
import { version } from './version.ts';
import type { FrameEncoder } from './watch-frames.ts';

/** One request being measured. */
export interface Measure {
  end(response: HttpResponse): void;
}

const own = ['component', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'] as const;
const kind = ['group', 'resource', 'version'] as const;
const frameBytes = [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072];

/** The server's metrics, under the names and labels that Kubernetes gives them. */
export class ApiMetrics {
  readonly access = new AccessMetrics();
  readonly #clock: Clock;
  readonly #others: (() => string)[] = [];
  readonly #process = new ProcessMetrics();
  readonly #objectCount: (() => Promise<ReadonlyMap<string, number>>) | undefined;
  /** Of what is no longer served the last series go in time: thousands of definitions may come and go. */
  #isServed: IsServed = () => true;
  #waiting: ((mutating: boolean) => number) | undefined;
  readonly #requests = new NumberSeries(
    {
      type: 'counter',
      name: 'apiserver_request_total',
      help: 'Requests by verb, resource, scope and code.',
      labels: ['code', 'component', 'dry_run', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'],
    },
    (kind) => this.#isServed(kind),
  );
  readonly #durations = new HistogramSeries(
    {
      name: 'apiserver_request_duration_seconds',
      help: 'Seconds from the arrival of a request to its answer; long-running ones are not counted.',
      labels: ['component', 'dry_run', 'group', 'resource', 'scope', 'subresource', 'verb', 'version'],
      buckets: secondsBuckets,
    },
    (kind) => this.#isServed(kind),
  );
  readonly #sliDurations = new HistogramSeries(
    {
      name: 'apiserver_request_sli_duration_seconds',
      help: 'As apiserver_request_duration_seconds, without time spent in webhooks.',
      labels: own,
      buckets: secondsBuckets,
    },
    (kind) => this.#isServed(kind),
  );
  readonly #responseSizes = new HistogramSeries(
    {
      name: 'apiserver_response_sizes',
      help: 'Bytes of answers whose length is known before they are sent.',
      labels: own,
      buckets: [1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000],
    },
    (kind) => this.#isServed(kind),
  );
  readonly #inflight = new NumberSeries({
    type: 'gauge',
    name: 'apiserver_current_inflight_requests',
    help: 'Requests being handled now, long-running ones left out.',
    labels: ['request_kind'],
  });
  readonly #longRunning = new NumberSeries({
    type: 'gauge',
    name: 'apiserver_longrunning_requests',
    help: 'Watches, logs and streams that are open now.',
    labels: own,
  });
  readonly #watchEvents = new NumberSeries(
    {
      type: 'counter',
      name: 'apiserver_watch_events_total',
      help: 'Events sent to watches.',
      labels: kind,
    },
    (kind) => this.#isServed(kind),
  );
  readonly #watchSizes = new HistogramSeries(
    {
      name: 'apiserver_watch_events_sizes',
      help: 'Bytes of the events sent to watches.',
      labels: kind,
      buckets: frameBytes,
    },
    (kind) => this.#isServed(kind),
  );
  readonly #build = new NumberSeries({
    type: 'gauge',
    name: 'kubernetes_build_info',
    help: 'The release of Kubernetes whose API this is; its value is 1.',
    labels: ['git_version', 'major', 'minor', 'platform'],
  });

  constructor(clock: Clock, objectCount?: () => Promise<ReadonlyMap<string, number>>) {
    this.#clock = clock;
    this.#objectCount = objectCount;
    this.#build.add([version.gitVersion, version.major, version.minor, version.platform]);
    for (const each of ['mutating', 'readOnly']) this.#inflight.add([each], 0);
  }

  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

  /** All of them in the text format of Prometheus. */
  async text(): Promise<string> {
    const stored = new NumberSeries({
      type: 'gauge',
      name: 'apiserver_storage_objects',
      help: 'Objects stored, by resource.',
      labels: ['resource'],
    });
    const queued = new NumberSeries({
      type: 'gauge',
      name: 'apiserver_current_inqueue_requests',
      help: 'Requests that wait for their turn now.',
      labels: ['request_kind'],
    });
    for (const each of ['mutating', 'readOnly']) queued.add([each], this.#waiting?.(each === 'mutating') ?? 0);
    const counts = await this.#objectCount?.();
    for (const [resource, count] of counts ?? []) stored.add([resource], count);
    const series = [
      this.#requests,
      this.#durations,
      this.#sliDurations,
      this.#responseSizes,
      this.#inflight,
      this.#longRunning,
      this.#watchEvents,
      this.#watchSizes,
      this.#build,
      queued,
      stored,
    ];
    const others = this.#others.map((each) => each()).join('');
    return `${series.map((each) => each.text()).join('')}${this.access.text()}${others}${await this.#process.text()}`;
  }

  /** From where it is known which kinds there are still. */
  serves({
    find,
  }: {
    readonly find: (...kind: readonly [group: string, version: string, resource: string]) => unknown;
  }): void {
    this.#isServed = ({ group, version: served, resource }) => find(group, served, resource) !== undefined;
  }

  /** More of them, in the same format. */
  also(text: () => string): void {
    this.#others.push(text);
  }

  /** From where the number of requests that wait for their turn is read. */
  queues(waiting: (mutating: boolean) => number): void {
    this.#waiting = waiting;
  }

  /** Counts a request; `end` when it is answered. */
  begin(info: RequestInfo, request: HttpRequest, catalog: ResourceCatalog): Measure {
    const labels = labelsOf(info, request, catalog);
    const [, , , , , verb = ''] = labels;
    const long = verb === 'WATCH' || verb === 'CONNECT';
    const kindOf = [verb === 'GET' || verb === 'LIST' ? 'readOnly' : 'mutating'];
    const dryRun = info.isResource && /[?&]dryRun=All\b/.test(request.url ?? '') ? 'All' : '';
    const begun = this.#clock.now();
    if (long) this.#longRunning.add(labels);
    else this.#inflight.add(kindOf);
    return {
      end: (response) => {
        const [component = '', ...rest] = labels;
        this.#requests.add([String(response.statusCode), component, dryRun, ...rest]);
        if (long) {
          this.#longRunning.add(labels, -1);
          return;
        }
        this.#inflight.add(kindOf, -1);
        const took = (this.#clock.now() - begun) / 1000;
        this.#durations.observe([component, dryRun, ...rest], took);
        this.#sliDurations.observe(labels, took);
        const length = response.getHeader('content-length');
        if (typeof length === 'string') this.#responseSizes.observe(labels, Number(length));
      },
    };
  }

  /** Counts what a watch sends. */
  counting({ group, resource, version: served }: ServedResource, encode: FrameEncoder): FrameEncoder {
    const labels = [group, resource, served];
    return (type, value, alone) => {
      const frame = encode(type, value, alone);
      if (frame) {
        this.#watchEvents.add(labels);
        this.#watchSizes.observe(labels, frame.length);
      }
      return frame;
    };
  }
}

/** Paths that have a line of their own; what nobody serves must not grow the metrics. */
const ownPaths = /^\/(?:healthz|livez|readyz|version|metrics|api|apis|openapi\/v[23])(?=\/|$)/;

function labelsOf(info: RequestInfo, request: HttpRequest, catalog: ResourceCatalog): LabelValues {
  if (!info.isResource) {
    const path = ownPaths.exec(info.path)?.[0] ?? '';
    return ['', '', '', '', path, (request.method ?? 'GET').toUpperCase(), ''];
  }
  const served = catalog.find(info.group, info.version, info.resource);
  const subresource = served?.subresources.find((each) => each.name === info.subresource)?.name ?? '';
  if (!served) return ['apiserver', '', '', '', '', verbOf(info, request), ''];
  const { group, resource, version: apiVersion } = served;
  return ['apiserver', group, resource, scopeOf(info), subresource, verbOf(info, request), apiVersion];
}

function scopeOf({ name, namespace, verb }: ResourceRequest): string {
  if (name !== undefined || verb === 'create') return 'resource';
  return namespace === undefined ? 'cluster' : 'namespace';
}

const verbs: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };
const streams = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);

function verbOf({ verb, subresource = '' }: ResourceRequest, request: HttpRequest): string {
  if (streams.has(subresource)) return 'CONNECT';
  if (verb === 'patch' && String(request.headers['content-type'] ?? '').startsWith('application/apply-patch')) {
    return 'APPLY';
  }
  return verbs[verb] ?? verb.toUpperCase();
}
