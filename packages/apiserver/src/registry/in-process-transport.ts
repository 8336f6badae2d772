import type { ApiRequest, KubernetesObject, Transport, WatchEvent } from '@keelson/core';
import { StatusError } from '@keelson/core';
import type { ApiHandler, ListAnswer, UserInfo } from './contract.ts';

/** What a transport within the process answers beside resources. */
export interface InProcessTransportOptions {
  /** Answers paths that are no resource, such as `/version`. */
  readonly raw?: (method: 'GET' | 'POST', path: string, body?: string, signal?: AbortSignal) => Promise<string>;
}

/**
 * Speaks with an API server in the same process: no socket, no JSON, no copy, but authorization and admission all the
 * same. Objects that come out are the server's own and shared with every other reader.
 */
export function inProcessTransport(
  handler: ApiHandler,
  user: UserInfo,
  options: InProcessTransportOptions = {},
): Transport {
  return {
    sharesObjects: true,
    async request(request) {
      request.signal?.throwIfAborted();
      const answer = await handler.handle(request, user);
      request.signal?.throwIfAborted();
      if (answer.type === 'object') return answer.value.object;
      if (answer.type === 'list') return listOf(answer.value);
      throw StatusError.badRequest('a watch was asked for as if it were a plain request');
    },
    watch: (request) => watch(handler, user, request),
    watchBatches: (request) => watchBatches(handler, user, request),
    raw: (method, path, body, signal) => {
      if (options.raw) return options.raw(method, path, body, signal);
      throw StatusError.of(404, 'NotFound', 'the server could not find the requested resource', {});
    },
  };
}

function listOf({ apiVersion, kind, metadata, items }: ListAnswer) {
  return { apiVersion, kind, metadata, items: items.map((each) => each.object) };
}

async function* watch(
  handler: ApiHandler,
  user: UserInfo,
  request: ApiRequest,
): AsyncGenerator<WatchEvent<KubernetesObject>> {
  for await (const batch of watchBatches(handler, user, request)) yield* batch;
}

async function* watchBatches(
  handler: ApiHandler,
  user: UserInfo,
  request: ApiRequest,
): AsyncGenerator<readonly WatchEvent<KubernetesObject>[]> {
  request.signal?.throwIfAborted();
  const answer = await handler.handle({ ...request, verb: 'watch' }, user);
  if (answer.type !== 'watch') throw StatusError.badRequest('this resource cannot be watched');
  for await (const batch of answer.events) yield batch.map(({ type, value }) => ({ type, object: value.object }));
  request.signal?.throwIfAborted();
}
