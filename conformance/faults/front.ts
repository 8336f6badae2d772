import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** One connection of a client, as bytes: what TLS cannot hide. */
export interface FrontConnection {
  /** A reset at once, whatever was on its way. */
  reset(): void;
  /** From now on nothing comes through either way, and nothing says so. */
  freeze(): void;
}

/**
 * Passes connections on to a server on this machine, and can do to them what networks do. `of` finds the connection by
 * the port from which the server behind sees it come.
 */
export class Front {
  readonly #server: Server;
  readonly #connections = new Map<number, FrontConnection>();
  readonly #sockets = new Set<Socket>();
  /** Who connects now is reset. */
  away = false;

  constructor(behind: number) {
    this.#server = createServer((outer) => {
      if (this.away) {
        outer.on('error', () => outer.destroy());
        outer.resetAndDestroy();
        return;
      }
      this.#pass(outer, connect(behind, '127.0.0.1'));
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  of(port: number | undefined): FrontConnection | undefined {
    return port === undefined ? undefined : this.#connections.get(port);
  }

  /** Every connection. */
  reset(): void {
    for (const each of [...this.#connections.values()]) each.reset();
  }

  /** Every connection. */
  freeze(): void {
    for (const each of [...this.#connections.values()]) each.freeze();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const each of this.#sockets) each.destroy();
    await closed;
  }

  #pass(outer: Socket, inner: Socket): void {
    for (const each of [outer, inner]) {
      this.#sockets.add(each);
      each.setNoDelay(true);
      each.once('close', () => {
        this.#sockets.delete(each);
        outer.destroy();
        inner.destroy();
      });
      // Its end says all that there is to say, and `close` follows.
      each.on('error', () => each.destroy());
    }
    inner.once('connect', () => {
      const port = inner.localPort ?? 0;
      this.#connections.set(port, {
        reset: () => {
          outer.resetAndDestroy();
          inner.destroy();
        },
        freeze: () => {
          this.#connections.delete(port);
          outer.unpipe(inner);
          inner.unpipe(outer);
          // Read on, or its end would not be seen.
          outer.resume();
          inner.pause();
        },
      });
      inner.once('close', () => this.#connections.delete(port));
      outer.pipe(inner);
      inner.pipe(outer);
    });
  }
}
