import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../machinery/index.ts';
import type { Connector, HttpResponse } from './connector.ts';
import type { HttpMessage } from './http-message.ts';
import { Http2Pool, type Pings } from './http2-pool.ts';
import { orAborted } from './or-aborted.ts';

export interface ConnectorOptions {
  readonly origin: URL;
  readonly tls: ConnectionOptions;
  readonly clock: Clock;
  readonly pings: Pings;
  /** Default: whatever the server prefers. */
  readonly protocol?: 'http/1.1' | 'h2';
}

const connectTimeoutMs = 15_000;
const keepAliveMs = 30_000;

/** HTTP/2 where the server speaks it (ALPN), else HTTP/1.1; plain HTTP for `http://` addresses. */
export function createConnector(options: ConnectorOptions): Connector {
  if (options.origin.protocol === 'http:') return new Http1Connector(options);
  if (options.protocol === 'http/1.1') return new Http1Connector(options);
  return new NegotiatingConnector(options);
}

class NegotiatingConnector implements Connector {
  readonly #options: ConnectorOptions;
  #choosing: Promise<Connector> | undefined;
  #chosen: Connector | undefined;
  #closed = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  async send(message: HttpMessage, signal: AbortSignal): Promise<HttpResponse> {
    if (this.#chosen) return this.#chosen.send(message, signal);
    this.#choosing ??= this.#choose();
    const connector = await orAborted(this.#choosing, signal);
    return connector.send(message, signal);
  }

  close(): void {
    this.#closed = true;
    this.#chosen?.close();
  }

  async #choose(): Promise<Connector> {
    try {
      const socket = await openTls(this.#options, ['h2', 'http/1.1']);
      const chosen = await this.#over(socket);
      if (this.#closed) chosen.close();
      this.#chosen = chosen;
      return chosen;
    } finally {
      // A server that could not be reached is asked anew; it may speak something else when it is back.
      this.#choosing = undefined;
    }
  }

  /** One more connection. Rejects where the server speaks HTTP/2 no longer: the next request finds out what it speaks. */
  async #another(): Promise<TLSSocket> {
    const socket = await openTls(this.#options, ['h2', 'http/1.1']);
    if (socket.alpnProtocol === 'h2') return socket;
    socket.destroy();
    this.#chosen?.close();
    this.#chosen = undefined;
    throw new Error('the server no longer speaks HTTP/2');
  }

  #over(socket: TLSSocket): Connector | Promise<Connector> {
    const { origin, clock, pings } = this.#options;
    if (socket.alpnProtocol === 'h2') {
      return Http2Pool.open({ origin, clock, pings, first: socket, open: () => this.#another() });
    }
    socket.destroy();
    return new Http1Connector(this.#options);
  }
}

function openTls({ origin, tls, clock }: ConnectorOptions, protocols: string[]): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      ...tls,
      host: hostOf(origin),
      port: portOf(origin),
      ALPNProtocols: protocols,
    });
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    const cancelTimer = clock.after(connectTimeoutMs, () =>
      socket.destroy(new Error(`no connection to ${origin.host} within ${connectTimeoutMs / 1_000} s`)),
    );
    const fail = (error: Error) => {
      cancelTimer();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      cancelTimer();
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** One request a connection; those that are free are kept and do not keep the process alive. */
class Http1Connector implements Connector {
  readonly #origin: URL;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor({ origin, tls }: ConnectorOptions) {
    this.#origin = origin;
    const options = { keepAlive: true, keepAliveMsecs: keepAliveMs, maxFreeSockets: 16 };
    this.#agent = origin.protocol === 'http:' ? new HttpAgent(options) : new HttpsAgent({ ...options, ...tls });
  }

  send(message: HttpMessage, signal: AbortSignal): Promise<HttpResponse> {
    return this.#send(message, signal, true);
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(message: HttpMessage, signal: AbortSignal, again: boolean): Promise<HttpResponse> {
    const { method, path, headers, body } = message;
    return new Promise((resolve, reject) => {
      const send = this.#origin.protocol === 'http:' ? httpRequest : httpsRequest;
      const request = send({
        agent: this.#agent,
        host: hostOf(this.#origin),
        port: portOf(this.#origin),
        method,
        path,
        headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
        signal,
      });
      request.once('socket', (socket) => socket.setNoDelay(true));
      request.once('response', (response: IncomingMessage) => {
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode ?? 0, retryAfter, body: response, complete: () => response.complete });
      });
      request.on('error', (error) => {
        if (signal.aborted) return reject(signal.reason);
        // The server closed a kept connection at the moment of its reuse: a read may safely be sent once more.
        const unanswered = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
        if (again && unanswered && method === 'GET') this.#send(message, signal, false).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });
  }
}

/** Addresses of IPv6 stand in brackets in a URL, and without elsewhere. */
function hostOf(origin: URL): string {
  return origin.hostname.replace(/^\[|\]$/g, '');
}

function portOf(origin: URL): number {
  return origin.port === '' ? (origin.protocol === 'http:' ? 80 : 443) : Number(origin.port);
}
