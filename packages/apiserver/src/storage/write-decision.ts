import {
  type Fence,
  FencedError,
  KeyExistsError,
  type Revision,
  RevisionMismatchError,
  type StorageEvent,
  type StoredEntry,
} from './contract.ts';

/** What a writer wants; decided against the newest state of its key. */
export type WriteRequest =
  | ({ readonly type: 'create'; readonly key: string; readonly value: Uint8Array } & PutTerms)
  | ({
      readonly type: 'update';
      readonly key: string;
      readonly value: Uint8Array;
      readonly expected: Revision;
    } & PutTerms)
  | { readonly type: 'delete'; readonly key: string; readonly expected: Revision };

interface PutTerms {
  readonly expires?: number;
  readonly fences?: readonly Fence[];
}

/** Throws `FencedError` unless all that a write depends on is still as it was. */
export function checkFences(request: WriteRequest, latest: (key: string) => StoredEntry | undefined): void {
  if (request.type === 'delete' || request.fences === undefined) return;
  const moved = request.fences.filter(({ key, revision }) => latest(key)?.modRevision !== revision);
  if (moved.length > 0) throw new FencedError(request.key, moved);
}

/** The change that the request makes as `revision`. Throws `KeyExistsError` or `RevisionMismatchError`. */
export function decideWrite(request: WriteRequest, current: StoredEntry | undefined, revision: Revision): StorageEvent {
  const { key } = request;
  const expires = 'expires' in request && request.expires !== undefined ? { expires: request.expires } : undefined;
  if (request.type === 'create') {
    if (current) throw new KeyExistsError(`${key} exists already`);
    return {
      type: 'put',
      key,
      revision,
      entry: { key, value: request.value, createRevision: revision, modRevision: revision },
      ...expires,
    };
  }
  if (current?.modRevision !== request.expected) throw new RevisionMismatchError(key, request.expected, current);
  if (request.type === 'delete') return { type: 'delete', key, revision, previous: current };
  const entry = { key, value: request.value, createRevision: current.createRevision, modRevision: revision };
  return { type: 'put', key, revision, entry, previous: current, ...expires };
}
