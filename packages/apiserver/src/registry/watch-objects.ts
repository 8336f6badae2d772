import { type ApiRequest, StatusError } from '@keelson/core';
import type { Revision } from '../storage/contract.ts';
import type { Call } from './admission-chain.ts';
import { blankObject } from './blank-object.ts';
import type { RegistryContext } from './context.ts';
import type { ApiAnswer } from './contract.ts';
import type { Kind } from './kind.ts';
import { scopeOf } from './read-objects.ts';
import { checkListOptions, parseReadVersion, waitForRevision, withWatchDefaults } from './resource-version.ts';
import { type Selection, selectionOf } from './selection.ts';
import { readingMany } from './stored-versions.ts';
import type { Narrowing } from './watch-index.ts';
import { WatchStream } from './watch-stream.ts';

/** Before a watch with bookmarks times out it gets some, so that its successor need not begin far back. */
const lastBookmarksMs = [2000, 1000];

/**
 * Follows a selection. What is wrong with the request is thrown; what goes wrong afterwards ends the stream with an
 * error, which clients get as an ERROR event.
 */
export async function watchObjects(
  context: RegistryContext,
  call: Call,
): Promise<Pick<Extract<ApiAnswer, { readonly type: 'watch' }>, 'events' | 'begun'>> {
  const { kind, request } = call;
  checkListOptions(request.options ?? {}, true);
  const asked = parseReadVersion(request.options?.resourceVersion);
  const selection = watchedSelection(kind, request);
  const only = narrowing(kind, selection);
  const stream = new WatchStream({
    prefix: scopeOf(kind, request),
    kindPrefix: kind.prefix,
    ...(only && { only }),
    selection,
    bookmarks: request.options?.allowWatchBookmarks ?? false,
    blank: blankObject(kind),
    serve: kind.serve,
    ...(kind.stored && { stored: kind.stored }),
  });
  endWithRequest(stream, request);
  endWithDefinition(context, stream, kind);
  const begun = begin(context, call, stream, selection, asked ?? 0).catch((error: unknown) => {
    if (request.signal?.aborted) stream.end(undefined);
    else stream.end(error instanceof StatusError ? error : StatusError.internal(String(error)));
  });
  // Nobody is told that a watch is on which first waits for a version that there is not yet, as by Kubernetes.
  const waits = withWatchDefaults(request.options ?? {}).sendInitialEvents === true;
  if (waits && (asked ?? 0) > context.storage.currentRevision()) await begun;
  // Its time is counted from when it is on.
  endInTime(context, stream, request);
  return { events: stream, begun: begun.then(() => stream.beganWithEvents) };
}

/** A watch of one object by its path is one by its name. */
function watchedSelection(kind: Kind, { options, name }: ApiRequest): Selection {
  const named = name ? `metadata.name=${name}` : undefined;
  const fields = [options?.fieldSelector, named].filter((each) => each).join(',');
  return selectionOf(options?.labelSelector, fields, kind.fields);
}

function narrowing({ fields, stored }: Kind, { name, field }: Selection): Narrowing | undefined {
  if (name !== undefined) return { name };
  // Another version may have the field in another place.
  if (stored) return undefined;
  return field && { ...field, fieldsOf: fields.fieldsOf };
}

async function begin(
  context: RegistryContext,
  call: Call,
  stream: WatchStream,
  selection: Selection,
  asked: Revision,
): Promise<void> {
  const { request } = call;
  const { sendInitialEvents, allowWatchBookmarks, resourceVersion } = withWatchDefaults(request.options ?? {});
  let from = asked;
  if (sendInitialEvents) {
    from = await sendList(context, call, stream, selection);
    if (allowWatchBookmarks) stream.bookmark(from, true);
  } else if (asked === 0) {
    // Unset: from now on, as of all servers; 0: as of this one.
    from = resourceVersion
      ? context.storage.currentRevision()
      : (await context.storage.list(stream.prefix, { limit: 0, ...signalOf(request) })).revision;
  }
  stream.startAt(from);
  if (!stream.ended) stream.onClose(context.hub.subscribe(stream, from));
}

/** What there is, as ADDED events; returns the revision that this is true for. */
async function sendList(
  context: RegistryContext,
  { request, kind }: Call,
  stream: WatchStream,
  selection: Selection,
): Promise<Revision> {
  const text = request.options?.resourceVersion;
  const asked = text ? Number(text) : undefined;
  if (asked !== undefined) await waitForRevision(context, asked, text, request.signal);
  const { entries, revision } = await context.storage.list(stream.prefix, {
    ...(asked !== undefined && { atLeast: asked }),
    ...signalOf(request),
  });
  const found = entries.map((each) => context.cache.get(each));
  const { stored } = kind;
  const objects = stored ? await readingMany(kind, false, async () => stored.read(found)) : found;
  stream.initial(selection.everything ? objects : objects.filter((each) => selection.matches(each.object)));
  return revision;
}

const signalOf = ({ signal }: ApiRequest) => (signal ? { signal } : {});

/** A watch of custom resources ends when their definition changes, so that its client learns what they have become. */
function endWithDefinition({ catalog }: RegistryContext, stream: WatchStream, { stored, served }: Kind): void {
  if (!stored) return;
  const { group, version, resource } = served;
  const subscription = catalog.changes$.subscribe(({ before }) => {
    if (!before.some((each) => each.resource === resource && each.group === group)) return;
    const now = catalog.kind(group, version, resource);
    if (now?.stored?.definition !== stored.definition) stream.end(undefined);
  });
  stream.onClose(() => subscription.unsubscribe());
}

function endWithRequest(stream: WatchStream, { signal }: ApiRequest): void {
  if (!signal) return;
  const end = () => stream.end(undefined);
  if (signal.aborted) end();
  else {
    signal.addEventListener('abort', end, { once: true });
    stream.onClose(() => signal.removeEventListener('abort', end));
  }
}

function endInTime(context: RegistryContext, stream: WatchStream, request: ApiRequest): void {
  if (stream.ended) return;
  const seconds = request.options?.timeoutSeconds ?? 0;
  if (seconds === 0) return;
  if (seconds < 0) {
    stream.end(undefined);
    return;
  }
  stream.onClose(context.clock.after(seconds * 1000, () => stream.end(undefined)));
  for (const before of lastBookmarksMs) {
    if (seconds * 1000 <= before) continue;
    stream.onClose(context.clock.after(seconds * 1000 - before, () => stream.progress(context.hub.position)));
  }
}
