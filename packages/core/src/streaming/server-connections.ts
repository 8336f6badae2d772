import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';

/**
 * The connections of an HTTP server, so that it ends when it is told to. Node's own `close` waits for those on which
 * nothing was ever asked, such as the spare ones that Go's clients keep, and for those without a TLS handshake.
 */
export class ServerConnections {
  readonly #server: Server | SecureServer;
  readonly #open = new Map<string, Socket>();
  /** Requests that are being answered. */
  readonly #asked = new Map<string, number>();
  #closing = false;

  /** @param server over TCP, before it listens */
  constructor(server: Server | SecureServer) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      const id = identity(socket);
      this.#open.set(id, socket);
      socket.once('close', () => this.#open.delete(id));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      const id = identity(socket);
      this.#asked.set(id, (this.#asked.get(id) ?? 0) + 1);
      response.once('close', () => {
        const left = (this.#asked.get(id) ?? 1) - 1;
        if (left > 0) this.#asked.set(id, left);
        else {
          this.#asked.delete(id);
          if (this.#closing) socket.destroySoon();
        }
      });
    });
  }

  /** Takes no more connections; resolves when all have ended: at once, or when what is asked is answered or `signal` aborts. */
  async close(signal: AbortSignal = AbortSignal.abort()): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const cut = () => {
      for (const each of this.#open.values()) each.destroy();
    };
    for (const [id, socket] of this.#open) if (!this.#asked.has(id)) socket.destroy();
    if (signal.aborted) cut();
    else signal.addEventListener('abort', cut, { once: true });
    await closed;
    signal.removeEventListener('abort', cut);
  }
}

/** The same for a connection and for the TLS over it. */
const identity = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress}|${remotePort}`;
