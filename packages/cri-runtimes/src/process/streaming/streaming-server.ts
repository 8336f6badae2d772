import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/plugin';
import { WebSocketServer } from 'ws';
import type { PortForwardOpener } from './port-forward.ts';
import { type RemoteCommandOpener, remoteCommandProtocols } from './remote-command.ts';
import { spdyCommand, spdyPortForward, type WantedStreams } from './spdy-session.ts';
import { webSocketCommand, webSocketPortForward } from './web-socket-session.ts';

const tokenLifeMs = 60_000;
const maxTokens = 1_000;

/** What waits for whoever was given its URL. */
type Offer =
  | {
      readonly verb: 'exec' | 'attach';
      readonly streams: WantedStreams;
      readonly serve: (open: RemoteCommandOpener) => void;
    }
  | {
      readonly verb: 'portforward';
      /** Used when the request names none. */
      readonly ports: readonly number[];
      readonly serve: (open: PortForwardOpener) => void;
    };

interface Waiting {
  readonly offer: Offer;
  readonly expires: number;
}

const spdyProtocols = { command: 'v4.channel.k8s.io', portforward: 'portforward.k8s.io' } as const;

/**
 * Serves exec, attach and port-forward by WebSocket and by SPDY/3.1 on loopback. Whoever was given a URL may use it
 * once, within a minute.
 */
export class StreamingServer {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sockets: WebSocketServer;
  readonly #tunnels = new Set<Duplex>();
  #server: Promise<{ readonly server: Server; readonly port: number }> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => remoteCommandProtocols.find((each) => offered.has(each)) ?? false,
    });
  }

  /** @returns `http://127.0.0.1:<port>/<verb>/<token>` @throws GrpcError `resourceExhausted` */
  async offer(offer: Offer): Promise<string> {
    const now = this.#clock.now();
    for (const [token, { expires }] of this.#waiting) if (expires < now) this.#waiting.delete(token);
    if (this.#waiting.size >= maxTokens)
      throw new GrpcError(grpcCode.resourceExhausted, 'too many streams wait to be opened');
    this.#server ??= this.#listen();
    const { port } = await this.#server;
    const token = randomBytes(16).toString('base64url');
    this.#waiting.set(token, { offer, expires: now + tokenLifeMs });
    return `http://127.0.0.1:${port}/${offer.verb}/${token}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    for (const socket of this.#tunnels) socket.destroy();
    this.#waiting.clear();
    const running = await this.#server;
    running?.server.closeAllConnections();
    running?.server.close();
  }

  #listen(): Promise<{ readonly server: Server; readonly port: number }> {
    return new Promise((resolve, reject) => {
      const server = createServer((_request, response) => {
        response.writeHead(400, { 'content-type': 'text/plain' });
        response.end('this address speaks WebSocket (v5.channel.k8s.io, v4.channel.k8s.io) and SPDY/3.1\n');
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
    const { offer } = waiting;
    const protocol = request.headers.upgrade?.toLowerCase();
    if (protocol === 'spdy/3.1') return void this.#spdy(request, socket, head, offer, refuse);
    if (protocol !== 'websocket') return void refuse('403 Forbidden');
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.pause();
      if (offer.verb !== 'portforward') return offer.serve(webSocketCommand(webSocket));
      const asked = url.searchParams.getAll('port').flatMap((each) => each.split(',').map(Number));
      offer.serve(webSocketPortForward(webSocket, asked.length > 0 ? asked : offer.ports));
    });
  }

  #spdy(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    offer: Offer,
    refuse: (status: string) => unknown,
  ): void {
    const offered = request.headers['x-stream-protocol-version'];
    const wanted = offer.verb === 'portforward' ? spdyProtocols.portforward : spdyProtocols.command;
    // Clients list what they speak, in one header or in several; port-forward may go without.
    const protocols = String(offered ?? wanted).split(',');
    if (!protocols.some((each) => each.trim() === wanted)) return void refuse('403 Forbidden');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: ${wanted}\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    socket.on('error', () => socket.destroy());
    this.#tunnels.add(socket);
    socket.once('close', () => this.#tunnels.delete(socket));
    if (offer.verb === 'portforward') offer.serve(spdyPortForward(socket));
    else spdyCommand(socket, offer.streams, this.#clock).then(offer.serve, () => socket.destroy());
  }
}
