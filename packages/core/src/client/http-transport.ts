import { X509Certificate } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { KubernetesObject } from '../api/index.ts';
import { type Clock, isStatusError, StatusError, systemClock } from '../machinery/index.ts';
import type { ClientConfig } from './client-config.ts';
import { connectionError } from './connection-error.ts';
import type { Connector, HttpResponse } from './connector.ts';
import type { ApiRequest, Transport, WatchEvent } from './contract.ts';
import { CredentialSource, type Credentials, type IssueToken } from './credentials.ts';
import { cutManagedFields } from './cut-managed-fields.ts';
import { type HttpMessage, isStatus, parseAnswer, toHttpMessage, toStatusError } from './http-message.ts';
import { lineBatches } from './json-lines.ts';
import { createConnector } from './negotiating-connector.ts';
import { StringPool } from './share-strings.ts';

/** How connections to an API server are made and watched over. */
export interface HttpTransportOptions {
  readonly clock?: Clock;
  /** Default: HTTP/2 where the server offers it. */
  readonly protocol?: 'http/1.1' | 'h2';
  /** Default 90 s; Kubernetes itself gives up after 60 s. Watches have none. */
  readonly requestTimeoutMs?: number;
  /** A watch without any byte, bookmarks included, for so long counts as lost. Default 3 minutes; bookmarks come every minute. */
  readonly watchIdleMs?: number;
  /** How often a connection of HTTP/2 with requests on it is asked whether it is still there. Default 30 s. */
  readonly pingEveryMs?: number;
  /** Without an answer for so long the connection is lost, and all that is on it. Default 15 s. */
  readonly pingTimeoutMs?: number;
  /** Asked for a bearer token, instead of what the config names: again before it ends, and after a 401. */
  readonly issueToken?: IssueToken;
  /** Told of each answer, for metrics. */
  readonly observe?: (answer: ObservedAnswer) => void;
}

/** One HTTP request, and what came of it. */
export interface ObservedAnswer {
  /** The status, or `<error>` where there was no answer. */
  readonly code: string;
  readonly method: string;
  /** With its port. */
  readonly host: string;
}

/** A transport over the network; `close` lets go of its connections. */
export interface HttpTransport extends Transport {
  close(): void;
}

/** Speaks JSON over HTTPS with any Kubernetes API server. Rejects with `StatusError` for an answer, `ConnectionError` for none. */
export function httpTransport(config: ClientConfig, options: HttpTransportOptions = {}): HttpTransport {
  return new NetworkTransport(config, options);
}

const version = '0.1.0';
/** So much of a watch is parsed in a few milliseconds; then others get a turn. */
const bytesPerTurn = 256 * 1024;

class NetworkTransport implements HttpTransport {
  readonly #config: ClientConfig;
  readonly #origin: URL;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #options: HttpTransportOptions;
  readonly #credentials: CredentialSource;
  readonly #headers: HttpMessage['headers'];
  readonly #strings = new StringPool();
  #connector: { readonly connector: Connector; readonly cert: string | undefined } | undefined;

  constructor(config: ClientConfig, options: HttpTransportOptions) {
    this.#config = config;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#origin = new URL(config.server);
    this.#prefix = this.#origin.pathname.replace(/\/+$/, '');
    this.#credentials = new CredentialSource(config, this.#clock, options.issueToken);
    this.#headers = {
      'user-agent': config.userAgent ?? `keelson/${version} (${process.platform}/${process.arch})`,
      ...impersonation(config),
    };
  }

  async request(request: ApiRequest): Promise<unknown> {
    const text = await this.#text(toHttpMessage(request), request.signal);
    const answer = parseAnswer(request, text);
    // Who leaves out what is of no use keeps the rest.
    if (request.verb === 'list' && (request.withoutManagedFields || request.metadataOnly)) this.#strings.share(answer);
    return answer;
  }

  raw(method: 'GET' | 'POST', path: string, body?: string, signal?: AbortSignal): Promise<string> {
    const headers = {
      accept: 'application/json, */*',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    return this.#text({ method, path, headers, ...(body !== undefined && { body }) }, signal);
  }

  async *watch(request: ApiRequest): AsyncGenerator<WatchEvent<KubernetesObject>> {
    for await (const batch of this.watchBatches(request)) yield* batch;
  }

  async *watchBatches(request: ApiRequest): AsyncGenerator<readonly WatchEvent<KubernetesObject>[]> {
    const message = toHttpMessage(request);
    const { signal } = request;
    allowManyListeners(signal);
    const abort = new AbortController();
    const follow = () => abort.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener('abort', follow, { once: true });
    const guard = this.#guard(
      abort,
      request.options?.allowWatchBookmarks ? (this.#options.watchIdleMs ?? 180_000) : undefined,
      request.options?.timeoutSeconds,
    );
    try {
      const response = await this.#send(message, abort.signal);
      if (response.status >= 300) throw await this.#error(response);
      let sinceTurn = 0;
      for await (const lines of lineBatches(guard.seen(response.body))) {
        for (const { slice, bytes } of slicesOf(lines)) {
          yield* eventsOf(slice, request, this.#strings);
          sinceTurn += bytes;
          if (sinceTurn < bytesPerTurn) continue;
          sinceTurn = 0;
          await turnOfEventLoop();
        }
      }
      abort.signal.throwIfAborted();
      requireComplete(response);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (isStatusError(error)) throw error;
      throw connectionError(
        `watch of ${this.#origin.host}${message.path.split('?')[0]}`,
        abort.signal.aborted ? abort.signal.reason : error,
      );
    } finally {
      guard.cancel();
      signal?.removeEventListener('abort', follow);
      // Whoever leaves the loop early no longer wants the rest of the stream.
      abort.abort(new Error('the watch is over'));
    }
  }

  close(): void {
    this.#connector?.connector.close();
    this.#connector = undefined;
  }

  async #text(message: HttpMessage, signal: AbortSignal | undefined): Promise<string> {
    const { requestTimeoutMs = 90_000 } = this.#options;
    allowManyListeners(signal);
    const abort = new AbortController();
    const follow = () => abort.abort(signal?.reason);
    if (signal?.aborted) follow();
    signal?.addEventListener('abort', follow, { once: true });
    const cancelTimer = this.#clock.after(requestTimeoutMs, () =>
      abort.abort(new Error(`no answer within ${requestTimeoutMs / 1_000} s`)),
    );
    try {
      const response = await this.#send(message, abort.signal);
      if (response.status >= 300) throw await this.#error(response);
      const text = await textOf(response);
      abort.signal.throwIfAborted();
      requireComplete(response);
      return text;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (isStatusError(error)) throw error;
      throw connectionError(
        `${message.method} ${this.#origin.host}${message.path.split('?')[0]}`,
        abort.signal.aborted ? abort.signal.reason : error,
      );
    } finally {
      cancelTimer();
      signal?.removeEventListener('abort', follow);
    }
  }

  async #send(message: HttpMessage, signal: AbortSignal): Promise<HttpResponse> {
    const first = await this.#sendAs(await this.#credentials.get(signal), message, signal);
    if (first.status !== 401 || !this.#credentials.renewable) return first;
    first.body.resume();
    this.#credentials.renew();
    return this.#sendAs(await this.#credentials.get(signal), message, signal);
  }

  async #sendAs(credentials: Credentials, message: HttpMessage, signal: AbortSignal): Promise<HttpResponse> {
    const headers = { ...this.#headers, ...credentials.headers, ...message.headers };
    const { observe } = this.#options;
    let code = '<error>';
    try {
      const response = await this.#connect(credentials).send(
        { ...message, path: this.#prefix + message.path, headers },
        signal,
      );
      code = String(response.status);
      return response;
    } finally {
      observe?.({ code, method: message.method, host: this.#origin.host });
    }
  }

  /** A new client certificate needs new connections: it is shown once, when one is opened. */
  #connect({ cert, key }: Credentials): Connector {
    if (this.#connector && this.#connector.cert === cert) return this.#connector.connector;
    this.#connector?.connector.close();
    const { ca, insecureSkipTlsVerify, tlsServerName } = this.#config;
    const { protocol, pingEveryMs = 30_000, pingTimeoutMs = 15_000 } = this.#options;
    const connector = createConnector({
      origin: this.#origin,
      clock: this.#clock,
      ...(protocol && { protocol }),
      pings: { everyMs: pingEveryMs, timeoutMs: pingTimeoutMs },
      tls: {
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        ...(insecureSkipTlsVerify && { rejectUnauthorized: false }),
        ...(tlsServerName && { servername: tlsServerName }),
      },
    });
    this.#connector = { connector, cert };
    return connector;
  }

  async #error(response: HttpResponse): Promise<StatusError> {
    const error = toStatusError(response.status, response.retryAfter, await textOf(response));
    const cert = this.#connector?.cert;
    const ended = error.code === 401 && cert !== undefined ? endOf(cert) : undefined;
    if (ended === undefined || Date.parse(ended) > this.#clock.now()) return error;
    const message = `${error.message}: the client certificate has expired, on ${ended}`;
    return new StatusError({ ...error.status, message });
  }

  /** Aborts a watch on which nothing has come for too long. */
  #guard(abort: AbortController, idleMs: number | undefined, timeoutSeconds: number | undefined) {
    const clock = this.#clock;
    // Without bookmarks silence is ordinary, yet the server ends the watch at its time.
    const limitMs = idleMs ?? (timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000 + 30_000);
    let last = clock.now();
    const arm = (ms: number): (() => void) =>
      clock.after(ms, () => {
        const leftMs = last + (limitMs ?? 0) - clock.now();
        if (leftMs > 0) cancel = arm(leftMs);
        else abort.abort(new Error(`nothing came for ${(limitMs ?? 0) / 1_000} s`));
      });
    let cancel: () => void = limitMs === undefined ? () => undefined : arm(limitMs);
    return {
      cancel: () => cancel(),
      async *seen(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const chunk of body) {
          last = clock.now();
          yield chunk;
        }
      },
    };
  }
}

/** Until when a certificate is valid; `undefined` for what is none: the server has said what it thinks of it. */
function endOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).validTo;
  } catch {
    return undefined;
  }
}

/** One signal may end hundreds of watches, which is no leak. */
function allowManyListeners(signal: AbortSignal | undefined): void {
  if (signal) setMaxListeners(0, signal);
}

function requireComplete(response: HttpResponse): void {
  if (!response.complete()) throw new Error('the connection was lost in the middle of the answer');
}

async function textOf({ body }: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Lines that are parsed at one go: much of a stream may lie ready at once, and would hold the event loop. */
function* slicesOf(lines: readonly Buffer[]): Generator<{ readonly slice: readonly Buffer[]; readonly bytes: number }> {
  let start = 0;
  let bytes = 0;
  for (let at = 0; at < lines.length; at += 1) {
    bytes += lines[at]?.length ?? 0;
    if (bytes < bytesPerTurn && at < lines.length - 1) continue;
    yield { slice: start === 0 && at === lines.length - 1 ? lines : lines.slice(start, at + 1), bytes };
    start = at + 1;
    bytes = 0;
  }
}

/** The events of the lines; what came before an error event is given out before the error is thrown. */
function* eventsOf(
  lines: readonly Buffer[],
  { withoutManagedFields }: ApiRequest,
  strings: StringPool,
): Generator<readonly WatchEvent<KubernetesObject>[]> {
  const events: WatchEvent<KubernetesObject>[] = [];
  try {
    for (const line of lines) {
      const text = (withoutManagedFields ? cutManagedFields(line) : line).toString('utf8');
      const event = toWatchEvent(JSON.parse(text));
      strings.share(event.object);
      events.push(event);
    }
  } catch (error) {
    if (events.length > 0) yield events;
    throw error;
  }
  yield events;
}

/** @throws StatusError for an ERROR event, TypeError for what is no event */
function toWatchEvent(line: unknown): WatchEvent<KubernetesObject> {
  if (typeof line === 'object' && line !== null && 'type' in line && 'object' in line) {
    const { type, object } = line;
    if (type === 'ERROR')
      throw isStatus(object) ? new StatusError(object) : StatusError.internal(`watch: ${JSON.stringify(object)}`);
    if ((type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') && isObject(object)) {
      return { type, object };
    }
  }
  throw new TypeError(`the watch carried something that is no event: ${JSON.stringify(line).slice(0, 200)}`);
}

function isObject(value: unknown): value is KubernetesObject {
  return typeof value === 'object' && value !== null && 'metadata' in value && typeof value.metadata === 'object';
}

function impersonation({ impersonate }: ClientConfig): Record<string, string | string[]> {
  if (!impersonate) return {};
  const { user, uid, groups = [], extra = {} } = impersonate;
  return {
    'impersonate-user': user,
    ...(uid && { 'impersonate-uid': uid }),
    ...(groups.length > 0 && { 'impersonate-group': [...groups] }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [
        `impersonate-extra-${encodeURIComponent(key.toLowerCase())}`,
        [...values],
      ]),
    ),
  };
}
