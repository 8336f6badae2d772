import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Clock, Random } from '../machinery/index.ts';
import { isStatusError, keyOf, type ObjectKey } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { InformerEvent, InformerOptions } from './contract.ts';
import { initialState, nextStep, type ReflectorOutcome, type ReflectorState } from './reflector-state.ts';
import type { Store } from './store.ts';

export interface ReflectorEnvironment {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface ReflectorOptions<T extends KubernetesObject> extends ReflectorEnvironment {
  readonly type: ResourceType<T>;
  readonly scope: InformerOptions;
  readonly store: Store<T>;
  readonly emit: (event: InformerEvent<T>) => void;
  /** Called after each complete list. */
  readonly listed: () => void;
}

/** Objects a page of a list. */
const pageSize = 500;
/** After so many events without waiting for the network, others get a turn. */
const eventsPerTurn = 256;

/**
 * Keeps a store like the server's collection: list, watch from there, resume, list anew when history is lost. Returns
 * only when the signal is aborted; every failure is logged and tried again.
 */
export async function reflect<T extends KubernetesObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, logger, type } = options;
  let state: ReflectorState = initialState;
  while (!signal.aborted) {
    const outcome: ReflectorOutcome =
      state.phase === 'list' ? await list(options, signal) : await watch(options, state.resourceVersion, signal);
    if (signal.aborted) return;
    const { next, waitMs } = nextStep(state, outcome, random());
    report(logger, type, state, outcome, next, waitMs);
    state = next;
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
  { client, type, scope, store, emit, listed }: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<ReflectorOutcome> {
  const seen = new Set<ObjectKey>();
  try {
    let resourceVersion = '';
    for (let token: string | undefined, first = true; first || token; first = false) {
      const page = await client.list(type, { ...scope, limit: pageSize, ...(token && { continue: token }), signal });
      resourceVersion ||= page.metadata.resourceVersion ?? '';
      for (const object of page.items) {
        seen.add(keyOf(object));
        put(store, object, emit);
      }
      token = page.metadata.continue;
      if (token) await turnOfEventLoop();
    }
    // What went away while nobody watched: the last state that was known stands for the object.
    for (const key of [...store.keys()]) {
      if (!seen.has(key)) remove(store, key, emit);
    }
    listed();
    return { type: 'listed', resourceVersion };
  } catch (error) {
    return { type: 'listFailed', error };
  }
}

async function watch<T extends KubernetesObject>(
  { client, type, scope, store, emit, clock, random }: ReflectorOptions<T>,
  from: string,
  signal: AbortSignal,
): Promise<ReflectorOutcome> {
  const started = clock.now();
  let resourceVersion = from;
  let events = 0;
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
    for await (const { type: change, object } of client.watch(type, {
      ...scope,
      resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds,
      signal,
    })) {
      events += 1;
      if (change === 'DELETED') remove(store, keyOf(object), emit, object);
      else if (change !== 'BOOKMARK') put(store, object, emit);
      resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
      if (events % eventsPerTurn === 0) await turnOfEventLoop();
    }
    return ended();
  } catch (error) {
    return ended(error);
  }
}

/** Another object of the same name is no update: the one that was known went away while nobody watched. */
function put<T extends KubernetesObject>(store: Store<T>, object: T, emit: (event: InformerEvent<T>) => void): void {
  const key = keyOf(object);
  const known = store.get(key);
  if (known && known.metadata.uid !== object.metadata.uid) remove(store, key, emit);
  const event = store.set(object);
  if (event) emit(event);
}

function remove<T extends KubernetesObject>(
  store: Store<T>,
  key: ObjectKey,
  emit: (event: InformerEvent<T>) => void,
  last?: T,
): void {
  const event = store.delete(key, last);
  if (event) emit(event);
}

function report(
  logger: Logger,
  type: ResourceType,
  state: ReflectorState,
  outcome: ReflectorOutcome,
  next: ReflectorState,
  waitMs: number,
): void {
  if (outcome.type === 'listed' || outcome.error === undefined) return;
  const { error } = outcome;
  const lost = isStatusError(error) && error.code === 410;
  const fields = { resource: type.plural, group: type.group, next: next.phase, waitMs, error };
  // One lost connection or one expired revision is ordinary life; what goes on deserves attention.
  if (lost || (state.phase === 'watch' && next.attempt <= 1))
    logger.debug(`${state.phase} of ${type.plural} ended`, fields);
  else logger.warn(`cannot ${state.phase} ${type.plural}`, fields);
}
