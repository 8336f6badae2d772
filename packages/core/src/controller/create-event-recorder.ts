import { apiVersionOf, Event, EventsV1Event, type KubernetesObject, type ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Clock, Random } from '../machinery/index.ts';
import { isStatusError } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { type Correlated, EventCorrelator, type Occurrence } from './event-correlator.ts';
import type { EventRecorder } from './event-recorder.ts';
import { type EventSeries, EventSeriesBook, seriesEndsMs } from './event-series.ts';

/** Through whom a recorder writes events, and in whose name. */
export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Who speaks until `as` says otherwise. */
  readonly component: string;
  /** The machine's name, by which Events of events.k8s.io tell the component's instances apart. */
  readonly machine?: string;
}

/** A recorder that can be ended: `stop` writes what waits, until the signal is aborted. */
export interface StoppableEventRecorder extends EventRecorder {
  stop(signal: AbortSignal): Promise<void>;
}

/** An Event that has been written. */
interface Written {
  readonly name: string;
  readonly namespace: string;
}

type Waiting =
  | { readonly occurrence: Occurrence; readonly correlated: Correlated }
  | { readonly occurrence: Occurrence; readonly series: EventSeries };

const longestQueue = 1_000;
const mostRemembered = 4_096;
const attempts = 5;
const firstBackOffMs = 500;
/** Of events.k8s.io; an API server takes no more. */
const longestNote = 1_024;

/**
 * Writes events one after the other in the background, correlated as client-go does it: what is equal to one that waits or
 * was written is counted on it.
 */
export function createEventRecorder(options: EventRecorderOptions): StoppableEventRecorder {
  const queue = new EventQueue(options);
  const speaking = (component: string, host?: string): EventRecorder => ({
    event: (type, object, kind, reason, message, options) =>
      queue.add({ type, object, kind, reason, message, component, host, options }),
    as: speaking,
  });
  return { ...speaking(options.component), stop: (signal) => queue.stop(signal) };
}

class EventQueue {
  readonly #options: EventRecorderOptions;
  readonly #logger: Logger;
  readonly #waiting = new Map<string, Waiting>();
  readonly #written = new Map<string, Written>();
  readonly #correlator: EventCorrelator;
  readonly #series: EventSeriesBook;
  readonly #abort = new AbortController();
  #cancelSweep: (() => void) | undefined;
  #working: Promise<void> | undefined;
  #dropped = 0;
  #sequence = 0;
  #stopped = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#logger = options.logger.named('events');
    this.#correlator = new EventCorrelator(options.clock);
    this.#series = new EventSeriesBook(options.clock);
  }

  add(occurrence: Occurrence): void {
    if (this.#stopped) return;
    const { options } = occurrence;
    if (options) {
      this.#tell(this.#series.observe({ ...occurrence, options }));
      return;
    }
    const correlated = this.#correlator.correlate(occurrence);
    const { key } = correlated;
    if (correlated.allowed || this.#waiting.has(key)) this.#queue(key, { occurrence, correlated });
  }

  #tell(series: EventSeries | undefined): void {
    if (series) this.#queue(series.key, { occurrence: series.action, series });
    this.#cancelSweep ??= this.#options.clock.after(seriesEndsMs, () => {
      this.#cancelSweep = undefined;
      for (const each of this.#series.sweep()) this.#tell(each);
      if (this.#series.size > 0) this.#tell(undefined);
    });
  }

  #queue(key: string, waiting: Waiting): void {
    if (!this.#waiting.has(key) && this.#waiting.size >= longestQueue) {
      this.#dropped += 1;
      if (this.#dropped === 1) this.#logger.warn('events come faster than they are written; some are dropped');
      return;
    }
    this.#waiting.set(key, waiting);
    this.#working ??= this.#work();
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#cancelSweep?.();
    for (const series of this.#series.end()) this.#queue(series.key, { occurrence: series.action, series });
    const abort = () => this.#abort.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    await this.#working;
    signal.removeEventListener('abort', abort);
  }

  async #work(): Promise<void> {
    // Not within `add`: whoever records an event does not wait for any of this.
    await Promise.resolve();
    for (let next = first(this.#waiting); next && !this.#abort.signal.aborted; next = first(this.#waiting)) {
      const [key, waiting] = next;
      this.#waiting.delete(key);
      await this.#write(waiting);
    }
    this.#dropped = 0;
    this.#working = undefined;
  }

  async #write(waiting: Waiting): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#abort;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if ('series' in waiting) await this.#sendSeries(waiting.series);
        else await this.#send(waiting);
        return;
      } catch (error) {
        if (signal.aborted) return;
        // A refusal (a namespace that is going, a forbidden user) stays one; all else may pass.
        const refused = isStatusError(error) && error.code < 500 && error.code !== 429;
        const { reason, message } = waiting.occurrence;
        const fields = { reason, message, error };
        if (refused || attempt + 1 >= attempts) {
          this.#logger[refused ? 'debug' : 'warn']('an event was not written', fields);
          return;
        }
        try {
          await clock.sleep(firstBackOffMs * 2 ** attempt * (0.5 + random()), signal);
        } catch (aborted) {
          this.#logger.debug('an event was not written before the stop', { ...fields, aborted });
          return;
        }
      }
    }
  }

  async #send({ occurrence, correlated }: Exclude<Waiting, { series: EventSeries }>): Promise<void> {
    const { client } = this.#options;
    const { signal } = this.#abort;
    const { key, count, last, message } = correlated;
    const written = this.#written.get(key);
    if (written) {
      try {
        await client.patch(Event, written, { merge: { count, lastTimestamp: last, message } }, { signal });
        this.#remember(key, written);
        return;
      } catch (error) {
        // Events are kept for an hour only.
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
    const created = this.#compose(occurrence, correlated);
    await client.create(Event, created, { signal });
    const { name, namespace } = created.metadata;
    this.#remember(key, { name, namespace });
  }

  async #sendSeries(told: EventSeries): Promise<void> {
    const { client } = this.#options;
    const { signal } = this.#abort;
    if (told.written) {
      try {
        await client.patch(EventsV1Event, told.written, { merge: { series: told.series } }, { signal });
        return;
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
    const created = this.#composeSeries(told);
    await client.create(EventsV1Event, created, { signal });
    told.written = created.metadata;
  }

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    if (this.#written.size > mostRemembered) this.#written.delete(first(this.#written)![0]);
  }

  #compose(
    { type, object, kind, reason, component, host }: Occurrence,
    { message, count, together, ...times }: Correlated,
  ) {
    return {
      metadata: this.#nameFor(object),
      involvedObject: referenceTo(type, object),
      type: kind,
      reason,
      message,
      source: { component, ...(host && { host }) },
      reportingComponent: together ? '' : component,
      reportingInstance: host ?? '',
      firstTimestamp: times.first,
      lastTimestamp: times.last,
      count,
    };
  }

  #composeSeries({ action: told, eventTime, series }: EventSeries) {
    const { type, object, kind, reason, message, component, host, options } = told;
    const { machine } = this.#options;
    const { action, related } = options;
    return {
      metadata: this.#nameFor(object),
      eventTime,
      ...(series && { series }),
      reportingController: component,
      reportingInstance: host ?? (machine === undefined ? component : `${component}-${machine}`),
      action,
      reason,
      regarding: referenceTo(type, object),
      ...(related && { related: referenceTo(related.type, related.object) }),
      note: message.slice(0, longestNote),
      type: kind,
    };
  }

  /** Unique, and beside the object. */
  #nameFor({ metadata: { name, namespace = 'default' } }: KubernetesObject): Written {
    this.#sequence += 1;
    const unique = (BigInt(this.#options.clock.now()) * 1_000_000n + BigInt(this.#sequence % 1_000_000)).toString(16);
    return { name: `${name.slice(0, 253 - 1 - unique.length)}.${unique}`, namespace };
  }
}

function referenceTo(type: ResourceType, { metadata }: KubernetesObject) {
  const { name, namespace = 'default', uid, resourceVersion } = metadata;
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    name,
    ...(type.namespaced && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  };
}

function first<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  const next = map.entries().next();
  return next.done ? undefined : next.value;
}
