import type { Clock } from '@keelson/core';
import { HistogramSeries, type IsServed, NumberSeries, secondsBuckets } from '@keelson/core/metrics';
import { rootPrefix } from '../registry/storage-keys.ts';
import type { ListOptions, ReadOptions, Revision, Storage, StorageEvent, WriteOptions } from '../storage/contract.ts';

/** Group and resource of the kind below whose prefix a key lies; `undefined`: of none. */
export type KindOfPrefix = (prefix: string) => readonly [group: string, resource: string] | undefined;

const ofRequests = ['group', 'operation', 'resource'];
const mostKinds = 10_000;

/** A store whose requests and events are counted, under the names that Kubernetes gives those of etcd. */
export class MeasuredStorage implements Storage {
  readonly #store: Storage;
  readonly #clock: Clock;
  readonly #kindOf: KindOfPrefix;
  readonly #kinds = new Map<string, readonly [string, string]>();
  readonly #durations: HistogramSeries;
  readonly #errors: NumberSeries;
  readonly #requests: NumberSeries;
  readonly #events: NumberSeries;

  /** @param isServed whether there is a kind still: series of those that are gone are forgotten in time */
  constructor(store: Storage, clock: Clock, kindOf: KindOfPrefix, isServed: IsServed) {
    this.#store = store;
    this.#clock = clock;
    this.#kindOf = kindOf;
    const counter = (name: string, help: string, labels = ofRequests) =>
      new NumberSeries({ type: 'counter', name, help, labels }, isServed);
    this.#durations = new HistogramSeries(
      {
        name: 'etcd_request_duration_seconds',
        help: 'Seconds that a request to the store takes.',
        labels: ofRequests,
        buckets: secondsBuckets,
      },
      isServed,
    );
    this.#errors = counter('etcd_request_errors_total', 'Requests to the store that failed.');
    this.#requests = counter('etcd_requests_total', 'Requests to the store.');
    this.#events = counter('apiserver_watch_cache_events_received_total', 'Changes that the watch cache has seen.', [
      'group',
      'resource',
    ]);
  }

  /** In the text format of Prometheus. */
  text(): string {
    return [this.#durations, this.#errors, this.#requests, this.#events].map((each) => each.text()).join('');
  }

  currentRevision(): Revision {
    return this.#store.currentRevision();
  }

  waitFor(revision: Revision, signal: AbortSignal): Promise<void> {
    return this.#store.waitFor(revision, signal);
  }

  get(key: string, options?: ReadOptions) {
    return this.#timed('get', key, this.#store.get(key, options));
  }

  list(prefix: string, options?: ListOptions) {
    return this.#timed('list', prefix, this.#store.list(prefix, options));
  }

  count(prefix: string): Promise<number> {
    return this.#store.count(prefix);
  }

  create(key: string, value: Uint8Array, options?: WriteOptions) {
    return this.#timed('create', key, this.#store.create(key, value, options));
  }

  update(key: string, value: Uint8Array, expected: Revision, options?: WriteOptions) {
    return this.#timed('update', key, this.#store.update(key, value, expected, options));
  }

  delete(key: string, expected: Revision) {
    return this.#timed('delete', key, this.#store.delete(key, expected));
  }

  async *watch(prefix: string, from: Revision, signal: AbortSignal): AsyncGenerator<readonly StorageEvent[]> {
    for await (const batch of this.#store.watch(prefix, from, signal)) {
      // Only the watch of everything feeds the cache.
      if (prefix === rootPrefix) for (const { key } of batch) this.#events.add(this.#kindAt(key));
      yield batch;
    }
  }

  compact(revision: Revision): Promise<void> {
    return this.#store.compact(revision);
  }

  freeze() {
    return this.#store.freeze();
  }

  healthy(): Promise<void> {
    return this.#store.healthy();
  }

  isStale(key: string, value: Uint8Array): boolean {
    return this.#store.isStale?.(key, value) ?? false;
  }

  async keysHealthy(): Promise<void> {
    await this.#store.keysHealthy?.();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #timed<Answer>(operation: string, key: string, answer: Promise<Answer>): Promise<Answer> {
    const begun = this.#clock.now();
    const [group, resource] = this.#kindAt(key);
    const values = [group, operation, resource];
    const done = () => {
      this.#requests.add(values);
      this.#durations.observe(values, (this.#clock.now() - begun) / 1000);
    };
    answer.then(done, () => {
      done();
      this.#errors.add(values);
    });
    return answer;
  }

  #kindAt(key: string): readonly [string, string] {
    const first = key.indexOf('/', rootPrefix.length) + 1;
    const short = key.slice(0, first);
    const ofOne = this.#kinds.get(short);
    if (ofOne) return ofOne;
    // Those of custom kinds and of a few others have two parts.
    const long = key.slice(0, key.indexOf('/', first) + 1);
    return this.#kinds.get(long) ?? this.#learn(short) ?? this.#learn(long) ?? ['', ''];
  }

  #learn(prefix: string): readonly [string, string] | undefined {
    const found = this.#kindOf(prefix);
    if (this.#kinds.size >= mostKinds) this.#kinds.clear();
    if (found) this.#kinds.set(prefix, found);
    return found;
  }
}
