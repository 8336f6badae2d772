import { type KubernetesObject, StatusError } from '@keelson/core';
import type { ObjectDraft } from './draft.ts';
import type { Kind, StoredVersions } from './kind.ts';
import type { StoredObject } from './stored-object.ts';
import type { Change } from './watch-index.ts';

/** What is stored cannot be had in another version: that in which it is has gone, or a webhook does not convert it. */
export class UnreadableError extends StatusError {
  constructor(message: string) {
    super({ message, code: 500 });
  }
}

/**
 * Reads many: what cannot be read of them leaves Kubernetes without the cache that it answers from, which it says to be a
 * matter of time. A page of all there is (`paged`) it reads from the store.
 */
export async function readingMany<T>({ apiVersion, served }: Kind, paged: boolean, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UnreadableError) || paged) throw error;
    const why = `failed to list ${apiVersion}, Kind=${served.kind}: ${error.message}`;
    throw StatusError.of(429, 'TooManyRequests', `storage is (re)initializing: ${why}`, { retryAfterSeconds: 1 });
  }
}

/** A stored object as `kind` has it. */
export async function readOne({ stored }: Kind, object: StoredObject): Promise<StoredObject> {
  if (!stored) return object;
  const [found = object] = await stored.read([object]);
  return found;
}

/** What is to be stored of a draft. */
export const toStored = ({ stored }: Kind, draft: ObjectDraft): ObjectDraft | Promise<ObjectDraft> =>
  stored ? stored.write(draft) : draft;

/** What a write that was only tried would have answered. */
export async function tried(kind: Kind, draft: ObjectDraft): Promise<KubernetesObject> {
  if (!kind.stored) return kind.view(draft);
  const { resourceVersion } = draft.metadata;
  const shown = await kind.stored.reread(draft);
  return resourceVersion === undefined ? shown : { ...shown, metadata: { ...shown.metadata, resourceVersion } };
}

const known = new WeakMap<StoredVersions, WeakMap<Change, Change | Promise<Change>>>();

/** A change as `stored` has it, made once however many watch. */
export function readChange(stored: StoredVersions, change: Change): Change | Promise<Change> {
  let ofVersion = known.get(stored);
  if (!ofVersion) {
    ofVersion = new WeakMap();
    known.set(stored, ofVersion);
  }
  let found = ofVersion.get(change);
  if (!found) {
    found = convertChange(stored, change);
    ofVersion.set(change, found);
    // Who watches is told of it; who comes later asks anew.
    if (found instanceof Promise) found.catch(() => ofVersion.delete(change));
  }
  return found;
}

function convertChange(stored: StoredVersions, change: Change): Change | Promise<Change> {
  const { current, previous } = change;
  const given = [current, previous].filter((each) => each !== undefined);
  const put = (read: readonly StoredObject[]): Change => {
    if (read.every((each, at) => each === given[at])) return change;
    const [first, second = first] = read;
    return { ...change, current: current && first, previous: previous && second };
  };
  const read = stored.read(given);
  return read instanceof Promise ? read.then(put) : put(read);
}
