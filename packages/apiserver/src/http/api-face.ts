import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, isStatusError, type Logger, type Random, StatusError } from '@keelson/core';
import type { Aggregator, Extension } from '../aggregation/index.ts';
import type { Auditor } from '../audit/index.ts';
import { bearerWarning, type HttpRequest, impersonate, type RequestAuthenticator } from '../authentication/index.ts';
import { forbidden, questionAbout } from '../authorization/index.ts';
import { type FlowControl, FlowRefusal, RefusalPace, refusalText, retryAfterSeconds, Stay } from '../fairness/index.ts';
import type { ApiHandler, AuthorizationRequest, Authorizer, UserInfo } from '../registry/contract.ts';
import type { TablePrinter } from '../table/index.ts';
import { AuditTrail, auditIdOf } from './audit-trail.ts';
import type { Connector } from './connector.ts';
import { Departure } from './departure.ts';
import { isLongRunning } from './long-running.ts';
import type { ApiMetrics, Measure } from './metrics.ts';
import { wantsPretty } from './negotiate.ts';
import type { NonResourceRoutes } from './non-resource-routes.ts';
import { refuseBody, releaseBody } from './refuse-body.ts';
import { type HttpResponse, send, statusReply, textReply } from './reply.ts';
import { parseRequestInfo, type RequestInfo } from './request-info.ts';
import { checkTimeout } from './request-timeout.ts';
import { ResourceFace, type ResourceVisit, type Upgrade } from './resource-face.ts';
import { sendLong } from './send-pieces.ts';
import { wantsWebSocket } from './watch-websocket.ts';

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
  readonly flowControl: FlowControl;
  readonly aggregator: Aggregator;
  /** Without it nothing is taken down. */
  readonly auditor?: Auditor | undefined;
}

/** The HTTP face of the API: reads requests, finds out who asks, hands over to the handler and writes its answers. */
export class ApiFace {
  readonly #options: ApiFaceOptions;
  readonly #resources: ResourceFace;
  readonly #refusals: RefusalPace;
  /** Aborts when the server stops: watches end, other requests finish. */
  readonly #stopping = new AbortController();
  #inflight = 0;
  readonly #idle: (() => void)[] = [];

  constructor(options: ApiFaceOptions) {
    this.#options = options;
    this.#refusals = new RefusalPace(options.clock);
    this.#resources = new ResourceFace({ ...options, stopping: this.#stopping.signal });
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

  /** Answers one request; never rejects. `upgrade`: its client would rather have a WebSocket. */
  async handle(request: HttpRequest, response: HttpResponse, upgrade?: Upgrade): Promise<void> {
    this.#inflight++;
    const departure = new Departure();
    response.once('close', () => departure.closed());
    let measure: Measure | undefined;
    let pretty = false;
    let seat: Stay | undefined;
    let trail: AuditTrail | undefined;
    const { auditor, clock } = this.#options;
    const at = auditor ? clock.now() : 0;
    try {
      const auditId = auditIdOf(request);
      response.setHeader('audit-id', auditId);
      const { path, query } = target(request);
      pretty = wantsPretty(query, request.headers['user-agent']);
      const method = request.method ?? 'GET';
      const info = parseRequestInfo(method, path, query);
      measure = this.#options.metrics.begin(info, request, this.#options.handler.catalog);
      if (auditor) trail = new AuditTrail(auditor, request, info, auditId, at);
      checkTimeout(info, query);
      const user = await this.#user(request, response, trail, upgrade?.socket ?? response);
      const connects = info.isResource && this.#options.connector.connects(info);
      // What stays open takes no seat, but for a watch until it has begun.
      if (info.verb === 'watch' || !isLongRunning(info))
        seat = await this.#enter(user, info, query, response, departure);
      await this.#authorize(user, info, response, trail);
      const extension = this.#options.aggregator.claim(info);
      if (extension) await this.#forward(extension, request, response, { info, user, departure, seat });
      else if (!info.isResource) {
        const reply = await this.#options.routes.answer({ path, query, headers: request.headers, method, pretty });
        if ('pieces' in reply) await sendLong(request, response, reply, { clock, stalled: () => seat?.finish() });
        else await send(request, response, reply);
      } else if (connects) {
        const signal = AbortSignal.any([departure.signal, this.#stopping.signal]);
        await this.#options.connector.serve(request, response, { info, query, user, signal });
      } else {
        await this.#resources.answer(request, response, { info, query, user, pretty, departure, upgrade, seat, trail });
      }
    } catch (error) {
      // Telling may take as long as the client likes.
      seat?.finish();
      await this.#fail(request, response, error, { pretty, departure, trail });
    } finally {
      departure.answered();
      void trail?.record?.finished();
      seat?.finish();
      releaseBody(request, response, this.#options.clock);
      measure?.end(response);
      this.#inflight--;
      if (this.#inflight === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** Passes a request on to the extension server that it is for. A watch may stay open; all else has its time. */
  async #forward(
    extension: Extension,
    request: HttpRequest,
    response: HttpResponse,
    {
      info,
      user,
      departure,
      seat,
    }: Pick<ResourceVisit, 'user' | 'departure' | 'seat'> & { readonly info: RequestInfo },
  ): Promise<void> {
    const { aggregator, clock } = this.#options;
    const watch = info.verb === 'watch';
    const late = new AbortController();
    const cancel = watch ? undefined : clock.after(longestForwardMs, () => late.abort(tooLate()));
    const signal = AbortSignal.any([departure.signal, watch ? this.#stopping.signal : late.signal]);
    try {
      await aggregator.serve(extension, request, response, {
        user,
        signal,
        begun: () => watch && seat?.finish(),
      });
    } finally {
      cancel?.();
    }
  }

  /** An HTTP/1.1 Upgrade: exec, attach and port-forward, a watch over WebSocket; all else is answered as if not asked. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { path, query } = target(request);
    const info = parseRequestInfo(request.method ?? 'GET', path, query);
    if (this.#options.aggregator.claim(info) || (info.isResource && this.#options.connector.connects(info))) {
      await this.#connect(request, socket, head, info, query);
      return;
    }
    socket.on('error', () => socket.destroy());
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    const upgrade = wantsWebSocket(request) ? { request, socket, head, response } : undefined;
    await this.handle(request, response, upgrade);
  }

  async #connect(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    info: RequestInfo,
    query: URLSearchParams,
  ): Promise<void> {
    const ended = new AbortController();
    socket.once('close', () => ended.abort());
    socket.on('error', (error) => ended.abort(error));
    const { auditor, clock } = this.#options;
    const trail = auditor && new AuditTrail(auditor, request, info, auditIdOf(request), clock.now());
    try {
      const user = await this.#user(request, undefined, trail, socket);
      await this.#authorize(user, info, undefined, trail, true);
      const { aggregator, connector } = this.#options;
      const { signal } = ended;
      const extension = aggregator.claim(info);
      if (extension) await aggregator.upgrade(extension, request, socket, head, { user, signal });
      else if (info.isResource) await connector.upgrade(request, socket, head, { info, query, user, signal });
    } catch (error) {
      // Who has gone, or was refused in the handshake, is told nothing.
      if (socket.destroyed || !socket.writable) return;
      const failure = this.#toStatus(error, request);
      await trail?.failed(failure);
      trail?.record?.begun(failure.code);
      const body = JSON.stringify(failure.status);
      socket.end(
        `HTTP/1.1 ${failure.code} ${failure.reason || 'Error'}\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    } finally {
      void trail?.record?.finished();
    }
  }

  /** Says of which FlowSchema and level a request is, and waits for a seat in it. */
  #enter(
    user: UserInfo,
    info: RequestInfo,
    query: URLSearchParams,
    response: HttpResponse,
    departure: Departure,
  ): Stay | Promise<Stay> {
    const { flowControl } = this.#options;
    const classified = flowControl.classify(user, info);
    response.setHeader('x-kubernetes-pf-flowschema-uid', classified.flow.uid);
    response.setHeader('x-kubernetes-pf-prioritylevel-uid', classified.level.uid);
    const asked = { user, info, query, signal: () => departure.signal };
    const enter = () => flowControl.enter(classified, asked);
    const seat = enter();
    return seat instanceof Promise ? seat.then((each) => new Stay(each, enter)) : new Stay(seat, enter);
  }

  async #user(
    request: HttpRequest,
    response: HttpResponse | undefined,
    trail: AuditTrail | undefined,
    answer: HttpResponse | Duplex,
  ): Promise<UserInfo> {
    const { access } = this.#options.metrics;
    const warning = bearerWarning(request);
    if (warning !== undefined) response?.setHeader('warning', `299 - "${warning}"`);
    let user: UserInfo;
    try {
      user = await this.#options.authenticator.authenticate(request);
    } catch (error) {
      access.refused(error instanceof Error && error.cause !== undefined ? 'error' : 'failure');
      throw error;
    }
    access.authenticated(user);
    if (trail) await trail.identified(user, answer);
    try {
      const actor = await impersonate(user, request, this.#options.authorizer);
      if (actor !== user) trail?.record?.impersonates(actor);
      return actor;
    } catch (error) {
      // As by Kubernetes: who is refused for who they are, and what they may do, not for what they sent.
      response?.setHeader('x-content-type-options', 'nosniff');
      throw error;
    }
  }

  /** Throws 403. Nobody without leave learns more, not even that there is no such thing. */
  async #authorize(
    user: UserInfo,
    info: RequestInfo,
    response: HttpResponse | undefined,
    trail: AuditTrail | undefined,
    upgrade = false,
  ): Promise<void> {
    const { authorizer, clock, metrics } = this.#options;
    for (const asked of questions(user, info, upgrade)) {
      const begun = clock.now();
      const decision = await authorizer.authorize(asked);
      metrics.access.authorized(decision, (clock.now() - begun) / 1000);
      trail?.decided(decision);
      if (decision.allowed) continue;
      response?.setHeader('x-content-type-options', 'nosniff');
      if (decision.error !== undefined) throw new UndecidedError(decision.error);
      throw forbidden(asked, decision.reason);
    }
  }

  async #fail(
    request: HttpRequest,
    response: HttpResponse,
    error: unknown,
    { pretty, departure, trail }: Failing,
  ): Promise<void> {
    if (response.destroyed) return;
    if (response.headersSent) {
      this.#options.logger.warn('an answer broke off', { path: request.url, error: String(error) });
      response.destroy();
      return;
    }
    try {
      if (error instanceof FlowRefusal) {
        await this.#refusals.wait(() => departure.signal);
        await send(request, response, textReply(429, refusalText, { 'retry-after': retryAfterSeconds }));
        return;
      }
      if (error instanceof UndecidedError) {
        const text = `Internal Server Error: ${JSON.stringify(escaped(request.url ?? ''))}: ${error.message}\n`;
        await send(request, response, textReply(500, text, {}));
        return;
      }
      if (isBug(error)) await trail?.record?.broke(messageOf(error));
      const failure = this.#toStatus(error, request);
      // Wrong credentials: who tries many is told slowly, and keeps the server no busier than it likes.
      if (failure.code === 401 && failure.cause !== undefined) await this.#refusals.wait(() => departure.signal);
      await trail?.failed(failure);
      const reply = statusReply(failure, { pretty, accept: request.headers.accept });
      if (reply.code === 413 || reply.code === 408) await refuseBody(request, response, reply, this.#options.clock);
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

const longestForwardMs = 60_000;

const tooLate = () =>
  StatusError.of(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {});

type Failing = Pick<ResourceVisit, 'pretty' | 'departure' | 'trail'>;

/** An authorizer could not say whether a request is allowed. */
class UndecidedError extends Error {}

const escaped = (url: string) => url.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** An error that nobody has thought of. */
const isBug = (error: unknown) => !isStatusError(error) && !(error instanceof RangeError);

/** What a user must be allowed for a request. */
function questions(user: UserInfo, info: RequestInfo, upgrade: boolean): readonly AuthorizationRequest[] {
  if (!info.isResource) return [{ user, verb: info.verb, path: info.path }];
  // A WebSocket opens with GET; running things in a pod needs leave to create all the same.
  const runs = upgrade && /^(exec|attach|portforward)$/.test(info.subresource ?? '');
  const verbs = runs && info.verb !== 'create' ? [info.verb, 'create'] : [info.verb];
  return verbs.map((verb) => questionAbout(user, { ...info, verb }, info));
}

/** A query without the parts that Go cannot read, which it leaves out: those with a semicolon or a broken escape. */
const readable = (query: string) =>
  /;|%(?![0-9A-Fa-f]{2})/.test(query)
    ? query
        .split('&')
        .filter((each) => !/;|%(?![0-9A-Fa-f]{2})/.test(each))
        .join('&')
    : query;

function target(request: HttpRequest): { readonly path: string; readonly query: URLSearchParams } {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(readable(url.slice(mark + 1))) };
}
