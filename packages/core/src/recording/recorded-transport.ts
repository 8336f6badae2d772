import type { KubernetesObject } from '../api/index.ts';
import type { ApiRequest, Transport, WatchEvent } from '../client/index.ts';
import { type Clock, isJsonObject, isStatusError, type JsonValue, messageOf } from '../machinery/index.ts';
import type { RecordedFailure, RecordedRequest, RecordedSight, RecordingLine } from './recording-line.ts';

/** Takes in what is to be recorded. Never throws, and never waits. */
export type RecordingSink = (line: RecordingLine) => void;

/** Where what goes over a transport is written down. */
export interface RecordedTransportOptions {
  readonly clock: Clock;
  readonly sink: RecordingSink;
  /** The number of the reconcile that is under way where it is called. */
  reconcile(): number | undefined;
}

/** Nothing of what an operator does for its objects: who leads, who may scrape it. Failures are told. */
const leftOut = new Set(['leases', 'tokenreviews', 'subjectaccessreviews', 'selfsubjectaccessreviews']);

const initialEventsEnd = 'k8s.io/initial-events-end';

/** The same transport, all of whose requests, answers and events are told. */
export function recordedTransport(transport: Transport, options: RecordedTransportOptions): Transport {
  const recorded = new RecordedTransport(transport, options);
  return {
    ...(transport.sharesObjects && { sharesObjects: true }),
    request: (request) => recorded.request(request),
    watch: (request) => singles(recorded.watch(request)),
    watchBatches: (request) => recorded.watch(request),
    raw: (...args) => transport.raw(...args),
  };
}

class RecordedTransport {
  readonly #transport: Transport;
  readonly #options: RecordedTransportOptions;
  /** Resources that are watched, and by how many. */
  readonly #watched = new Map<string, number>();
  #lastId = 0;

  constructor(transport: Transport, options: RecordedTransportOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  async request(request: ApiRequest): Promise<unknown> {
    const { clock, sink } = this.#options;
    const reconcile = this.#options.reconcile();
    const id = this.#nextId();
    const at = clock.now();
    const line = {
      is: 'request' as const,
      at,
      id,
      ...(reconcile !== undefined && { reconcile }),
      verb: request.verb,
      ...aboutOf(request),
      // Whoever sends it may change it afterwards.
      ...(request.body !== undefined && { body: copyOf(request.body) }),
    };
    try {
      const answer = await this.#transport.request(request);
      if (leftOut.has(request.resource)) return answer;
      this.#see(request, id, answer);
      sink({ ...line, tookMs: clock.now() - at, ...outcomeOf(request, answer) });
      return answer;
    } catch (error) {
      if (!request.signal?.aborted) sink({ ...line, tookMs: clock.now() - at, error: failureOf(error) });
      throw error;
    }
  }

  async *watch(request: ApiRequest): AsyncGenerator<readonly WatchEvent<KubernetesObject>[]> {
    const { clock, sink } = this.#options;
    const id = this.#nextId();
    const { options = {}, signal } = request;
    const { group, version, resource } = request;
    const from = options.resourceVersion;
    const streams = options.sendInitialEvents === true;
    sink({
      is: 'watch',
      at: clock.now(),
      id,
      ...aboutOf(request),
      ...(from !== undefined && !streams && { from }),
    });
    const what = `${resource}.${group}`;
    this.#watched.set(what, (this.#watched.get(what) ?? 0) + 1);
    let initial = streams;
    const metadataOnly = request.metadataOnly && { metadataOnly: true as const };
    const ended = (error?: unknown) =>
      sink({
        is: 'watch-ended',
        at: clock.now(),
        id,
        ...(error !== undefined && { error: failureOf(error) }),
      });
    try {
      for await (const batch of batchesOf(this.#transport, request)) {
        const at = clock.now();
        for (const { type, object } of batch) {
          if (type === 'BOOKMARK') {
            const ends = initial && object.metadata.annotations?.[initialEventsEnd] === 'true';
            if (ends) sink({ is: 'watch-listed', at, id });
            if (ends) initial = false;
            continue;
          }
          const how = initial ? 'listed' : changes[type];
          sink({ is: 'seen', at, how, of: id, group, version, resource, ...metadataOnly, object });
        }
        yield batch;
      }
      if (!signal?.aborted) ended();
    } catch (error) {
      if (!signal?.aborted) ended(error);
      throw error;
    } finally {
      this.#watched.set(what, (this.#watched.get(what) ?? 1) - 1);
    }
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Objects in an answer, but those that a watch is going to tell of. */
  #see(request: ApiRequest, id: number, answer: unknown): void {
    const { verb, group, version, resource, subresource } = request;
    const { clock, sink } = this.#options;
    const line = { is: 'seen' as const, at: clock.now(), of: id, group, version, resource };
    const metadataOnly = request.metadataOnly && { metadataOnly: true as const };
    const tell = (how: RecordedSight['how'], object: KubernetesObject) =>
      sink({ ...line, how, ...metadataOnly, object });
    if (verb === 'list') {
      const items = isJsonObject(answer) ? answer['items'] : undefined;
      if (Array.isArray(items)) for (const each of items) if (isObject(each)) tell('listed', each);
      return;
    }
    if (!isObject(answer) || (request.options?.dryRun?.length ?? 0) > 0) return;
    if (verb === 'get') {
      if (subresource === undefined) tell('read', answer);
      return;
    }
    const aboutItself = subresource === undefined || subresource === 'status';
    if (verb !== 'delete' && aboutItself && !this.#watched.get(`${resource}.${group}`)) tell('written', answer);
  }
}

const changes = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const;

function batchesOf(transport: Transport, request: ApiRequest): AsyncIterable<readonly WatchEvent<KubernetesObject>[]> {
  return transport.watchBatches?.(request) ?? oneByOne(transport.watch(request));
}

async function* oneByOne<E>(events: AsyncIterable<E>): AsyncGenerator<readonly E[]> {
  for await (const each of events) yield [each];
}

async function* singles<E>(batches: AsyncIterable<readonly E[]>): AsyncGenerator<E> {
  for await (const batch of batches) yield* batch;
}

function aboutOf({
  group,
  version,
  resource,
  namespace,
  name,
  subresource,
  patchType,
  options = {},
  metadataOnly,
}: ApiRequest) {
  const { labelSelector, fieldSelector, dryRun } = options;
  return {
    group,
    version,
    resource,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
    ...(patchType !== undefined && { patchType }),
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
    ...(metadataOnly && { metadataOnly: true as const }),
    ...(dryRun?.length && { dryRun: true as const }),
    ...(options.continue && { continued: true as const }),
  };
}

/** What a write has left. */
function outcomeOf(
  { verb }: ApiRequest,
  answer: unknown,
): Pick<RecordedRequest, 'resourceVersion' | 'made' | 'gone' | 'continues'> {
  if (verb === 'get') return {};
  if (verb === 'list') return hasMore(answer) ? { continues: true } : {};
  if (!isObject(answer)) return verb === 'delete' ? { gone: true } : {};
  const { name, uid, resourceVersion, deletionTimestamp, finalizers, deletionGracePeriodSeconds } = answer.metadata;
  const marked = deletionTimestamp !== undefined;
  const kept = marked && ((finalizers?.length ?? 0) > 0 || (deletionGracePeriodSeconds ?? 0) > 0);
  return {
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(verb === 'create' && uid !== undefined && { made: { name, uid } }),
    ...((verb === 'delete' || marked) && !kept && { gone: true as const }),
  };
}

function hasMore(answer: unknown): boolean {
  const metadata = isJsonObject(answer) ? answer['metadata'] : undefined;
  return isJsonObject(metadata) && Boolean(metadata['continue']);
}

function failureOf(error: unknown): RecordedFailure {
  if (!isStatusError(error)) return { message: messageOf(error) };
  return { code: error.code, ...(error.reason !== '' && { reason: error.reason }), message: error.message };
}

function isObject(value: unknown): value is KubernetesObject {
  if (typeof value !== 'object' || value === null || !('metadata' in value)) return false;
  const { metadata } = value;
  return typeof metadata === 'object' && metadata !== null && 'name' in metadata && typeof metadata.name === 'string';
}

function copyOf(body: unknown): JsonValue {
  return JSON.parse(JSON.stringify(body));
}
