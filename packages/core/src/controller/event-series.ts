import { type Clock, microTimestamp } from '../machinery/index.ts';
import type { Occurrence } from './event-correlator.ts';
import type { EventOptions } from './event-recorder.ts';

/** An occurrence of events.k8s.io. */
export interface Action extends Occurrence {
  readonly options: EventOptions;
}

/** An Event of events.k8s.io, and those that are counted on it. */
export interface EventSeries {
  readonly key: string;
  readonly action: Action;
  readonly eventTime: string;
  series: { readonly count: number; readonly lastObservedTime: string } | undefined;
  /** Of the Event, once it is written. */
  written: { readonly name: string; readonly namespace: string } | undefined;
  /** When something of it happened last, and when it was told last; milliseconds since the epoch. */
  at: number;
  toldAt: number;
  /** How many of them were told. */
  told: number;
}

/** Numbers of client-go's recorder (tools/events): a series ends when nothing came for so long … */
export const seriesEndsMs = 360_000;
/** … and one that goes on is told again after so long. */
const refreshMs = 1_800_000;
const mostRemembered = 4_096;

/**
 * Which occurrences are one series, as client-go counts them: equal ones, whatever is said of them, about an object that
 * has not changed. The first makes an Event, the second makes a series of it; further ones are told when it ends, or
 * after half an hour. Remembers the last 4,096.
 */
export class EventSeriesBook {
  readonly #clock: Clock;
  readonly #open = new Map<string, EventSeries>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** What is to be written now; nothing where it is only counted. */
  observe(action: Action): EventSeries | undefined {
    const now = this.#clock.now();
    const key = keyOfSeries(action);
    const known = this.#open.get(key);
    if (!known) {
      const eventTime = microTimestamp(this.#clock);
      const fresh = { key, action, eventTime, series: undefined, written: undefined, at: now, toldAt: now, told: 1 };
      this.#remember(fresh);
      return fresh;
    }
    known.at = now;
    known.series = { count: (known.series?.count ?? 1) + 1, lastObservedTime: microTimestamp(this.#clock) };
    this.#remember(known);
    return known.series.count === 2 ? this.#toTell(known) : undefined;
  }

  /** Those of which something is to be told now; forgets those that have ended. To be called every `seriesEndsMs`. */
  sweep(): readonly EventSeries[] {
    const now = this.#clock.now();
    const due: EventSeries[] = [];
    for (const [key, each] of this.#open) {
      const ended = now - each.at >= seriesEndsMs;
      if (ended) this.#open.delete(key);
      if (isUntold(each) && (ended || now - each.toldAt >= refreshMs)) due.push(this.#toTell(each));
    }
    return due;
  }

  /** All of which not everything was told. */
  end(): readonly EventSeries[] {
    const untold = [...this.#open.values()].filter(isUntold).map((each) => this.#toTell(each));
    this.#open.clear();
    return untold;
  }

  #toTell(series: EventSeries): EventSeries {
    series.toldAt = this.#clock.now();
    series.told = series.series?.count ?? 1;
    return series;
  }

  /** What was not heard of for longest goes first. */
  #remember(series: EventSeries): void {
    this.#open.delete(series.key);
    this.#open.set(series.key, series);
    if (this.#open.size <= mostRemembered) return;
    for (const oldest of this.#open.keys()) {
      this.#open.delete(oldest);
      return;
    }
  }
}

const isUntold = ({ series, told }: EventSeries) => (series?.count ?? 1) > told;

function keyOfSeries({ type, object, kind, reason, component, host, options: { action, related } }: Action): string {
  const of = ({ namespace, name, uid, resourceVersion }: Action['object']['metadata']) =>
    [namespace, name, uid, resourceVersion].join('/');
  const other = related ? [related.type.group, related.type.kind, of(related.object.metadata)] : [];
  return [kind, action, reason, component, host, type.group, type.kind, of(object.metadata), ...other].join('\n');
}
