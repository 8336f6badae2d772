import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ApiRequest, type Clock, type Random, StatusError } from '@keelson/core';
import type { AuditRecord } from '../audit/index.ts';
import type { HttpRequest } from '../authentication/index.ts';
import type { FlowControl, Stay } from '../fairness/index.ts';
import type { ApiAnswer, ApiHandler, ServedResource, UserInfo } from '../registry/contract.ts';
import { warningsOf } from '../registry/error-warnings.ts';
import type { TablePrinter } from '../table/index.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Departure } from './departure.ts';
import { deprecationOf } from './deprecations.ts';
import { type EncodingContext, encodeList, encodeObject } from './encode-answer.ts';
import type { ApiMetrics } from './metrics.ts';
import {
  checkAccept,
  checkStream,
  type NegotiateOptions,
  negotiate,
  type OutputFormat,
  produced,
} from './negotiate.ts';
import { type Payload, patchTypeOf, readPayload } from './read-payload.ts';
import { type HttpResponse, notFoundReply, send, warningHeaders } from './reply.ts';
import type { ResourceRequest } from './request-info.ts';
import { checkListQuery } from './request-options.ts';
import { checkCustomRoute, checkRoute, unknownResource } from './route-resource.ts';
import { sendPieces } from './send-pieces.ts';
import { frameEncoder } from './watch-frames.ts';
import { streamWatch, type WatchOutput } from './watch-stream.ts';
import { refusesWebSocket, watchOverWebSocket } from './watch-websocket.ts';
import { hasTables } from './without-tables.ts';

export interface ResourceFaceOptions {
  readonly handler: ApiHandler;
  readonly tables: TablePrinter;
  readonly metrics: ApiMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly flowControl: FlowControl;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
}

/** The connection of a client that asks for a WebSocket. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  /** Holds the socket until the upgrade. */
  readonly response: ServerResponse;
}

/** An authorised request for a resource. */
export interface ResourceVisit {
  readonly info: ResourceRequest;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly pretty: boolean;
  readonly departure: Departure;
  readonly upgrade: Upgrade | undefined;
  /**
   * What the request holds of the server. A watch gives it back when what there is already has been sent; a client that
   * does not read what it asked for loses it.
   */
  readonly seat: Stay | undefined;
  /** What the audit log is told of it, if there is one. */
  readonly trail?: AuditTrail | undefined;
}

type Watched = Extract<ApiAnswer, { readonly type: 'watch' }>;

/** How an answer is written, but for what only is looked at when there is one. */
type Form = Omit<EncodingContext, 'includeObject'>;

/** Watches without a `timeoutSeconds` of their own live between one and two times this long. */
const minimumWatchSeconds = 1800;

/** The part of the HTTP face that reads and writes API objects. */
export class ResourceFace {
  readonly #options: ResourceFaceOptions;

  constructor(options: ResourceFaceOptions) {
    this.#options = options;
  }

  /** Answers a request that is authorised. Rejects with `StatusError`. */
  async answer(request: HttpRequest, response: HttpResponse, visit: ResourceVisit): Promise<void> {
    const { info, query } = visit;
    const served = this.#options.handler.catalog.find(info.group, info.version, info.resource);
    const { warning } = (served && warningHeaders(this.#warnings(served))) ?? {};
    // A part that it has not is refused by the type itself, where that is somebody's own.
    if (warning && served?.custom) response.setHeader('warning', warning);
    const routed = served ? route(request, info, served) : this.#options.handler.catalog.hasBuiltIn(info.group);
    if (!routed) return send(request, response, notFoundReply());
    if (!served) throw unknownResource();
    const { version, custom } = served;
    // Errors and watches carry it too.
    if (warning) response.setHeader('warning', warning);
    const watch = info.verb === 'watch';
    const tables = hasTables(info.group, info.resource, info.subresource);
    const format = formFor(request, info, query, { pretty: visit.pretty, version, custom, tables });
    const context = { format, resource: served, tables: this.#options.tables };
    const payload = await readPayload(request, query, info, served, { clock: this.#options.clock, stay: visit.seat });
    const { record } = visit.trail ?? {};
    if (record) noteSent(record, payload);
    if (watch) await this.#watch(response, visit, context, payload);
    else await this.#once(request, response, visit, context, payload);
  }

  async #once(
    request: HttpRequest,
    response: HttpResponse,
    { info, query, user, departure, seat, trail }: ResourceVisit,
    context: Form,
    payload: Payload,
  ): Promise<void> {
    // A write goes on, whoever waits for it; a signal is dear to make.
    const signal = writes.has(info.verb) ? undefined : departure.signal;
    const asked = apiRequest(info, payload, signal, trail?.record);
    const answer = await this.#handle(response, context.resource, asked, user, payload);
    if (answer.type === 'watch') throw StatusError.internal('a watch was answered that nobody asked for');
    const encoding = { ...context, resource: answer.resource, includeObject: includeObject(query, context.format) };
    const code = answer.type === 'object' ? answer.code : 200;
    const contentType = context.format.mediaType;
    const headers = warningHeaders([
      ...this.#warnings(context.resource),
      ...payload.findings,
      ...(answer.warnings ?? []),
    ]);
    const body =
      answer.type === 'object' ? encodeObject(answer.value, encoding) : await encodeList(answer.value, encoding);
    if (trail?.record) {
      const isJson = contentType === 'application/json' && !context.format.pretty && body instanceof Uint8Array;
      await trail.answered(answer, encoding, isJson ? body : undefined);
    }
    if (body instanceof Uint8Array) await send(request, response, { code, contentType, headers, body });
    else {
      const { clock } = this.#options;
      const stalled = () => seat?.finish();
      await sendPieces(request, response, { code, contentType, headers, body }, { clock, stalled });
    }
  }

  async #watch(
    response: HttpResponse,
    { info, query, user, departure, upgrade, seat }: ResourceVisit,
    context: Form,
    payload: Payload,
  ): Promise<void> {
    const { clock, random, stopping, metrics, flowControl } = this.#options;
    const counted = flowControl.watches.begin(info, query);
    const expired = new AbortController();
    // 0 is no time of its own either, as by Kubernetes.
    const seconds = payload.options.timeoutSeconds || Math.round(minimumWatchSeconds * (1 + random()));
    let cancel: (() => void) | undefined;
    const gone = upgrade ? closing(upgrade.socket) : departure.signal;
    const signal = AbortSignal.any([gone, expired.signal, stopping]);
    try {
      const answer = await this.#options.handler.handle(apiRequest(info, payload, signal), user);
      // Until it is on, its time does not run.
      cancel = clock.after(seconds * 1000, () => expired.abort());
      if (answer.type !== 'watch') throw StatusError.internal('a watch was not answered as one');
      const { mediaType } = context.format;
      checkStream(mediaType);
      const included = includeObject(query, context.format);
      const encoding = { ...context, resource: answer.resource, includeObject: included };
      const encode = metrics.counting(answer.resource, frameEncoder(encoding));
      const watch: WatchOutput = {
        events: beginning(answer, seat),
        encode,
        mediaType,
        clock,
        signal,
        stalled: () => seat?.finish(),
      };
      if (upgrade) await overWebSocket(upgrade, watch);
      else await streamWatch(response, watch);
    } catch (error) {
      // A watch whose time is over before it began is an empty one.
      if (!signal.aborted || response.headersSent) throw error;
      if (!response.destroyed) {
        response.writeHead(200, { 'cache-control': 'no-cache, private', 'content-type': context.format.mediaType });
        response.end();
      }
    } finally {
      cancel?.();
      counted();
      // One that was opened and could not be answered.
      expired.abort();
    }
  }

  /** Errors carry the warnings that came before them. */
  async #handle(
    response: HttpResponse,
    served: ServedResource,
    request: ApiRequest,
    user: UserInfo,
    { findings }: Payload,
  ): Promise<ApiAnswer> {
    try {
      return await this.#options.handler.handle(request, user);
    } catch (error) {
      const { warning } = warningHeaders([...this.#warnings(served), ...findings, ...warningsOf(error)]) ?? {};
      if (warning) response.setHeader('warning', warning);
      throw error;
    }
  }

  #warnings(served: ServedResource): readonly string[] {
    const warning = deprecationOf(served);
    return warning === undefined ? [] : [warning];
  }
}

/** The events of a watch, which gives its seat back when it has begun and the first of them have been written. */
function beginning({ events, begun }: Watched, seat: Stay | undefined): Watched['events'] {
  if (!seat) return events;
  begun.then(
    (any) => any || seat.finish(),
    () => seat.finish(),
  );
  return {
    [Symbol.asyncIterator]() {
      const iterator = events[Symbol.asyncIterator]();
      let asked = 0;
      return {
        next() {
          if (asked < 2 && ++asked === 2) seat.finish();
          return iterator.next();
        },
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** Aborts when a socket closes. */
function closing(socket: Socket): AbortSignal {
  const closed = new AbortController();
  if (socket.destroyed) closed.abort();
  socket.once('close', () => closed.abort());
  return closed.signal;
}

async function overWebSocket({ request, socket, head, response }: Upgrade, watch: WatchOutput): Promise<void> {
  const refused = refusesWebSocket(request);
  if (refused !== undefined) {
    response.writeHead(refused, { 'content-length': '0' });
    response.end();
    return;
  }
  response.detachSocket(socket);
  await watchOverWebSocket(request, socket, head, watch);
}

/** What is checked of a request before its endpoint is entered. False: nothing is there at all. Throws 404, 405, 406 and 415. */
function route(request: HttpRequest, info: ResourceRequest, served: ServedResource): boolean {
  const method = request.method ?? 'GET';
  const contentType = String(request.headers['content-type'] ?? '');
  if (served.custom) return checkCustomRoute(info, served, method);
  checkRoute(info, served, method);
  if (method === 'PATCH') patchTypeOf(contentType, false);
  const list = method === 'GET' && (info.name === undefined || info.watchPath === true);
  checkAccept(request.headers.accept, produced(list));
  return true;
}

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

/** What is sent and is no object. Objects are taken down when they are decoded. */
function noteSent(record: AuditRecord, { patchType, body, deletion }: Payload): void {
  if (patchType) record.sent(body);
  else if (deletion) record.sent({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal', ...deletion });
}

function apiRequest(
  info: ResourceRequest,
  payload: Payload,
  signal: AbortSignal | undefined,
  record?: AuditRecord,
): ApiRequest {
  const { verb, group, version, resource, subresource, namespace, name } = info;
  const { body, options, patchType, bodyFindings, program } = payload;
  const request: { -readonly [Field in keyof ApiRequest]: ApiRequest[Field] } = {
    verb,
    group,
    version,
    resource,
    options,
  };
  if (subresource) request.subresource = subresource;
  if (namespace) request.namespace = namespace;
  if (name) request.name = name;
  if (body !== undefined) request.body = body;
  if (patchType) request.patchType = patchType;
  if (bodyFindings) request.bodyFindings = bodyFindings;
  if (program) request.program = program;
  if (record) request.record = record;
  if (signal) request.signal = signal;
  return request;
}

/** The form of an answer. Kubernetes chooses it before it looks at the rest of a request, but for what a list is asked by. */
function formFor(
  request: HttpRequest,
  { verb }: ResourceRequest,
  query: URLSearchParams,
  options: NegotiateOptions,
): OutputFormat {
  try {
    return negotiate(request.headers.accept, options);
  } catch (error) {
    if (verb === 'list' || verb === 'watch') checkListQuery(query, verb);
    throw error;
  }
}

/** What a Table's rows hold of their objects. Throws 400. */
function includeObject(query: URLSearchParams, { as }: OutputFormat): EncodingContext['includeObject'] {
  const asked = query.get('includeObject') || 'Metadata';
  if (asked === 'None' || asked === 'Object' || asked === 'Metadata') return asked;
  if (as !== 'Table') return 'Metadata';
  throw StatusError.badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}
