import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { type Client, type ClientCall, wrapClient } from '../client/index.ts';
import {
  type Clock,
  isLeftByDeletion,
  messageOf,
  type ObjectKey,
  type ObjectRef,
  objectKey,
} from '../machinery/index.ts';
import { changedFields } from './changed-fields.ts';
import type { TracedRead, TracedWrite } from './trace.ts';

/** What came of a write. */
export interface Written {
  readonly type: ResourceType;
  readonly key: ObjectKey;
  /** As it is now; `undefined` where it is gone. */
  readonly object: KubernetesObject | undefined;
  /** Of what is gone, as far as the server said. */
  readonly uid?: string | undefined;
}

export interface ClientObserver {
  readonly clock: Clock;
  /** Once it is aborted nothing is sent any more: somebody else may act by then. */
  readonly signal: AbortSignal;
  /** An object as a cache holds it, if one does. */
  known(type: ResourceType, key: ObjectKey): KubernetesObject | undefined;
  /** Sends a request. */
  send<R>(act: () => Promise<R>): Promise<R>;
  /** In development: where the call comes from. */
  place?(): string | undefined;
  read(read: TracedRead): void;
  /** Called when the answer is there. `written` is absent where it failed, and for dry runs. */
  wrote(write: TracedWrite, written?: Written): void;
}

/** The same client, whose reads and writes of single objects, and lists, are told; until its signal is aborted. */
export function trackedClient(client: Client, observer: ClientObserver): Client {
  return wrapClient(client, {
    call(call, send) {
      const { verb, subresource } = call;
      if (observer.signal.aborted) return Promise.reject(observer.signal.reason);
      if (verb === 'get' || verb === 'list') return read(observer, call, send);
      // What comes of these is no object.
      if (verb === 'deletecollection' || (verb === 'create' && subresource !== undefined)) return send();
      return write(observer, call, send);
    },
  });
}

async function read<R>(observer: ClientObserver, { verb, type, ref }: ClientCall, send: () => Promise<R>): Promise<R> {
  const { clock, place } = observer;
  const line = place?.();
  const at = clock.now();
  const told = (error?: unknown) =>
    observer.read({
      kind: type.kind,
      key: verb === 'list' ? `${ref.namespace ?? ''}/*` : keyIn(type, ref),
      from: 'server',
      at,
      tookMs: clock.now() - at,
      ...(line !== undefined && { line }),
      ...(error !== undefined && { error: messageOf(error) }),
    });
  try {
    const answer = await observer.send(send);
    told();
    return answer;
  } catch (error) {
    told(error);
    throw error;
  }
}

async function write<R>(observer: ClientObserver, call: ClientCall, send: () => Promise<R>): Promise<R> {
  const { type, ref, options } = call;
  const { clock } = observer;
  const at = clock.now();
  const line = observer.place?.();
  const sent = { verb: verbOf(call), kind: type.kind, key: keyIn(type, ref), at, ...(line !== undefined && { line }) };
  // Asked for before the event of this very write can be in the cache.
  const before = call.verb === 'create' ? undefined : observer.known(type, sent.key);
  try {
    const answer = await observer.send(send);
    const object = leftBy(call, answer);
    const key = object ? keyIn(type, object.metadata) : sent.key;
    const resourceVersion = object?.metadata.resourceVersion;
    const traced = {
      ...sent,
      key,
      tookMs: clock.now() - at,
      ...(resourceVersion && { resourceVersion }),
      ...(object && before && comparison(before, object, observer.place !== undefined)),
    };
    if (options?.dryRun?.length) observer.wrote(traced);
    else observer.wrote(traced, { type, key, object, ...(!object && { uid: uidIn(answer) }) });
    return answer;
  } catch (error) {
    observer.wrote({ ...sent, tookMs: clock.now() - at, error: messageOf(error) });
    throw error;
  }
}

function verbOf({ verb, applies, subresource }: ClientCall): string {
  const done = applies ? 'apply' : verb;
  return subresource ? `${done} ${subresource}` : done;
}

/** The object as it is after the write; with finalizers or a grace period also after its deletion. */
function leftBy({ verb }: ClientCall, answer: unknown): KubernetesObject | undefined {
  if (!isObject(answer)) return undefined;
  if (verb !== 'delete') return answer;
  return isLeftByDeletion(answer) ? answer : undefined;
}

/** Which fields differ is looked at in development only: it takes time. */
function comparison(
  before: KubernetesObject,
  after: KubernetesObject,
  development: boolean,
): Pick<TracedWrite, 'noOp' | 'changes'> {
  const { resourceVersion } = after.metadata;
  if (resourceVersion !== undefined && before.metadata.resourceVersion === resourceVersion) return { noOp: true };
  return development ? { changes: changedFields(before, after) } : {};
}

/** A namespaced object that names no namespace is in `default`, as everywhere in the client. */
function keyIn(type: ResourceType, { name, namespace }: ObjectRef): ObjectKey {
  return objectKey({ name, ...(type.namespaced && { namespace: namespace ?? 'default' }) });
}

function isObject(answer: unknown): answer is KubernetesObject {
  if (typeof answer !== 'object' || answer === null || !('metadata' in answer)) return false;
  const { metadata } = answer;
  return typeof metadata === 'object' && metadata !== null && 'name' in metadata;
}

/** Of what a deletion has taken away: the server answers with the object, or with a Status that names it. */
function uidIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const named = 'details' in answer ? answer.details : 'metadata' in answer ? answer.metadata : undefined;
  if (typeof named !== 'object' || named === null || !('uid' in named)) return undefined;
  return typeof named.uid === 'string' ? named.uid : undefined;
}
