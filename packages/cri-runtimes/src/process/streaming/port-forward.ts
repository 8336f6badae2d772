import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '@keelson/core/plugin';

/** One connection that a client forwards to a port of the pod. */
export interface ForwardedConnection {
  readonly port: number;
  readonly data: Duplex;
  /** Tells the client why the connection cannot be. */
  fail(message: string): void;
}

/** The near end of one port-forward: calls back for each connection. */
export type PortForwardOpener = (accept: (connection: ForwardedConnection) => void) => void;

/** How a forwarded connection reaches its pod. */
export interface PodDialer {
  /** Tried in this order. */
  readonly addresses: readonly string[];
  /** The pod's own network namespace, for servers that listen on its loopback only. */
  readonly netns: string | undefined;
  readonly nsenter: string;
}

/** Joins each connection of a port-forward with its port in the pod. */
export function servePortForward(open: PortForwardOpener, dialer: PodDialer, logger: Logger): void {
  open(({ port, data, fail }) => {
    dialPod(dialer, port)
      .then((stream) => Promise.allSettled([pipeline(data, stream), pipeline(stream, data)]))
      .then(
        () => logger.debug('a forwarded connection has ended', { port }),
        (cause: unknown) =>
          fail(`an error occurred forwarding ${port}: ${cause instanceof Error ? cause.message : String(cause)}`),
      );
  });
}

/** Connects to a port of a pod. @throws Error where nothing listens there */
export async function dialPod({ addresses, netns, nsenter }: PodDialer, port: number): Promise<Duplex> {
  let last: unknown = new Error('the pod has no address');
  for (const address of addresses) {
    try {
      return await dial(address, port);
    } catch (error) {
      last = error;
    }
  }
  if (netns === undefined) throw last;
  const script = `const s=require('node:net').connect(${port},'127.0.0.1');s.on('connect',()=>process.stderr.write('+'));s.on('error',()=>process.exit(1));process.stdin.pipe(s).pipe(process.stdout)`;
  const child = spawn(nsenter, [`--net=${netns}`, '--', process.execPath, '-e', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(last));
    child.stderr.once('data', () => resolve(Duplex.from({ readable: child.stdout, writable: child.stdin })));
  });
}

function dial(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
