import { apiVersionOf, Event } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Clock, Random } from '../machinery/index.ts';
import { isStatusError } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import { type Correlated, EventCorrelator, type Occurrence } from './event-correlator.ts';
import type { EventRecorder } from './event-recorder.ts';

/** Through whom a recorder writes events, and in whose name. */
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

/** An Event that has been written. */
interface Written {
  readonly name: string;
  readonly namespace: string;
}

interface Waiting {
  readonly occurrence: Occurrence;
  readonly correlated: Correlated;
}

const longestQueue = 1_000;
const mostRemembered = 4_096;
const attempts = 5;
const firstBackOffMs = 500;

/**
 * Writes events one after the other in the background, correlated as client-go does it: what is equal to one that waits or
 * was written is counted on it.
 */
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
  readonly #waiting = new Map<string, Waiting>();
  readonly #written = new Map<string, Written>();
  readonly #correlator: EventCorrelator;
  readonly #abort = new AbortController();
  #working: Promise<void> | undefined;
  #dropped = 0;
  #sequence = 0;
  #stopped = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#logger = options.logger.named('events');
    this.#correlator = new EventCorrelator(options.clock);
  }

  add(occurrence: Occurrence): void {
    if (this.#stopped) return;
    const correlated = this.#correlator.correlate(occurrence);
    const { key } = correlated;
    const waits = this.#waiting.has(key);
    if (!waits && !correlated.allowed) return;
    if (!waits && this.#waiting.size >= longestQueue) {
      this.#dropped += 1;
      if (this.#dropped === 1) this.#logger.warn('events come faster than they are written; some are dropped');
      return;
    }
    this.#waiting.set(key, { occurrence, correlated });
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
        await this.#send(waiting);
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

  async #send({ occurrence, correlated }: Waiting): Promise<void> {
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

  #remember(key: string, written: Written): void {
    this.#written.delete(key);
    this.#written.set(key, written);
    if (this.#written.size > mostRemembered) this.#written.delete(first(this.#written)![0]);
  }

  #compose(
    { type, object, kind, reason, component, host }: Occurrence,
    { message, count, together, ...times }: Correlated,
  ) {
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
      reportingComponent: together ? '' : component,
      reportingInstance: host ?? '',
      firstTimestamp: times.first,
      lastTimestamp: times.last,
      count,
    };
  }
}

function first<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  const next = map.entries().next();
  return next.done ? undefined : next.value;
}
