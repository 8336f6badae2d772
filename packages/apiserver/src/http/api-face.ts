import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ApiRequest,
  type Clock,
  isStatusError,
  type Logger,
  type PatchType,
  type Random,
  type RequestOptions,
  StatusError,
} from '@keelson/core';
import { type HttpRequest, impersonate, type RequestAuthenticator } from '../authentication/index.ts';
import { forbidden } from '../authorization/index.ts';
import type { ApiHandler, Authorizer, ServedResource, UserInfo } from '../registry/contract.ts';
import type { TablePrinter } from '../table/index.ts';
import type { DecodedBody } from './body-findings.ts';
import type { Connector } from './connector.ts';
import { decodeObject, decodePatch, mediaTypeOf } from './decode-body.ts';
import { type EncodingContext, encodeList, encodeObject } from './encode-answer.ts';
import type { ApiMetrics } from './metrics.ts';
import { negotiate, wantsPretty } from './negotiate.ts';
import type { NonResourceRoutes } from './non-resource-routes.ts';
import { readBody } from './read-body.ts';
import { refuseBody } from './refuse-body.ts';
import { type HttpResponse, notFoundReply, type Reply, send, statusReply, warningHeaders } from './reply.ts';
import { parseRequestInfo, type RequestInfo, type ResourceRequest } from './request-info.ts';
import { parseDeleteOptions, parseQueryOptions } from './request-options.ts';
import { streamWatch } from './watch-stream.ts';

export interface ApiFaceOptions {
  readonly handler: ApiHandler;
  readonly authorizer: Authorizer;
  readonly authenticator: RequestAuthenticator;
  readonly routes: NonResourceRoutes;
  readonly connector: Connector;
  readonly tables: TablePrinter;
  readonly metrics: ApiMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A request on its way: parsed, with its user, before anything was done. */
interface Visit {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly pretty: boolean;
}

/** Watches without a `timeoutSeconds` of their own live between one and two times this long. */
const minimumWatchSeconds = 1800;

const patchTypes: readonly PatchType[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** The HTTP face of the API: reads requests, finds out who asks, hands over to the handler and writes its answers. */
export class ApiFace {
  readonly #options: ApiFaceOptions;
  /** Aborts when the server stops: watches end, other requests finish. */
  readonly #stopping = new AbortController();
  #inflight = 0;
  readonly #idle: (() => void)[] = [];

  constructor(options: ApiFaceOptions) {
    this.#options = options;
  }

  /** Ends watches; resolves when no request is left, or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#stopping.abort();
    if (this.#inflight === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Answers one request; never rejects. */
  async handle(request: HttpRequest, response: HttpResponse): Promise<void> {
    this.#inflight++;
    const ended = new AbortController();
    let answered = false;
    // Every answer closes: an abort that nobody waits for any more would cost an exception and its stack each time.
    response.once('close', () => answered || ended.abort());
    response.setHeader('audit-id', String(request.headers['audit-id'] ?? randomUUID()));
    const begun = this.#options.clock.now();
    let measure: ReturnType<ApiMetrics['begin']> | undefined;
    let pretty = false;
    try {
      const { path, query } = target(request);
      pretty = wantsPretty(query, request.headers['user-agent']);
      const info = parseRequestInfo(request.method ?? 'GET', path, query);
      measure = this.#options.metrics.begin(metricLabels(info, this.#options.handler));
      const user = await this.#user(request);
      const visit: Visit = { info, query, user, pretty };
      if (!info.isResource) await this.#nonResource(request, response, visit, info);
      else if (this.#options.connector.connects(info))
        await this.#connect(request, response, visit, info, ended.signal);
      else await this.#resource(request, response, visit, info, ended.signal);
    } catch (error) {
      await this.#fail(request, response, error, pretty);
    } finally {
      answered = true;
      measure?.(response.statusCode, (this.#options.clock.now() - begun) / 1000);
      this.#inflight--;
      if (this.#inflight === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** An HTTP/1.1 Upgrade: exec, attach and port-forward; never rejects. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const ended = new AbortController();
    socket.once('close', () => ended.abort());
    socket.on('error', (error) => ended.abort(error));
    try {
      const { path, query } = target(request);
      const info = parseRequestInfo(request.method ?? 'GET', path, query);
      const user = await this.#user(request);
      if (!info.isResource || !this.#options.connector.connects(info))
        throw StatusError.badRequest('no upgrade is possible here');
      this.#authorizeConnect(user, info, true);
      await this.#options.connector.upgrade(request, socket, head, { info, query, user, signal: ended.signal });
    } catch (error) {
      const failure = this.#toStatus(error, request);
      const body = JSON.stringify(failure.status);
      socket.end(
        `HTTP/1.1 ${failure.code} ${failure.reason || 'Error'}\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    }
  }

  async #user(request: HttpRequest): Promise<UserInfo> {
    const user = await this.#options.authenticator.authenticate(request);
    return impersonate(user, request.headers, this.#options.authorizer);
  }

  async #nonResource(
    request: HttpRequest,
    response: HttpResponse,
    visit: Visit,
    info: Extract<RequestInfo, { isResource: false }>,
  ): Promise<void> {
    const verb = info.verb === 'head' ? 'get' : info.verb;
    const asked = { user: visit.user, verb, path: info.path };
    const decision = this.#options.authorizer.authorize(asked);
    if (!decision.allowed) throw forbidden(asked, decision.reason);
    const reply = await this.#options.routes.answer({
      path: info.path,
      query: visit.query,
      headers: request.headers,
      method: request.method ?? 'GET',
      pretty: visit.pretty,
    });
    await send(request, response, reply);
  }

  async #connect(
    request: HttpRequest,
    response: HttpResponse,
    { query, user }: Visit,
    info: ResourceRequest,
    signal: AbortSignal,
  ): Promise<void> {
    this.#authorizeConnect(user, info, false);
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    await this.#options.connector.serve(request, response, { info, query, user, signal: stop });
  }

  #authorizeConnect(user: UserInfo, info: ResourceRequest, upgrade: boolean): void {
    const { group, version, resource, subresource, namespace, name } = info;
    // A WebSocket opens with GET; running things in a pod needs leave to create all the same.
    const runs = upgrade && /^(exec|attach|portforward)$/.test(subresource ?? '');
    const verbs = runs && info.verb !== 'create' ? [info.verb, 'create'] : [info.verb];
    for (const verb of verbs) {
      const asked = { user, verb, group, version, resource, subresource, namespace, name };
      const decision = this.#options.authorizer.authorize(asked);
      if (!decision.allowed) throw forbidden(asked, decision.reason);
    }
  }

  async #resource(
    request: HttpRequest,
    response: HttpResponse,
    visit: Visit,
    info: ResourceRequest,
    ended: AbortSignal,
  ): Promise<void> {
    const { handler, authorizer } = this.#options;
    const served = handler.catalog.find(info.group, info.version, info.resource);
    if (!served) {
      const { group, version, resource, subresource, namespace, name } = info;
      const asked = { user: visit.user, verb: info.verb, group, version, resource, subresource, namespace, name };
      const decision = authorizer.authorize(asked);
      if (!decision.allowed) throw forbidden(asked, decision.reason);
      const place = handler.catalog.groups().find((each) => each.group === info.group);
      if (!place?.versions.includes(info.version)) return send(request, response, notFoundReply());
      throw StatusError.of(404, 'NotFound', 'the server could not find the requested resource', {});
    }
    if (info.verb === 'create' && info.name && !info.subresource) {
      throw StatusError.methodNotAllowed('the server does not allow this method on the requested resource');
    }
    const format = negotiate(request.headers.accept, visit);
    const context: EncodingContext = {
      format,
      resource: served,
      tables: this.#options.tables,
      includeObject: includeObject(visit.query),
    };
    const { body, options, findings, bodyFindings, patchType } = await this.#payload(request, visit, info, served);
    const watching = info.verb === 'watch';
    const expired = new AbortController();
    const seconds = options.timeoutSeconds ?? Math.round(minimumWatchSeconds * (1 + this.#options.random()));
    const cancel = watching ? this.#options.clock.after(seconds * 1000, () => expired.abort()) : () => undefined;
    const signal = watching ? AbortSignal.any([ended, expired.signal, this.#stopping.signal]) : ended;
    try {
      const { verb, group, version, resource, subresource, namespace, name } = info;
      const apiRequest: ApiRequest = {
        verb,
        group,
        version,
        resource,
        ...(subresource && { subresource }),
        ...(namespace && { namespace }),
        ...(name && { name }),
        options,
        ...(body !== undefined && { body }),
        ...(patchType && { patchType }),
        ...(bodyFindings && { bodyFindings }),
        signal,
      };
      const answer = await handler.handle(apiRequest, visit.user);
      if (answer.type === 'watch') {
        await streamWatch(
          response,
          answer,
          { ...context, resource: answer.resource },
          { clock: this.#options.clock, signal },
        );
        return;
      }
      const encoding = { ...context, resource: answer.resource };
      const reply: Reply = {
        code: answer.type === 'object' ? answer.code : 200,
        contentType: format.mediaType,
        body: answer.type === 'object' ? encodeObject(answer.value, encoding) : encodeList(answer.value, encoding),
        headers: warningHeaders([...findings, ...(answer.warnings ?? [])]),
      };
      await send(request, response, reply);
    } catch (error) {
      // A watch whose time is over before it began is an empty one.
      if (!watching || !signal.aborted || response.headersSent) throw error;
      await send(request, response, { code: 200, contentType: format.mediaType, body: '' });
    } finally {
      cancel();
    }
  }

  /** Reads what a writing request brings with it. */
  async #payload(
    request: HttpRequest,
    { query }: Visit,
    info: ResourceRequest,
    served: ServedResource,
  ): Promise<{
    readonly body?: unknown;
    readonly options: RequestOptions;
    readonly findings: readonly string[];
    readonly bodyFindings?: ApiRequest['bodyFindings'];
    readonly patchType?: PatchType;
  }> {
    const options = parseQueryOptions(query);
    if (info.verb === 'get' || info.verb === 'list' || info.verb === 'watch') return { options, findings: [] };
    const contentType = String(request.headers['content-type'] ?? '');
    const patchType = info.verb === 'patch' ? patchTypeOf(contentType) : undefined;
    const bytes = await readBody(request);
    if (info.verb === 'delete' || info.verb === 'deletecollection') {
      const decoded = bytes.length === 0 ? undefined : decodeObject(bytes, contentType, 'DeleteOptions').value;
      return { options: { ...options, ...parseDeleteOptions(decoded) }, findings: [] };
    }
    const kind = served.subresources.find(({ name }) => name === info.subresource)?.kind.kind ?? served.kind;
    const decoded: DecodedBody = patchType
      ? decodePatch(bytes.toString('utf8'), patchType)
      : decodeObject(bytes, contentType, kind);
    const validation = options.fieldValidation ?? 'Warn';
    // Where the registry decodes whole objects, it tells these findings together with its own.
    const together = served.verbs.includes('get') && (info.subresource === undefined || info.subresource === 'status');
    if (validation === 'Strict' && decoded.findings.length > 0 && !together) {
      throw StatusError.badRequest(
        `${kind} in version ${JSON.stringify(info.version)} cannot be handled as a ${kind}: strict decoding error: ${decoded.withUnknown([], 'error').join(', ')}`,
      );
    }
    const manager =
      options.fieldManager ?? (patchType === 'application/apply-patch+yaml' ? undefined : managerOf(request));
    return {
      body: decoded.value,
      options: { ...options, ...(manager && { fieldManager: manager }) },
      findings: validation === 'Ignore' || together ? [] : decoded.findings,
      ...(together &&
        decoded.findings.length > 0 && {
          bodyFindings: (unknown) => decoded.withUnknown(unknown, validation === 'Strict' ? 'error' : 'warnings'),
        }),
      ...(patchType && { patchType }),
    };
  }

  async #fail(request: HttpRequest, response: HttpResponse, error: unknown, pretty: boolean): Promise<void> {
    if (response.destroyed) return;
    if (response.headersSent) {
      this.#options.logger.warn('an answer broke off', { path: request.url, error: String(error) });
      response.destroy();
      return;
    }
    try {
      const reply = statusReply(this.#toStatus(error, request), pretty);
      if (reply.code === 413) await refuseBody(request, response, reply, this.#options.clock);
      else await send(request, response, reply);
    } catch (failure) {
      this.#options.logger.warn('an error could not be sent', { path: request.url, error: String(failure) });
      response.destroy();
    }
  }

  #toStatus(error: unknown, request: HttpRequest): StatusError {
    if (isStatusError(error)) return error;
    if (error instanceof RangeError && /call stack/i.test(error.message)) {
      return StatusError.badRequest('the object is nested too deeply');
    }
    this.#options.logger.error('a request failed', {
      method: request.method,
      path: request.url,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return StatusError.internal(error instanceof Error ? error.message : String(error));
  }
}

function target(request: HttpRequest): { readonly path: string; readonly query: URLSearchParams } {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

function patchTypeOf(contentType: string): PatchType {
  const found = patchTypes.find((each) => each === mediaTypeOf(contentType));
  if (found) return found;
  throw StatusError.of(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

/** A client that names no field manager is known by the first word of its user agent. */
function managerOf(request: HttpRequest): string {
  return (request.headers['user-agent'] ?? '').split('/')[0]?.slice(0, 128) ?? '';
}

function includeObject(query: URLSearchParams): EncodingContext['includeObject'] {
  const asked = query.get('includeObject');
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata';
}

function metricLabels(info: RequestInfo, handler: ApiHandler) {
  if (!info.isResource) {
    return { verb: info.verb.toUpperCase(), group: '', version: '', resource: '', subresource: '', scope: '' };
  }
  const { group, version, namespace, name } = info;
  const verbs: Record<string, string> = { create: 'POST', update: 'PUT', deletecollection: 'DELETECOLLECTION' };
  // Only names that are served become labels: whoever asks for nonsense must not grow the metrics.
  const served = handler.catalog.find(group, version, info.resource);
  const subresource = served?.subresources.some((each) => each.name === info.subresource)
    ? info.subresource
    : undefined;
  const scope = name ? 'resource' : namespace ? 'namespace' : 'cluster';
  return {
    verb: verbs[info.verb] ?? info.verb.toUpperCase(),
    group: served ? group : '',
    version: served ? version : '',
    resource: served ? info.resource : '',
    subresource: subresource ?? '',
    scope,
  };
}
