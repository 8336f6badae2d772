import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { type CallOptions, type Client, hintFor, type WatchEvent } from '../client/index.ts';
import type { Clock, Random } from '../machinery/index.ts';
import { isStatusError, keyOf, type ObjectKey } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import {
  initialState,
  nextStep,
  type ReflectorOutcome,
  type ReflectorState,
  UnmarkedStreamError,
} from './reflector-state.ts';
import { UnmarkedGuard } from './unmarked-guard.ts';

export interface ReflectorEnvironment {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Which part of the collection, and how it is asked for. */
export type ReflectorScope = Pick<
  CallOptions,
  'labelSelector' | 'fieldSelector' | 'metadataOnly' | 'withoutManagedFields'
> & { readonly namespace?: string };

/** What a reflector keeps up: it is told of everything in order, by one caller only. */
export interface Sink<T extends KubernetesObject> {
  /** @param listed told by a list: more than one change may lie between it and what was known */
  put(object: T, listed: boolean): void;
  remove(key: ObjectKey, last: T): void;
  /** All that was put since the list began is all that there is, as of this resource version. */
  listed(present: ReadonlySet<ObjectKey>, resourceVersion: string): void;
  /** Everything up to this resource version has been told. Called after each batch, not after each event. */
  reached(resourceVersion: string): void;
  /** What comes next, and why: `error` is absent where the step was an ordinary one. */
  stepped(state: ReflectorState, error: unknown): void;
}

export interface ReflectorOptions<T extends KubernetesObject> extends ReflectorEnvironment {
  readonly type: ResourceType<T>;
  readonly scope: ReflectorScope;
  /** That the kind is not served is nothing to be told of. */
  readonly optional?: boolean;
  readonly sink: Sink<T>;
}

/** Objects of the first page; later ones are sized by what the objects weigh. */
const firstPage = 250;
const longestPage = 2_000;
/** A page is parsed at one go, and the event loop is held so long. */
const pageBytes = 1024 * 1024;
/** After so many events without waiting for the network, others get a turn. */
const eventsPerTurn = 256;
const initialEventsEnd = 'k8s.io/initial-events-end';

/**
 * Keeps a sink like the server's collection: everything at first, then each change; resumes, and begins anew when
 * history is lost. Returns only when the signal is aborted; every failure is logged and tried again.
 */
export async function reflect<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, sink } = options;
  let state: ReflectorState = initialState;
  while (!signal.aborted) {
    const outcome: ReflectorOutcome =
      state.phase === 'list'
        ? await list(options, state.undivided === true, signal)
        : await watch(options, state, signal);
    if (signal.aborted) return;
    const { next, waitMs } = nextStep(state, outcome, random());
    report(options, state, outcome, next, waitMs);
    state = next;
    sink.stepped(next, outcome.type === 'listed' || next.failures === 0 ? undefined : outcome.error);
    if (waitMs > 0) {
      try {
        await clock.sleep(waitMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    }
  }
}

async function list<T extends KubernetesObject>(
  { client, type, scope, sink }: ReflectorOptions<T>,
  undivided: boolean,
  signal: AbortSignal,
): Promise<ReflectorOutcome> {
  const present = new Set<ObjectKey>();
  try {
    let resourceVersion = '';
    let limit = firstPage;
    for (let token: string | undefined, first = true; first || token; first = false) {
      const page = await client.list(type, {
        ...scope,
        ...(undivided ? { limit: 0 } : { limit }),
        ...(token && { continue: token }),
        signal,
      });
      resourceVersion ||= page.metadata.resourceVersion ?? '';
      let sinceTurn = 0;
      for (const object of page.items) {
        present.add(keyOf(object));
        sink.put(object, true);
        if (++sinceTurn % eventsPerTurn === 0) await turnOfEventLoop();
      }
      limit = pageFor(page.items, limit);
      token = page.metadata.continue;
      if (token) await turnOfEventLoop();
    }
    sink.listed(present, resourceVersion);
    return { type: 'listed', resourceVersion };
  } catch (error) {
    return { type: 'listFailed', error };
  }
}

/** How many objects of this sort make a page that is quickly parsed. */
function pageFor(items: readonly object[], before: number): number {
  const [first] = items;
  if (first === undefined) return before;
  const sample = [first, items[items.length >> 1], items.at(-1)];
  const bytes = sample.reduce((sum, each) => sum + JSON.stringify(each).length, 0) / sample.length;
  return Math.max(1, Math.min(longestPage, Math.floor(pageBytes / bytes)));
}

/** From a resource version, or, where the state knows none, with everything there is at first. */
async function watch<T extends KubernetesObject>(
  { client, type, scope, sink, clock, random }: ReflectorOptions<T>,
  state: Exclude<ReflectorState, { phase: 'list' }>,
  signal: AbortSignal,
): Promise<ReflectorOutcome> {
  const started = clock.now();
  let resourceVersion = state.phase === 'watch' ? state.resourceVersion : undefined;
  let present: Set<ObjectKey> | undefined = state.phase === 'stream' ? new Set() : undefined;
  let events = 0;
  let sinceTurn = 0;
  let changed = false;
  const unmarked = present && new UnmarkedGuard(clock, signal);
  const take = ({ type: change, object }: WatchEvent<T>): void => {
    events += 1;
    if (change === 'DELETED') {
      const key = keyOf(object);
      present?.delete(key);
      changed = true;
      sink.remove(key, object);
    } else if (change !== 'BOOKMARK') {
      present?.add(keyOf(object));
      // Where something has changed, all that was there before has been told.
      changed ||= change === 'MODIFIED';
      if (present && !changed) unmarked?.more();
      sink.put(object, present !== undefined);
    } else if (present) {
      if (object.metadata.annotations?.[initialEventsEnd] !== 'true') throw new UnmarkedStreamError();
      sink.listed(present, object.metadata.resourceVersion ?? '');
      present = undefined;
      unmarked?.cancel();
    }
    // Before its end a stream tells objects in any order: their versions say nothing about what is known.
    if (!present) resourceVersion = object.metadata.resourceVersion || resourceVersion;
  };
  const ended = (error?: unknown): ReflectorOutcome => ({
    type: 'ended',
    resourceVersion,
    events,
    lastedMs: clock.now() - started,
    ...(error !== undefined && { error }),
  });
  try {
    // Five to ten minutes, so that the watches of many clients do not all end at once.
    const timeoutSeconds = Math.floor(300 * (1 + random()));
    for await (const batch of client.watchBatches(type, {
      ...scope,
      ...(state.phase === 'watch'
        ? { resourceVersion: state.resourceVersion }
        : { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' as const }),
      allowWatchBookmarks: true,
      timeoutSeconds,
      signal: unmarked?.signal ?? signal,
    })) {
      try {
        for (const event of batch) {
          take(event);
          if (++sinceTurn % eventsPerTurn === 0) await turnOfEventLoop();
        }
      } finally {
        if (resourceVersion !== undefined) sink.reached(resourceVersion);
      }
      if (signal.aborted) break;
    }
    return ended();
  } catch (error) {
    return ended(error);
  } finally {
    unmarked?.close();
  }
}

function report<T extends KubernetesObject>(
  { logger, type, optional }: ReflectorOptions<T>,
  state: ReflectorState,
  outcome: ReflectorOutcome,
  next: ReflectorState,
  waitMs: number,
): void {
  if (outcome.type === 'listed' || outcome.error === undefined) return;
  const { error } = outcome;
  const verb = state.phase === 'stream' ? 'list' : state.phase;
  const hint = isStatusError(error, 'NotFound') ? notServed(type) : hintFor(error);
  const fields = { resource: type.plural, group: type.group, next: next.phase, waitMs, error, ...(hint && { hint }) };
  // One lost connection, one expired revision or a server without streamed lists is ordinary life; what goes on deserves attention.
  const ordinary =
    (isStatusError(error) && error.code === 410) ||
    (optional && isStatusError(error, 'NotFound')) ||
    (state.phase === 'watch' && next.failures <= 1) ||
    (state.phase === 'stream' && next.failures === 0);
  if (ordinary) logger.debug(`${verb} of ${type.plural} ended`, fields);
  else logger.warn(`cannot ${verb} ${type.plural}`, fields);
}

function notServed({ group, version, plural }: ResourceType): string {
  const definition = group.includes('.') ? '; is its CustomResourceDefinition installed?' : '';
  return `the server has no ${plural} of ${group === '' ? version : `${group}/${version}`}${definition}`;
}
