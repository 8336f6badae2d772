import { apiVersionOf, Event, type KubernetesObject, type ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Clock, Random } from '../machinery/index.ts';
import { isStatusError, timestamp } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { EventRecorder } from './event-recorder.ts';
import { EventSpamFilter } from './event-spam-filter.ts';

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Who speaks until `as` says otherwise. */
  readonly component: string;
}

/** A recorder that can be ended: `stop` writes what waits, until the signal is aborted. */
export interface StoppableEventRecorder extends EventRecorder {
  stop(signal: AbortSignal): Promise<void>;
}

interface Occurrence {
  readonly type: ResourceType;
  readonly object: KubernetesObject;
  readonly kind: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly host: string | undefined;
  readonly first: string;
  last: string;
  count: number;
}

interface Written {
  readonly name: string;
  readonly namespace: string;
  readonly first: string;
  readonly at: number;
  count: number;
}

const longestQueue = 1_000;
const mostRemembered = 4_096;
/** Kubernetes counts equal events on one object for this long. */
const aggregationMs = 600_000;
const attempts = 5;
const firstBackOffMs = 500;

/** Writes events one after the other in the background; what is equal to one that waits or was written is counted on it. */
export function createEventRecorder(options: EventRecorderOptions): StoppableEventRecorder {
  const queue = new EventQueue(options);
  const speaking = (component: string, host?: string): EventRecorder => ({
    event: (type, object, kind, reason, message) => queue.add({ type, object, kind, reason, message, component, host }),
    as: speaking,
  });
  return { ...speaking(options.component), stop: (signal) => queue.stop(signal) };
}

class EventQueue {
  readonly #options: EventRecorderOptions;
  readonly #logger: Logger;
  readonly #waiting = new Map<string, Occurrence>();
  readonly #written = new Map<string, Written>();
  readonly #spam: EventSpamFilter;
  readonly #abort = new AbortController();
  #working: Promise<void> | undefined;
  #dropped = 0;
  #sequence = 0;
  #stopped = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#logger = options.logger.named('events');
    this.#spam = new EventSpamFilter(options.clock);
  }

  add(occurrence: Omit<Occurrence, 'first' | 'last' | 'count'>): void {
    if (this.#stopped || !this.#spam.allows(sourceAndObject(occurrence))) return;
    const now = timestamp(this.#options.clock);
    const key = aggregationKey(occurrence);
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.count += 1;
      waiting.last = now;
      return;
    }
    if (this.#waiting.size >= longestQueue) {
      this.#dropped += 1;
      if (this.#dropped === 1) this.#logger.warn('events come faster than they are written; some are dropped');
      return;
    }
    this.#waiting.set(key, { ...occurrence, first: now, last: now, count: 1 });
    this.#working ??= this.#work();
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopped = true;
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
      const [key, occurrence] = next;
      this.#waiting.delete(key);
      await this.#write(key, occurrence);
    }
    this.#dropped = 0;
    this.#working = undefined;
  }

  async #write(key: string, occurrence: Occurrence): Promise<void> {
    const { clock, random } = this.#options;
    const { signal } = this.#abort;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#send(key, occurrence);
        return;
      } catch (error) {
        if (signal.aborted) return;
        // A refusal (a namespace that is going, a forbidden user) stays one; all else may pass.
        const refused = isStatusError(error) && error.code < 500 && error.code !== 429;
        const fields = { reason: occurrence.reason, message: occurrence.message, error };
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

  async #send(key: string, occurrence: Occurrence): Promise<void> {
    const { client, clock } = this.#options;
    const { signal } = this.#abort;
    const written = this.#written.get(key);
    if (written && clock.now() - written.at < aggregationMs) {
      const count = written.count + occurrence.count;
      try {
        await client.patch(Event, written, { merge: { count, lastTimestamp: occurrence.last } }, { signal });
        this.#remember(key, { ...written, count, at: clock.now() });
        return;
      } catch (error) {
        // Events are kept for an hour only; the next one begins a new count.
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
    const created = this.#compose(occurrence);
    await client.create(Event, created, { signal });
    const { name, namespace } = created.metadata;
    this.#remember(key, { name, namespace, first: occurrence.first, count: occurrence.count, at: clock.now() });
  }

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    if (this.#written.size > mostRemembered) this.#written.delete(first(this.#written)![0]);
  }

  #compose({ type, object, kind, reason, message, component, host, first: since, last, count }: Occurrence) {
    const { name, namespace = 'default', uid, resourceVersion } = object.metadata;
    this.#sequence += 1;
    const unique = (BigInt(this.#options.clock.now()) * 1_000_000n + BigInt(this.#sequence % 1_000_000)).toString(16);
    return {
      metadata: { name: `${name.slice(0, 253 - 1 - unique.length)}.${unique}`, namespace },
      involvedObject: {
        apiVersion: apiVersionOf(type),
        kind: type.kind,
        name,
        ...(type.namespaced && { namespace }),
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      },
      type: kind,
      reason,
      message,
      source: { component, ...(host && { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
      firstTimestamp: since,
      lastTimestamp: last,
      count,
    };
  }
}

function sourceAndObject({
  type,
  object,
  component,
  host,
}: Pick<Occurrence, 'type' | 'object' | 'component' | 'host'>) {
  const { namespace, name, uid } = object.metadata;
  return [component, host, type.group, type.kind, namespace, name, uid].join('\n');
}

function aggregationKey(
  occurrence: Pick<Occurrence, 'type' | 'object' | 'kind' | 'reason' | 'message' | 'component' | 'host'>,
): string {
  const { type, object, kind, reason, message, component, host } = occurrence;
  const { namespace, name, uid } = object.metadata;
  return [type.group, type.kind, namespace, name, uid, kind, reason, message, component, host].join('\n');
}

function first<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  const next = map.entries().next();
  return next.done ? undefined : next.value;
}
