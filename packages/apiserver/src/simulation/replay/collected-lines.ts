import type { ReconcileTrace } from '@keelson/core';
import { type KubernetesObject, keyOf, objectKey } from '@keelson/core';
import type { RecordedRequest, RecordedSight, RecordingLine } from '@keelson/core/recording';
import { requestText } from '../request-text.ts';
import {
  kindText,
  type RecordedKind,
  type RecordedReconcile,
  type RecordedSession,
  type RecordedWatch,
} from './history.ts';

/** A state of an object that the operator saw. */
export interface Sight {
  readonly at: number;
  /** The same, in the order of all that happened in that millisecond. */
  readonly toldAt: number;
  /** Its place in the order of all changes: what was seen later may have been done before. */
  readonly order: number;
  readonly how: RecordedSight['how'];
  readonly gone: boolean;
  readonly kind: RecordedKind;
  readonly key: string;
  readonly object: KubernetesObject;
  /** It was so at this moment at the latest: what a list tells was there when it was asked for. */
  readonly latest: number;
  /** It was there before the operator looked for the first time. */
  readonly initial: boolean;
}

export interface Call {
  readonly request: RecordedRequest;
  readonly session: number;
  readonly text: string;
}

/** The lines of a recording, by what they are about. */
export interface CollectedLines {
  readonly sessions: readonly RecordedSession[];
  /** By kind and key. */
  readonly sights: ReadonlyMap<string, readonly Sight[]>;
  readonly calls: readonly Call[];
  readonly watches: readonly RecordedWatch[];
  readonly traces: readonly Pick<RecordedReconcile, 'session' | 'trace' | 'lookedAt'>[];
  readonly dropped: number;
}

/** What no replay plays: it is the operator's own, of the server, or of nobody's concern. */
const leftOut: ReadonlySet<string> = new Set([
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
]);

type Sourced = Omit<Sight, 'latest'> & { readonly source: string | undefined };

interface Listing {
  readonly kind: RecordedKind;
  /** Whether it tells of all objects of the namespace, or of all. */
  readonly whole: boolean;
  readonly namespace: string | undefined;
  readonly begunAt: number;
  readonly keys: Set<string>;
}

/** Puts lines together; see `History` for what they say. */
export class LineCollector {
  readonly #sessions: (RecordedSession & { process: string })[] = [];
  readonly #sights = new Map<string, Sourced[]>();
  readonly #calls: Call[] = [];
  readonly #watches = new Map<string, RecordedWatch & Listing>();
  readonly #traces: Pick<RecordedReconcile, 'session' | 'trace' | 'lookedAt'>[] = [];
  /** When reconciles under way have begun, by their numbers. */
  readonly #begun = new Map<string, number>();
  readonly #order = new OrderOfMoments();
  /** Lists under way, by what is listed. */
  readonly #listings = new Map<string, Listing>();
  /** Keys that the pages of a list have told, by its number. */
  readonly #pages = new Map<string, string[]>();
  /** Kinds all of whose objects have been told once. */
  readonly #known = new Set<string>();
  /** When lists and watches were asked for, by their numbers. */
  readonly #asked = new Map<string, number>();
  #firstPart: string | undefined;
  #part = '';
  #dropped = 0;

  collect(lines: Iterable<RecordingLine>): CollectedLines {
    for (const each of lines) this.#take(each);
    return {
      sessions: this.#sessions,
      sights: new Map([...this.#sights].map(([id, all]) => [id, all.map((each) => this.#dated(each))])),
      calls: this.#calls,
      watches: [...this.#watches.values()],
      traces: this.#traces,
      dropped: this.#dropped,
    };
  }

  #dated({ source, ...sight }: Sourced): Sight {
    const asked = source === undefined ? undefined : this.#asked.get(source);
    return { ...sight, latest: Math.min(sight.at, asked ?? sight.at) };
  }

  get #session(): number {
    return this.#sessions.length - 1;
  }

  #take(line: RecordingLine): void {
    const last = this.#sessions.at(-1);
    if (line.is === 'recording') {
      this.#part = `${line.process} ${line.part}`;
      this.#firstPart ??= this.#part;
      if (last?.process !== line.process) {
        const { at, process, elects } = line;
        const leadsFrom = elects ? Number.POSITIVE_INFINITY : undefined;
        this.#sessions.push({ process, startedAt: at, endedAt: at, stopped: false, leadsFrom });
      }
      return;
    }
    if (last) this.#sessions[this.#session] = { ...last, ...ended(last, line) };
    const id = 'id' in line ? `${this.#session} ${line.id}` : '';
    if (line.is === 'dropped') this.#dropped += line.lines;
    else if (line.is === 'reconcile-begun') this.#begun.set(id, this.#order.place(line.at));
    else if (line.is === 'reconcile') this.#reconciled(line.trace);
    else if (line.is === 'request') this.#request(line, id);
    else if (line.is === 'seen') this.#seen(line);
    else if (line.is === 'watch') {
      const { group, version, resource, at, namespace, labelSelector, fieldSelector, from } = line;
      const kind = { group, version, resource };
      const whole = from === undefined && labelSelector === undefined && fieldSelector === undefined;
      this.#asked.set(id, at);
      const listing = { whole, namespace, begunAt: at, keys: new Set<string>() };
      this.#watches.set(id, {
        session: this.#session,
        kind,
        at,
        listedAt: undefined,
        endedAt: undefined,
        error: undefined,
        ...listing,
      });
    } else if (line.is === 'watch-listed') {
      const watch = this.#watches.get(id);
      if (!watch) return;
      this.#listedAll(watch, line.at);
      this.#watches.set(id, { ...watch, listedAt: line.at });
    } else if (line.is === 'watch-ended') {
      const watch = this.#watches.get(id);
      if (watch) this.#watches.set(id, { ...watch, endedAt: line.at, error: line.error });
    }
  }

  #reconciled(trace: ReconcileTrace): void {
    const session = this.#session;
    const id = `${session} ${trace.id}`;
    this.#traces.push({ session, trace, lookedAt: this.#begun.get(id) ?? trace.startedAt + trace.caughtUpMs });
    this.#begun.delete(id);
  }

  #request(request: RecordedRequest, id: string): void {
    const { group, version, resource, namespace, labelSelector, fieldSelector, at, tookMs } = request;
    const kind = { group, version, resource };
    if (leftOut.has(kindText(kind))) return;
    this.#calls.push({ request, session: this.#session, text: requestText(request) });
    if (request.verb !== 'list' || request.error) return;
    this.#asked.set(id, at);
    const what = [this.#session, kindText(kind), namespace, labelSelector, fieldSelector].join(' ');
    let listing = request.continued ? this.#listings.get(what) : undefined;
    if (!listing) {
      const whole = labelSelector === undefined && fieldSelector === undefined;
      listing = { kind, whole, namespace, begunAt: at, keys: new Set() };
      this.#listings.set(what, listing);
    }
    for (const key of this.#pages.get(id) ?? []) listing.keys.add(key);
    this.#pages.delete(id);
    if (!request.continues) this.#listedAll(listing, at + tookMs);
  }

  #seen(line: RecordedSight): void {
    const { group, version, resource, object, how, at, of } = line;
    const kind = { group, version, resource };
    if (leftOut.has(kindText(kind)) || line.metadataOnly) return;
    const key = keyOf(object);
    const source = how === 'listed' ? `${this.#session} ${of}` : undefined;
    if (source !== undefined) {
      const watch = this.#watches.get(source);
      if (watch) watch.keys.add(key);
      else this.#pages.set(source, [...(this.#pages.get(source) ?? []), key]);
    }
    const initial =
      (how === 'listed' && !this.#known.has(kindText(kind))) ||
      (how === 'kept' && this.#part === this.#firstPart) ||
      (how === 'read' && createdAt(object) < (this.#sessions[0]?.startedAt ?? 0));
    const order = Number(object.metadata.resourceVersion);
    if (!Number.isFinite(order)) return;
    const toldAt = this.#order.place(at);
    this.#add({ at, toldAt, order, how, gone: how === 'deleted', kind, key, object, initial, source });
  }

  #add(sight: Sourced): void {
    const id = objectId(sight.kind, sight.key);
    const known = this.#sights.get(id);
    if (known) known.push(sight);
    else this.#sights.set(id, [sight]);
  }

  /** What was known and is no longer listed has gone meanwhile. */
  #listedAll({ kind, whole, namespace, begunAt, keys }: Listing, at: number): void {
    const first = !this.#known.has(kindText(kind));
    this.#known.add(kindText(kind));
    if (first || !whole) return;
    for (const sights of this.#sights.values()) {
      const last = sights.reduce((latest, each) => (each.order > latest.order ? each : latest));
      if (kindText(last.kind) !== kindText(kind) || last.gone || last.at > begunAt || keys.has(last.key)) continue;
      if (namespace !== undefined && last.object.metadata.namespace !== namespace) continue;
      sights.push({
        ...last,
        at,
        toldAt: this.#order.place(at),
        order: last.order + 0.5,
        how: 'deleted',
        gone: true,
        initial: false,
        source: undefined,
      });
    }
  }
}

/** What is simulated happens at the beginning of a millisecond, what was recorded of it after that. */
const firstPlace = 0.25;
/** As much as a time of today can be told from another as a number. */
const placesInMs = 2 ** 11;

/** Recordings tell milliseconds, in each of which much may happen: a line after another. */
class OrderOfMoments {
  #at = Number.NaN;
  #count = 0;

  place(at: number): number {
    if (at !== this.#at) {
      this.#at = at;
      this.#count = 0;
    }
    // What comes back to a moment, as when a clock is set, or is one of too many, has no place of its own.
    this.#count = Math.min(this.#count + 1, placesInMs / 2);
    return at + firstPlace + this.#count / placesInMs;
  }
}

function ended(session: RecordedSession, line: RecordingLine): Partial<RecordedSession> {
  const leads = line.is === 'reconcile' && session.leadsFrom !== undefined;
  return {
    endedAt: Math.max(session.endedAt, line.at),
    ...(line.is === 'stopped' && { stopped: true }),
    ...(leads && { leadsFrom: Math.min(session.leadsFrom, line.trace.startedAt) }),
  };
}

export const objectId = (kind: RecordedKind, key: string): string => `${kindText(kind)} ${key}`;

/** Of the object that a request is about; of one that the server has named, by the answer. */
export function targetOf({ namespace, name, made, body }: RecordedRequest): string | undefined {
  const own = name ?? made?.name ?? nameIn(body);
  return own === undefined ? undefined : objectKey({ name: own, ...(namespace !== undefined && { namespace }) });
}

function nameIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('metadata' in body)) return undefined;
  const { metadata } = body;
  if (typeof metadata !== 'object' || metadata === null || !('name' in metadata)) return undefined;
  return typeof metadata.name === 'string' ? metadata.name : undefined;
}

function createdAt({ metadata }: KubernetesObject): number {
  return metadata.creationTimestamp === undefined ? 0 : Date.parse(metadata.creationTimestamp);
}
