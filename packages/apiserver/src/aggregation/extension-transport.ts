import {
  type ApiRequest,
  jsonLines,
  type KubernetesObject,
  parseAnswer,
  StatusError,
  type Transport,
  toHttpMessage,
  toStatusError,
  type WatchEvent,
} from '@keelson/core';
import { z } from 'zod';
import { forbidden, questionAbout } from '../authorization/index.ts';
import type { Authorizer, UserInfo } from '../registry/contract.ts';
import type { Aggregator } from './aggregator.ts';
import type { Extension } from './extension.ts';
import { ExtensionError, type Question, UnresolvedError } from './extension-server.ts';

export interface ExtensionTransportOptions {
  readonly aggregator: Aggregator;
  readonly authorizer: Authorizer;
  readonly user: UserInfo;
}

const object = z.custom<KubernetesObject>(
  (value) => typeof value === 'object' && value !== null && 'metadata' in value,
  'is no object of Kubernetes',
);
const Event = z.union([
  z.object({ type: z.literal('ERROR'), object: z.looseObject({ code: z.number().optional() }) }),
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']), object }),
]);

/** Clients in the same process reach extension servers too: authorised here, then asked as by the aggregator. */
export function extensionTransport(own: Transport, options: ExtensionTransportOptions): Transport {
  const { aggregator, authorizer, user } = options;
  const find = ({ group, version }: ApiRequest) => aggregator.find(group, version);
  const authorize = async (request: ApiRequest) => {
    const asked = questionAbout(user, request, request.options);
    const decision = await authorizer.authorize(asked);
    if (!decision.allowed) throw forbidden(asked, decision.reason);
  };
  const { sharesObjects, watchBatches } = own;
  return {
    // What extension servers answer is read for one client alone, which may share it as well.
    ...(sharesObjects && { sharesObjects }),
    ...(watchBatches && {
      watchBatches: (request: ApiRequest) => {
        const extension = find(request);
        if (!extension) return watchBatches(request);
        return singly(watch(extension, request, user, () => authorize({ ...request, verb: 'watch' })));
      },
    }),
    async request(request) {
      const extension = find(request);
      if (!extension) return own.request(request);
      await authorize(request);
      return parseAnswer(request, await ask(extension, toHttpMessage(request), user, request.signal));
    },
    watch(request) {
      const extension = find(request);
      if (!extension) return own.watch(request);
      return watch(extension, request, user, () => authorize({ ...request, verb: 'watch' }));
    },
    async raw(method, path, body, signal) {
      const extension = aggregator.claim({
        isResource: false,
        verb: method.toLowerCase(),
        path: path.split('?')[0] ?? path,
      });
      if (!extension) return own.raw(method, path, body, signal);
      const asked = { user, verb: method.toLowerCase(), path };
      const decision = await authorizer.authorize(asked);
      if (!decision.allowed) throw forbidden(asked, decision.reason);
      return ask(extension, { path, method, headers: { accept: 'application/json' }, body }, user, signal);
    },
  };
}

async function* singly<E>(events: AsyncIterable<E>): AsyncGenerator<readonly E[]> {
  for await (const each of events) yield [each];
}

async function ask(
  extension: Extension,
  question: Question,
  user: UserInfo,
  signal = new AbortController().signal,
): Promise<string> {
  if (!extension.available) throw unavailable('service unavailable');
  try {
    const { status, headers, text } = await extension.server.ask(question, user, signal);
    if (status >= 300) throw toStatusError(status, headers['retry-after'], text);
    return text;
  } catch (error) {
    throw readable(error);
  }
}

async function* watch(
  extension: Extension,
  request: ApiRequest,
  user: UserInfo,
  authorize: () => Promise<void>,
): AsyncGenerator<WatchEvent<KubernetesObject>> {
  await authorize();
  if (!extension.available) throw unavailable('service unavailable');
  const ended = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, ended.signal]) : ended.signal;
  try {
    const answer = await extension.server.open(toHttpMessage({ ...request, verb: 'watch' }), user, signal);
    const { statusCode = 0, headers } = answer;
    if (statusCode >= 300) throw toStatusError(statusCode, headers['retry-after'], '');
    for await (const line of jsonLines(answer)) {
      const event = Event.parse(line);
      if (event.type === 'ERROR')
        throw toStatusError(event.object.code ?? 500, undefined, JSON.stringify(event.object));
      yield event;
    }
  } catch (error) {
    throw readable(error);
  } finally {
    ended.abort();
  }
}

const unavailable = (message: string) => StatusError.of(503, 'ServiceUnavailable', message, {});

function readable(error: unknown): unknown {
  if (error instanceof ExtensionError || error instanceof UnresolvedError) {
    return unavailable(`error trying to reach service: ${error.message}`);
  }
  return error;
}
