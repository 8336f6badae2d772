import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock, Logger } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import type { HttpResponse } from '../http/reply.ts';
import type { KeyPair } from '../pki/index.ts';
import { RequestTurns } from './request-turns.ts';
import { ResetBudget } from './reset-budget.ts';

export interface SecureListenerOptions {
  readonly server: KeyPair;
  /** PEM of the authorities of client certificates, one after another. */
  readonly clientCa: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<ListenerLimits>;
  handshakeFailed?(): void;
  handle(request: HttpRequest, response: HttpResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
}

const keepAliveMs = 30_000;

/** What one client may take of the server before it has said what it wants; the first four as Kubernetes has them. */
export interface ListenerLimits {
  /** Of a request's line and headers together, in bytes. Default 1 MiB. */
  readonly headerBytes: number;
  /** From the first byte to the end of the headers, and for the TLS handshake. Default 32 s. */
  readonly headersMs: number;
  /** How long a connection stays on which nothing is asked. Default 90 s. */
  readonly idleMs: number;
  /** Requests at once on one HTTP/2 connection: one client-go process opens all its watches over one. Default 1000. */
  readonly streams: number;
  /** Headers of one HTTP/2 request. Default 2000. */
  readonly headers: number;
  /** Open at once; more are closed when they come. Default 16,384. */
  readonly connections: number;
  /** How often connections are looked at. Default 5 s. */
  readonly checkMs: number;
}

const defaultLimits: ListenerLimits = {
  headerBytes: 1024 * 1024,
  headersMs: 32_000,
  idleMs: 90_000,
  streams: 1000,
  headers: 2000,
  connections: 16_384,
  checkMs: 5_000,
};

/** One TLS port for HTTP/2 and HTTP/1.1 (by ALPN). Client certificates are asked for, and judged by authentication. */
export class SecureListener {
  readonly #server: Http2SecureServer;
  #clientCa: string;
  #shown: KeyPair;
  readonly #further: Server[] = [];
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<TLSSocket>();

  constructor({ server, clientCa, clock, logger, limits, handle, upgrade, handshakeFailed }: SecureListenerOptions) {
    const { headerBytes, headersMs, idleMs, streams, headers, connections, checkMs } = { ...defaultLimits, ...limits };
    this.#clientCa = clientCa;
    this.#shown = server;
    this.#server = createSecureServer({
      allowHTTP1: true,
      cert: server.certificate,
      key: server.key,
      ca: [clientCa],
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: headersMs,
      settings: { maxConcurrentStreams: streams, initialWindowSize: 1024 * 1024, maxHeaderListSize: headerBytes },
      maxHeaderListPairs: headers,
      maxSessionMemory: 1024,
    });
    // What there is for HTTP/1.1 is read from the server itself. A body may take its time: whoever reads it sets a limit.
    Object.assign(this.#server, {
      maxHeaderSize: headerBytes,
      maxHeadersCount: 0,
      headersTimeout: headersMs,
      requestTimeout: 0,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: checkMs,
      maxConnections: connections,
    });
    const guarded = (work: Promise<void>, stream: Duplex) =>
      work.catch((error: unknown) => {
        logger.error('a request was left unanswered', { error: String(error) });
        stream.destroy();
      });
    const turns = new RequestTurns();
    const answer = (request: HttpRequest, response: HttpResponse) => {
      const stream = 'stream' in response ? response.stream : request.socket;
      const connection = ('stream' in response ? response.stream.session : undefined) ?? request.socket;
      turns.begin(connection, () => {
        // Who has gone meanwhile costs nothing more.
        if (!stream.destroyed) void guarded(handle(request, response), stream);
      });
    };
    this.#server.on('request', answer);
    this.#server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
      const { head, body } = refusal(417);
      response.writeHead(417, { ...head, connection: 'close' });
      response.end(body);
    });
    const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      void guarded(upgrade(request, socket, head), socket);
    this.#server.on('upgrade', onUpgrade);
    // A method like any other that nothing here knows.
    this.#server.on('connect', onUpgrade);
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.setKeepAlive(true, keepAliveMs);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      let open = 0;
      const resets = new ResetBudget(clock.now());
      session.on('stream', (stream) => {
        open++;
        stream.once('close', () => open--);
        stream.once('aborted', () => {
          if (resets.spend(clock.now()) || session.destroyed) return;
          logger.warn('a connection was cut: too many of its requests were taken back', {
            address: session.socket.remoteAddress,
          });
          session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
        });
      });
      session.setTimeout(idleMs, () => open === 0 && session.close());
      session.once('close', () => this.#sessions.delete(session));
    });
    this.#server.on('sessionError', (error) => logger.debug('an HTTP/2 session broke', { error: error.message }));
    this.#server.on('tlsClientError', (error, socket) => {
      logger.debug('a TLS handshake failed', { error: error.message });
      handshakeFailed?.();
      // One that took too long is still open.
      socket.destroy();
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      logger.debug('a request could not be read', { error: error.message });
      const code = codeOf(error);
      const { head, body } = refusal(code);
      const lines = Object.entries({ ...head, connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
      if (socket.writable) socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
    });
    this.#server.setTimeout(0);
  }

  /** Shows another certificate to whoever connects from now on. */
  useCertificate(shown: KeyPair): void {
    this.#shown = shown;
    this.#renew();
  }

  /** Lets in whoever connects from now on by certificates of these authorities, in PEM one after another. */
  useClientAuthorities(clientCa: string): void {
    this.#clientCa = clientCa;
    this.#renew();
  }

  #renew(): void {
    const { certificate: cert, key } = this.#shown;
    this.#server.setSecureContext({ cert, key, ca: [this.#clientCa], minVersion: 'TLSv1.2' });
  }

  /** Resolves to the port. Rejects with one line that says what to do when the address cannot be had. */
  async listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, host, port);
  }

  /** Takes connections at a further address too; rejects as `listen`. */
  async alsoListen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => this.#server.emit('connection', socket));
    server.maxConnections = this.#server.maxConnections;
    await listenOn(server, host, port);
    this.#further.push(server);
  }

  /** Takes no new connections and tells HTTP/2 clients to go. */
  stopListening(): void {
    for (const each of [this.#server, ...this.#further]) each.close();
    for (const session of this.#sessions) session.close();
  }

  /** Cuts what is left. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function codeOf({ code }: NodeJS.ErrnoException): 400 | 408 | 431 {
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
}

const reasons = {
  400: 'BadRequest',
  408: 'Timeout',
  417: 'ExpectationFailed',
  431: 'RequestHeaderFieldsTooLarge',
} as const;

/** Of what is no HTTP, or too much of it, before anything knows what it asks. */
function refusal(code: keyof typeof reasons) {
  const message = STATUS_CODES[code] ?? '';
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reasons[code],
    code,
  };
  const body = `${JSON.stringify(status)}\n`;
  return { head: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }, body };
}

async function listenOn(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(new Error(explain(error, host, port), { cause: error }));
    server.once('error', failed);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is taken by another process: stop that one, or choose another port`;
    case 'EACCES':
      return `port ${port} on ${host} may not be opened by this user: choose one from 1024 on`;
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${host}: choose another address to listen on`;
    default:
      return `cannot listen on ${host}:${port}: ${error.message}`;
  }
}
