import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import type { HttpResponse } from '../http/reply.ts';
import type { KeyPair } from '../pki/index.ts';

export interface SecureListenerOptions {
  readonly server: KeyPair;
  /** PEM of the authority of client certificates. */
  readonly clientCa: string;
  readonly logger: Logger;
  handle(request: HttpRequest, response: HttpResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
}

const keepAliveMs = 30_000;

/** One TLS port for HTTP/2 and HTTP/1.1 (by ALPN). Client certificates are asked for, and judged by authentication. */
export class SecureListener {
  readonly #server: Http2SecureServer;
  readonly #further: Server[] = [];
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<TLSSocket>();

  constructor({ server, clientCa, logger, handle, upgrade }: SecureListenerOptions) {
    this.#server = createSecureServer({
      allowHTTP1: true,
      cert: server.certificate,
      key: server.key,
      ca: [clientCa],
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      // One client-go process opens all its watches over one connection.
      settings: { maxConcurrentStreams: 1000, initialWindowSize: 1024 * 1024 },
      maxSessionMemory: 1024,
    });
    this.#server.on('request', (request, response) => void handle(request, response));
    this.#server.on(
      'upgrade',
      (request: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(request, socket, head),
    );
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.setKeepAlive(true, keepAliveMs);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
    this.#server.on('sessionError', (error) => logger.debug('an HTTP/2 session broke', { error: error.message }));
    this.#server.on('tlsClientError', (error) => logger.debug('a TLS handshake failed', { error: error.message }));
    this.#server.on('clientError', (error: Error, socket: Duplex) => {
      logger.debug('a request could not be read', { error: error.message });
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    });
    this.#server.setTimeout(0);
  }

  /** Resolves to the port. Rejects with one line that says what to do when the address cannot be had. */
  async listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, host, port);
  }

  /** Takes connections at a further address too; rejects as `listen`. */
  async alsoListen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => this.#server.emit('connection', socket));
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
