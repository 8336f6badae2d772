import { type ApiRequest, StatusError } from '@keelson/core';
import { CompactedError, FutureRevisionError, type ListResult, type Revision } from '../storage/contract.ts';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject, EncodedWatchEvent, ListAnswer } from './contract.ts';
import { type Kind, keyIn } from './kind.ts';
import {
  checkListOptions,
  formatContinue,
  parseContinue,
  parseResourceVersion,
  waitForRevision,
} from './resource-version.ts';
import { type Selection, selectionOf } from './selection.ts';
import type { StoredObject } from './stored-object.ts';
import { WatchStream } from './watch-stream.ts';

export async function getObject(context: RegistryContext, call: Call): Promise<EncodedObject> {
  const { kind, request } = call;
  const asked = parseResourceVersion(request.options?.resourceVersion);
  if (asked !== undefined) await waitForRevision(context.storage, context.clock, asked, request.signal);
  const { entry } = await context.storage.get(keyIn(kind, request.namespace, request.name ?? ''));
  if (!entry) throw StatusError.notFound(kind.names, request.name ?? '');
  return kind.serve(context.cache.get(entry));
}

export function selectionFor(kind: Kind, request: ApiRequest): Selection {
  const { labelSelector, fieldSelector } = request.options ?? {};
  return selectionOf(labelSelector, fieldSelector, kind.fields.supported, kind.fields.fieldsOf);
}

export function scopeOf(kind: Kind, request: ApiRequest): string {
  return kind.served.namespaced && request.namespace ? `${kind.prefix}${request.namespace}/` : kind.prefix;
}

interface Page {
  readonly objects: readonly StoredObject[];
  readonly revision: Revision;
  /** The last key looked at, where there is more. */
  readonly more?: string;
  readonly remaining: number;
}

/** One page of what a selection holds, as of one revision. */
export async function listPage(context: RegistryContext, call: Call): Promise<Page> {
  const { kind, request } = call;
  const options = request.options ?? {};
  checkListOptions(options, false);
  const selection = selectionFor(kind, request);
  const prefix = scopeOf(kind, request);
  const limit = options.limit !== undefined && options.limit > 0 ? options.limit : undefined;
  const asked = parseResourceVersion(options.resourceVersion);
  let revision: Revision | undefined;
  let after: string | undefined;
  if (options.continue) {
    if (asked !== undefined && asked !== 0) {
      throw StatusError.badRequest('specifying resource version is not allowed when using continue');
    }
    const token = parseContinue(options.continue);
    after = prefix + token.after;
    if (token.revision > 0) revision = token.revision;
  } else if (asked !== undefined && asked > 0) {
    await waitForRevision(context.storage, context.clock, asked, request.signal);
    if (
      options.resourceVersionMatch === 'Exact' ||
      (limit !== undefined && options.resourceVersionMatch === undefined)
    ) {
      revision = asked;
    }
  }
  const objects: StoredObject[] = [];
  for (;;) {
    const room = limit === undefined ? undefined : limit - objects.length;
    const result = await list(context, call, prefix, { revision, after, limit: room });
    revision = result.revision;
    for (const entry of result.entries) {
      const stored = context.cache.get(entry);
      if (selection.everything || selection.matches(stored.object)) objects.push(stored);
    }
    after = result.entries.at(-1)?.key;
    const full = limit !== undefined && objects.length >= limit;
    if (result.remaining === 0 || after === undefined || full || limit === undefined) {
      const more = result.remaining > 0 && after !== undefined ? after.slice(prefix.length) : undefined;
      return { objects, revision, ...(more !== undefined && { more }), remaining: result.remaining };
    }
  }
}

async function list(
  context: RegistryContext,
  { kind, request }: Call,
  prefix: string,
  options: { readonly revision?: Revision; readonly after?: string; readonly limit?: number },
): Promise<ListResult> {
  try {
    const { revision, after, limit } = options;
    return await context.storage.list(prefix, {
      ...(revision !== undefined && { revision }),
      ...(after !== undefined && { after }),
      ...(limit !== undefined && { limit }),
      ...(request.signal && { signal: request.signal }),
    });
  } catch (error) {
    if (error instanceof CompactedError) {
      if (request.options?.continue === undefined) {
        throw StatusError.expired('The resourceVersion for the provided list is too old.');
      }
      // A list that cannot go on consistently may go on with what is there now, if the client wishes.
      throw StatusError.of(
        410,
        'Expired',
        `The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.`,
      );
    }
    if (error instanceof FutureRevisionError) {
      throw StatusError.badRequest(`resource version of ${kind.served.resource} is in the future: ${error.message}`);
    }
    throw error;
  }
}

export async function listObjects(context: RegistryContext, call: Call): Promise<ListAnswer> {
  const { kind } = call;
  const page = await listPage(context, call);
  const everything = selectionFor(kind, call.request).everything;
  return {
    apiVersion: kind.apiVersion,
    kind: kind.served.listKind,
    metadata: {
      resourceVersion: String(page.revision),
      ...(page.more !== undefined && { continue: formatContinue({ revision: page.revision, after: page.more }) }),
      // With a selector nobody knows how many of those left match.
      ...(page.more !== undefined && everything && { remainingItemCount: page.remaining }),
    },
    items: page.objects.map((each) => kind.serve(each)),
  };
}

export async function watchObjects(
  context: RegistryContext,
  call: Call,
): Promise<AsyncIterable<readonly EncodedWatchEvent[]>> {
  const { kind, request } = call;
  const options = request.options ?? {};
  checkListOptions(options, true);
  const asked = parseResourceVersion(options.resourceVersion);
  const named = request.name ? `metadata.name=${request.name}` : undefined;
  const fieldSelector = [options.fieldSelector, named].filter((each) => each).join(',');
  const selection = selectionOf(options.labelSelector, fieldSelector, kind.fields.supported, kind.fields.fieldsOf);
  const stream = new WatchStream({
    prefix: scopeOf(kind, request),
    selection,
    bookmarks: options.allowWatchBookmarks ?? false,
    apiVersion: kind.apiVersion,
    kind: kind.served.kind,
    serve: kind.serve,
  });
  let from = asked ?? 0;
  const initial = options.sendInitialEvents ?? from === 0;
  if (from > 0) await waitForRevision(context.storage, context.clock, from, request.signal);
  if (initial) {
    const result = await context.storage.list(stream.prefix);
    stream.initial(
      result.entries.map((each) => context.cache.get(each)).filter((each) => selection.matches(each.object)),
    );
    from = result.revision;
    if (options.sendInitialEvents && options.allowWatchBookmarks) stream.bookmark(from, true);
  } else if (from === 0) from = context.storage.currentRevision();
  if (!stream.ended) stream.onClose(context.hub.subscribe(stream, from));
  endWith(context, stream, request);
  return stream;
}

function endWith(context: RegistryContext, stream: WatchStream, request: ApiRequest): void {
  const { signal } = request;
  if (signal) {
    const end = () => stream.end(undefined);
    if (signal.aborted) end();
    else {
      signal.addEventListener('abort', end, { once: true });
      stream.onClose(() => signal.removeEventListener('abort', end));
    }
  }
  const seconds = request.options?.timeoutSeconds;
  if (seconds !== undefined && seconds > 0) {
    stream.onClose(context.clock.after(seconds * 1000, () => stream.end(undefined)));
  }
}
