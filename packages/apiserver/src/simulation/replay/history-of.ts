import { deepEqual, isJsonArray, isJsonObject, type KubernetesObject } from '@keelson/core';
import { groupBy } from '@keelson/core/machinery';
import type { RecordingLine } from '@keelson/core/recording';
import { type Call, LineCollector, objectId, type Sight, targetOf } from './collected-lines.ts';
import { type ForeignChange, type History, kindText, type RecordedCall, type RecordedObject } from './history.ts';

interface Done {
  order: number;
  /** It was done at this moment at the latest. */
  latest: number;
}

interface OwnCall extends Call, Done {
  seenAt: number | undefined;
  toldAt: number | undefined;
  effective: boolean;
}

type Change = Omit<ForeignChange, 'at'> & Done;

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** A write whose answer was lost is looked for among what was seen so long after it. */
const lostForMs = 60_000;

/** Puts in order what a recording says: what was there, what others did, and what the operator did. */
export function historyOf(lines: Iterable<RecordingLine>): History {
  const { sessions, sights, calls: collected, watches, traces, dropped } = new LineCollector().collect(lines);
  const startedAt = sessions[0]?.startedAt ?? 0;
  const calls = withNames(collected, sights).map((each): OwnCall => {
    const { at, tookMs, resourceVersion, verb } = each.request;
    const order = writes.has(verb) ? Number(resourceVersion ?? Number.NaN) : Number.NaN;
    return { ...each, order, latest: at + tookMs, seenAt: undefined, toldAt: undefined, effective: false };
  });
  const byTarget = groupBy(
    calls.filter(({ request }) => writes.has(request.verb) && !request.dryRun),
    ({ request }) => objectId(request, targetOf(request) ?? ''),
  );
  const initial: RecordedObject[] = [];
  const changes: Change[] = [];
  for (const [id, all] of sights) {
    const versions = distinct(all);
    const own = new OwnVersions(byTarget.get(id) ?? [], versions);
    let before: KubernetesObject | undefined;
    for (const sight of versions) {
      const { kind, key, object, at, toldAt, latest, gone, order } = sight;
      const foreign = own.take(sight);
      const change = { kind, key, seenAt: at, toldAt, latest, order };
      const another = before !== undefined && before.metadata.uid !== object.metadata.uid;
      if (before && another) changes.push({ ...change, how: 'gone', before, after: before });
      const known = another ? undefined : before;
      if (!foreign || (gone && !known)) {
        // Its own doing, or the end of what was never seen.
      } else if (gone) changes.push({ ...change, how: 'gone', before: known, after: object });
      else if (known) changes.push({ ...change, how: 'changed', before: known, after: object });
      else if (own.made(object))
        changes.push({ ...change, how: 'changed', before: withoutStatus(object), after: object });
      else if (sight.initial) initial.push({ kind, object });
      else changes.push({ ...change, how: 'made', before: undefined, after: object });
      before = gone ? undefined : object;
    }
  }
  placeInTime([...changes, ...calls.filter(({ order, effective }) => effective && Number.isFinite(order))]);
  const recorded = calls.map(
    ({ request, session, text, latest, seenAt, toldAt, effective }): RecordedCall => ({
      request,
      session,
      text,
      effectAt: Math.max(request.at, latest),
      seenAt,
      toldAt,
      effective,
    }),
  );
  const byReconcile = groupBy(
    recorded.filter(({ effective }) => effective),
    ({ session, request }) => `${session} ${request.reconcile}`,
  );
  return {
    startedAt,
    endedAt: Math.max(startedAt, ...sessions.map(({ endedAt }) => endedAt)),
    sessions,
    initial,
    changes: changes
      .map(({ latest, order, ...rest }) => ({ ...rest, at: Math.max(startedAt, latest), order }))
      .sort((left, right) => left.at - right.at || left.order - right.order)
      .map(({ order: _, ...rest }) => rest),
    calls: recorded,
    watches,
    reconciles: traces.map(({ session, trace, lookedAt }) => ({
      session,
      trace,
      lookedAt,
      writes: byReconcile.get(`${session} ${trace.id}`) ?? [],
    })),
    dropped,
  };
}

/** Tells which states of one object the operator itself has made. */
class OwnVersions {
  readonly #calls: readonly OwnCall[];
  readonly #byOrder = new Map<number, OwnCall>();
  readonly #uids: ReadonlySet<string>;

  constructor(calls: readonly OwnCall[], versions: readonly Sight[]) {
    this.#calls = calls;
    this.#uids = new Set(calls.flatMap(({ request }) => request.made?.uid ?? []));
    const seen = new Map(versions.map((each) => [each.order, each.at]));
    for (const each of calls.toSorted((left, right) => left.request.at - right.request.at)) {
      if (each.request.error) continue;
      if (each.request.gone) each.effective = true;
      if (!Number.isFinite(each.order)) continue;
      // It has found what it wanted there already.
      const seenAt = seen.get(each.order);
      if (this.#byOrder.has(each.order) || (seenAt !== undefined && seenAt < each.request.at)) continue;
      each.effective = true;
      this.#byOrder.set(each.order, each);
    }
    for (const each of calls)
      if (each.request.error?.code === undefined && each.request.error) this.#find(each, versions);
  }

  /** Whether somebody else has brought the object into this state. */
  take({ order, at, toldAt, gone, object }: Sight): boolean {
    const call = this.#byOrder.get(order) ?? (gone ? this.#ending(at, object) : undefined);
    if (!call) return true;
    call.seenAt = Math.min(call.seenAt ?? Number.POSITIVE_INFINITY, at);
    call.toldAt = Math.min(call.toldAt ?? Number.POSITIVE_INFINITY, toldAt);
    return false;
  }

  /** Whether the operator has created it. */
  made({ metadata }: KubernetesObject): boolean {
    return metadata.uid !== undefined && this.#uids.has(metadata.uid);
  }

  /** The write after which nothing was left. */
  #ending(at: number, { metadata }: KubernetesObject): OwnCall | undefined {
    const created = metadata.creationTimestamp === undefined ? 0 : Date.parse(metadata.creationTimestamp);
    return this.#calls.findLast(
      ({ request, seenAt }) => request.gone && seenAt === undefined && request.at <= at && request.at >= created,
    );
  }

  /** Whether a write without an answer took effect: then somebody was seen to have done just that. */
  #find(call: OwnCall, versions: readonly Sight[]): void {
    const { request } = call;
    const at = versions.findIndex((each, index) => {
      if (each.at < request.at || each.at > request.at + lostForMs || this.#byOrder.has(each.order)) return false;
      if (each.gone) return request.verb === 'delete';
      const previous = versions[index - 1];
      if (request.verb === 'create' && previous && !previous.gone) return false;
      return holds(each.object, request.body) && !(previous && !previous.gone && holds(previous.object, request.body));
    });
    const found = versions[at];
    if (!found) return;
    this.#byOrder.set(found.order, call);
    call.effective = true;
    call.order = found.order;
    call.latest = Math.min(call.latest, found.at);
  }
}

/** Creations whose answers were lost with the names that the server had given. */
function withNames(calls: readonly Call[], sights: ReadonlyMap<string, readonly Sight[]>): readonly Call[] {
  const taken = new Set(calls.flatMap(({ request }) => request.made?.uid ?? []));
  return calls.map((each) => {
    const { request } = each;
    const { verb, error, body, at } = request;
    if (verb !== 'create' || !error || error.code !== undefined || targetOf(request) !== undefined) return each;
    for (const [first] of sights.values()) {
      if (!first || kindText(first.kind) !== kindText(request) || first.at < at || first.at > at + lostForMs) continue;
      const { name, uid, generateName } = first.object.metadata;
      if (uid === undefined || taken.has(uid) || generateName === undefined || !holds(first.object, body)) continue;
      taken.add(uid);
      return { ...each, request: { ...request, made: { name, uid } } };
    }
    return each;
  });
}

/** Whether all that a write says is so in the object. */
function holds(object: unknown, said: unknown): boolean {
  if (said === null) return object === undefined || object === null;
  if (isJsonArray(said))
    return deepEqual(object, said) || (isJsonArray(object) && said.every((each) => within(object, each)));
  if (!isJsonObject(said)) return said === object;
  return Object.entries(said).every(
    ([name, value]) =>
      value === undefined ||
      name === 'resourceVersion' ||
      holds(isJsonObject(object) ? object[name] : undefined, value),
  );
}

const within = (list: readonly unknown[], said: unknown) => list.some((each) => holds(each, said));

/** In their order, each once. */
function distinct(sights: readonly Sight[]): readonly Sight[] {
  const first = new Map<number, Sight>();
  for (const each of sights) {
    const known = first.get(each.order);
    if (!known || (each.at < known.at && !known.gone)) first.set(each.order, each);
  }
  return [...first.values()].sort((left, right) => left.order - right.order);
}

/** What has a later version was done later: everything was done at the latest when the next thing was. */
function placeInTime(done: readonly Done[]): void {
  let bound = Number.POSITIVE_INFINITY;
  for (const each of done.toSorted((left, right) => right.order - left.order)) {
    if (each.latest > bound) each.latest = bound - 1;
    bound = Math.min(bound, each.latest);
  }
}

const withoutStatus = (object: KubernetesObject): KubernetesObject => {
  const { status: _, ...rest }: KubernetesObject & { readonly status?: unknown } = object;
  return rest;
};
