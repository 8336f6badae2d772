import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/plugin';
import { type WebSocket, WebSocketServer } from 'ws';
import { remoteCommandProtocols } from './remote-command.ts';

const tokenLifeMs = 60_000;
const maxTokens = 1_000;

type Handler = (socket: WebSocket, url: URL) => void;

interface Waiting {
  readonly handler: Handler;
  readonly expires: number;
}

/**
 * Serves exec, attach and port-forward by WebSocket on loopback. Whoever was given a URL may use it once, within a minute;
 * SPDY is not spoken here.
 */
export class StreamingServer {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sockets: WebSocketServer;
  #server: Promise<{ readonly server: Server; readonly port: number }> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => remoteCommandProtocols.find((each) => offered.has(each)) ?? false,
    });
  }

  /** @returns `http://127.0.0.1:<port>/<verb>/<token>` @throws GrpcError `resourceExhausted` */
  async offer(verb: 'exec' | 'attach' | 'portforward', handler: Handler): Promise<string> {
    const now = this.#clock.now();
    for (const [token, { expires }] of this.#waiting) if (expires < now) this.#waiting.delete(token);
    if (this.#waiting.size >= maxTokens)
      throw new GrpcError(grpcCode.resourceExhausted, 'too many streams wait to be opened');
    this.#server ??= this.#listen();
    const { port } = await this.#server;
    const token = randomBytes(16).toString('base64url');
    this.#waiting.set(token, { handler, expires: now + tokenLifeMs });
    return `http://127.0.0.1:${port}/${verb}/${token}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#waiting.clear();
    const running = await this.#server;
    running?.server.closeAllConnections();
    running?.server.close();
  }

  #listen(): Promise<{ readonly server: Server; readonly port: number }> {
    return new Promise((resolve, reject) => {
      const server = createServer((_request, response) => {
        response.writeHead(400, { 'content-type': 'text/plain' });
        response.end('this address speaks WebSocket, sub-protocols v5.channel.k8s.io and v4.channel.k8s.io\n');
      });
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
        this.#upgrade(request, socket, head),
      );
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('no port was given'));
        else resolve({ server, port: address.port });
      });
      server.unref();
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const token = url.pathname.split('/')[2] ?? '';
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    const refuse = (status: string) =>
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    if (waiting === undefined || waiting.expires < this.#clock.now()) return void refuse('404 Not Found');
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return void refuse('403 Forbidden');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => waiting.handler(webSocket, url));
  }
}
