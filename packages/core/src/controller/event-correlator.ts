import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { type Clock, timestamp } from '../machinery/index.ts';
import type { EventOptions } from './event-recorder.ts';
import { EventSpamFilter } from './event-spam-filter.ts';

/** Something that happened to an object, as somebody tells it. */
export interface Occurrence {
  readonly type: ResourceType;
  readonly object: KubernetesObject;
  readonly kind: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly host: string | undefined;
  readonly options?: EventOptions | undefined;
}

/** What an Event is to say by now. */
export interface Correlated {
  /** Of the Event that counts it. */
  readonly key: string;
  readonly message: string;
  readonly first: string;
  readonly last: string;
  readonly count: number;
  /** It counts similar ones together; such an Event names no reporting component, as client-go writes it. */
  readonly together: boolean;
  /** `false`: one source says too much about one object; it is counted, and told with the next one that is allowed. */
  readonly allowed: boolean;
}

/** Numbers of client-go's recorder (tools/record): so many messages have an Event of their own … */
const mostSingle = 9;
/** … and similar ones belong together as long as they are not further apart. */
const similarMs = 600_000;
const mostRemembered = 4_096;
const combined = '(combined from similar events): ';

interface Counted {
  count: number;
  readonly first: string;
}

interface Similar {
  readonly messages: Set<string>;
  at: number;
}

/**
 * Which occurrences are told by one Event, as client-go correlates them: equal ones are counted; where about one object
 * more than nine messages differ and nothing else does, further ones are counted together; and one source may tell of one
 * object 25 at once, then one in five minutes. Remembers the last 4,096 of each.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #spam: EventSpamFilter;
  readonly #counted = new Map<string, Counted>();
  readonly #similar = new Map<string, Similar>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#spam = new EventSpamFilter(clock);
  }

  correlate(occurrence: Occurrence): Correlated {
    const about = aboutOf(occurrence);
    const similar = [about, occurrence.kind, occurrence.reason].join('\n');
    const together = this.#belongTogether(similar, occurrence.message);
    const key = together ? similar : `${similar}\n${occurrence.message}`;
    const last = timestamp(this.#clock);
    const known = this.#counted.get(key);
    const counted = { count: (known?.count ?? 0) + 1, first: known?.first ?? last };
    remember(this.#counted, key, counted);
    const message = together ? `${combined}${occurrence.message}` : occurrence.message;
    return { key, message, last, ...counted, together, allowed: this.#spam.allows(about) };
  }

  #belongTogether(key: string, message: string): boolean {
    const now = this.#clock.now();
    const known = this.#similar.get(key);
    const similar = known && now - known.at <= similarMs ? known : { messages: new Set<string>(), at: now };
    similar.at = now;
    remember(this.#similar, key, similar);
    if (similar.messages.has(message)) return false;
    if (similar.messages.size === mostSingle) return true;
    similar.messages.add(message);
    return false;
  }
}

/** Who speaks about what. */
function aboutOf({ type, object, component, host }: Occurrence): string {
  const { namespace, name, uid } = object.metadata;
  return [component, host, type.group, type.version, type.kind, namespace, name, uid].join('\n');
}

/** What was not used for longest goes first. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= mostRemembered) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
