import { type ApiRequest, StatusError } from '@keelson/core';
import { CompactedError, FutureRevisionError, type ListResult, type Revision } from '../storage/contract.ts';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import { formatContinue } from './continue-token.ts';
import type { EncodedObject, ListAnswer } from './contract.ts';
import { type Kind, keyIn } from './kind.ts';
import { type ListPlan, planList } from './list-plan.ts';
import { checkPathName } from './path-name.ts';
import { parseReadVersion, parseResourceVersion, waitForRevision } from './resource-version.ts';
import { type Selection, selectionOf } from './selection.ts';
import type { StoredObject } from './stored-object.ts';
import { readingMany, readOne } from './stored-versions.ts';

export async function getObject(context: RegistryContext, call: Call): Promise<EncodedObject> {
  const { kind, request } = call;
  const { signal } = request;
  checkPathName(request.name ?? '');
  const text = request.options?.resourceVersion;
  const cached = isCached(kind);
  const asked = cached ? parseReadVersion(text) : parseResourceVersion(text);
  if (asked !== undefined) await waitForRevision(context, asked, text, signal, cached);
  const { entry } = await context.storage.get(keyIn(kind, request.namespace, request.name ?? ''), {
    ...(asked !== undefined && { atLeast: asked }),
    ...(signal && { signal }),
  });
  if (!entry) throw StatusError.notFound(kind.names, request.name ?? '');
  return kind.serve(await readOne(kind, context.cache.get(entry)));
}

export function selectionFor(kind: Kind, request: ApiRequest): Selection {
  const { labelSelector, fieldSelector } = request.options ?? {};
  return selectionOf(labelSelector, fieldSelector, kind.fields);
}

export function scopeOf(kind: Kind, request: ApiRequest): string {
  return kind.served.namespaced && request.namespace ? `${kind.prefix}${request.namespace}/` : kind.prefix;
}

export interface Page {
  readonly objects: readonly StoredObject[];
  readonly revision: Revision;
  /** The first key of the next page, where there is one. */
  readonly next?: string;
  readonly remaining: number;
}

/** Entries read at once while a selection leaves most of them out. */
const largestChunk = 10_000;

/** One page of what a selection holds, as of one revision. */
export async function listPage(context: RegistryContext, call: Call): Promise<Page> {
  const { kind, request } = call;
  const prefix = scopeOf(kind, request);
  const cached = isCached(kind);
  const plan = planList(request.options ?? {}, prefix, cached);
  const selection = selectionFor(kind, request);
  const wanted = plan.revision ?? plan.atLeast;
  if (wanted !== undefined) {
    await waitForRevision(context, wanted, request.options?.resourceVersion, request.signal, cached);
  }
  const single = !plan.continues && selection.name !== undefined && isOneObject(kind, request);
  return single
    ? getPage(context, call, plan, selection, keyIn(kind, request.namespace, selection.name ?? ''))
    : scanPage(context, call, plan, selection, prefix);
}

/** Kubernetes keeps no cache of Events, and clients see that by what becomes of limits and of versions to come. */
const isCached = ({ served }: Kind) => served.custom || served.resource !== 'events';

const isOneObject = (kind: Kind, request: ApiRequest) => !kind.served.namespaced || request.namespace !== undefined;

async function getPage(
  context: RegistryContext,
  call: Call,
  plan: ListPlan,
  selection: Selection,
  key: string,
): Promise<Page> {
  const { entry, revision } = await reading(call, plan, undefined, (options) => context.storage.get(key, options));
  const stored = entry && (await readOne(call.kind, context.cache.get(entry)));
  const objects = stored && selection.matches(stored.object) ? [stored] : [];
  return { objects, revision: plan.revision ?? revision, remaining: 0 };
}

async function scanPage(
  context: RegistryContext,
  call: Call,
  { limit, ...plan }: ListPlan,
  selection: Selection,
  prefix: string,
): Promise<Page> {
  const objects: StoredObject[] = [];
  let { revision, from } = plan;
  let chunk = limit;
  for (;;) {
    const at = revision === undefined ? plan : { ...plan, revision };
    const result: ListResult = await reading(call, at, from ?? prefix, (options) =>
      context.storage.list(prefix, {
        ...options,
        ...(from !== undefined && { from }),
        ...(chunk !== undefined && { limit: chunk }),
      }),
    );
    revision = result.revision;
    const read = converted(context, call.kind, selection, result, objects.length, limit);
    const taken = take(selection, read instanceof Promise ? await read : read, objects, limit);
    const left = result.entries.length - taken + result.remaining;
    const last = result.entries[taken - 1]?.key;
    if (left === 0 || last === undefined) return { objects, revision, remaining: 0 };
    from = `${last}\0`;
    if (limit !== undefined && objects.length >= limit) return { objects, revision, next: from, remaining: left };
    // Few match: larger pieces, so that a rare label does not cost a read for each object.
    chunk = Math.min((chunk ?? largestChunk) * 2, largestChunk);
  }
}

/** The entries in the kind's version; of a page that takes what comes only those that it can hold. */
function converted(
  { cache }: RegistryContext,
  { stored }: Kind,
  { everything }: Selection,
  { entries }: ListResult,
  have: number,
  limit: number | undefined,
): readonly StoredObject[] | Promise<readonly StoredObject[]> {
  const needed = stored && everything && limit !== undefined ? entries.slice(0, limit - have) : entries;
  const objects = needed.map((each) => cache.get(each));
  return stored ? stored.read(objects) : objects;
}

/** Adds what matches until the limit is reached; returns how many objects were looked at. */
function take(
  selection: Selection,
  read: readonly StoredObject[],
  objects: StoredObject[],
  limit: number | undefined,
): number {
  let taken = 0;
  for (const stored of read) {
    if (objects.length === limit) break;
    taken++;
    if (selection.everything || selection.matches(stored.object)) objects.push(stored);
  }
  return taken;
}

interface ReadingOptions {
  readonly revision?: Revision;
  readonly atLeast?: Revision;
  readonly signal?: AbortSignal;
}

/** Reads by a plan. `from`: where a list that cannot go on consistently would go on with what is there now. */
async function reading<T>(
  call: Call,
  { revision, atLeast, continues }: ListPlan,
  from: string | undefined,
  read: (options: ReadingOptions) => Promise<T>,
): Promise<T> {
  const { kind, request } = call;
  try {
    return await read({
      ...(revision !== undefined && { revision }),
      ...(atLeast !== undefined && { atLeast }),
      ...(request.signal && { signal: request.signal }),
    });
  } catch (error) {
    if (error instanceof CompactedError) {
      if (!continues || from === undefined) throw StatusError.expired(tooOldList);
      const token = formatContinue({ revision: undefined, from }, scopeOf(kind, request));
      throw new StatusError({
        metadata: { continue: token },
        status: 'Failure',
        message: tooOldContinue,
        reason: 'Expired',
        code: 410,
      });
    }
    if (error instanceof FutureRevisionError) {
      throw StatusError.badRequest(`resource version of ${kind.served.resource} is in the future: ${error.message}`);
    }
    throw error;
  }
}

const tooOldList = 'The resourceVersion for the provided list is too old.';
const tooOldContinue =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

export async function listObjects(context: RegistryContext, call: Call): Promise<ListAnswer> {
  const { kind, request } = call;
  if (!kind.stored) return answerOf(call, await listPage(context, call));
  const { limit = 0, labelSelector, fieldSelector } = request.options ?? {};
  const paged = limit > 0 && !labelSelector && !fieldSelector;
  return answerOf(call, await readingMany(kind, paged, () => listPage(context, call)));
}

/** A page as a list of the kind. */
export function answerOf({ kind, request }: Call, { objects, revision, next, remaining }: Page): ListAnswer {
  const { everything } = selectionFor(kind, request);
  const token = next === undefined ? undefined : formatContinue({ revision, from: next }, scopeOf(kind, request));
  return {
    apiVersion: kind.apiVersion,
    kind: kind.served.listKind,
    metadata: listMeta(kind, String(revision), token, everything ? remaining : undefined),
    items: objects.map((each) => kind.serve(each)),
  };
}

/** With a selector nobody knows how many of those left match. Lists of custom objects have their fields in another order. */
function listMeta(
  { served }: Kind,
  resourceVersion: string,
  token: string | undefined,
  remaining: number | undefined,
): ListAnswer['metadata'] {
  const count = token !== undefined && remaining !== undefined ? { remainingItemCount: remaining } : undefined;
  if (served.custom) return { continue: token ?? '', ...count, resourceVersion };
  return { resourceVersion, ...(token !== undefined && { continue: token }), ...count };
}
