import { createServer, connect as open, type Server, type Socket } from 'node:net';
import type { Logger } from '@keelson/core';
import type { Proxier } from './proxier.ts';
import type { EndpointAddress, ServicePortState } from './service-ports.ts';

/** Most connections that one node port carries at once; more wait in the kernel's backlog. */
const maxConnections = 4096;

interface Listener {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  endpoints: readonly EndpointAddress[];
  next: number;
}

/**
 * Node ports by listening on loopback and copying bytes: for users who may not touch the machine's packet filter, and
 * for `localhost` in any case, which nftables cannot redirect. TCP only; endpoints take turns. Without endpoints a
 * connection is reset, which clients see as refused.
 */
export class UserSpaceProxier implements Proxier {
  readonly #listeners = new Map<number, Listener>();
  readonly #address: string;
  readonly #logger: Logger;

  constructor(logger: Logger, address = '127.0.0.1') {
    this.#logger = logger;
    this.#address = address;
  }

  async sync(ports: readonly ServicePortState[]): Promise<void> {
    const wanted = new Map(
      ports.flatMap((each) => (each.nodePort && each.protocol === 'tcp' ? [[each.nodePort, each] as const] : [])),
    );
    for (const [port, listener] of this.#listeners) if (!wanted.has(port)) await this.#close(port, listener);
    for (const [port, state] of wanted) {
      const existing = this.#listeners.get(port);
      if (existing) existing.endpoints = state.endpoints;
      else await this.#listen(port, state);
    }
  }

  async stop(): Promise<void> {
    for (const [port, listener] of this.#listeners) await this.#close(port, listener);
  }

  async #listen(port: number, state: ServicePortState): Promise<void> {
    const listener: Listener = {
      server: createServer({ allowHalfOpen: true }),
      sockets: new Set(),
      endpoints: state.endpoints,
      next: 0,
    };
    listener.server.maxConnections = maxConnections;
    listener.server.on('connection', (socket) => this.#carry(socket, listener));
    await new Promise<void>((resolve) => {
      listener.server.once('error', (error: NodeJS.ErrnoException) => {
        // Another program has the port: the Service keeps its other ways in, and a later sync tries again.
        this.#logger.warn(`node port ${port} of ${state.name} cannot be opened on ${this.#address}`, { error });
        resolve();
      });
      listener.server.listen(port, this.#address, () => {
        this.#listeners.set(port, listener);
        resolve();
      });
    });
  }

  #carry(client: Socket, listener: Listener): void {
    const track = (socket: Socket) => {
      listener.sockets.add(socket);
      socket.on('close', () => listener.sockets.delete(socket));
    };
    track(client);
    const attempt = (left: number) => {
      const endpoint = listener.endpoints[listener.next++ % Math.max(1, listener.endpoints.length)];
      if (!endpoint || left === 0 || client.destroyed) return void client.resetAndDestroy();
      const target = open({ host: endpoint.ip, port: endpoint.port, allowHalfOpen: true });
      track(target);
      const failed = () => attempt(left - 1);
      target.once('error', failed);
      target.once('connect', () => {
        target.off('error', failed);
        client.on('error', () => target.destroy());
        target.on('error', () => client.resetAndDestroy());
        client.pipe(target).pipe(client);
        client.on('close', () => target.destroy());
        target.on('close', () => client.destroy());
      });
    };
    client.once('error', () => client.destroy());
    attempt(Math.min(3, listener.endpoints.length));
  }

  #close(port: number, listener: Listener): Promise<void> {
    this.#listeners.delete(port);
    for (const socket of listener.sockets) socket.destroy();
    return new Promise((resolve) => listener.server.close(() => resolve()));
  }
}
