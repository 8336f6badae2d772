import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { HttpResponse } from '../reply.ts';

/** What is said to the other side before two sockets are joined. */
export interface Opening {
  /** The request line and the headers. */
  readonly lines: readonly string[];
  /** What the client has sent behind its own headers. */
  readonly head: Buffer;
  readonly signal: AbortSignal;
}

/** Joins a client's socket with one to the other side until either ends; then both are destroyed. */
export async function joinSockets(socket: Duplex, upstream: Duplex, { lines, head, signal }: Opening): Promise<void> {
  // Headers are bytes: a name of a user may hold any.
  upstream.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (head.length > 0) upstream.write(head);
  const abort = () => upstream.destroy();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  // Two pipelines watch over each of the sockets.
  for (const each of [socket, upstream]) each.setMaxListeners(32);
  try {
    await Promise.allSettled([pipeline(socket, upstream), pipeline(upstream, socket)]);
  } finally {
    signal.removeEventListener('abort', abort);
    upstream.destroy();
    socket.destroy();
  }
}

/** Streams the other side's answer to the client, as it comes. Rejects where that breaks off, but for the signal. */
export async function streamBack(
  answer: IncomingMessage,
  response: HttpResponse,
  headers: Readonly<Record<string, string | string[]>>,
  signal: AbortSignal,
): Promise<void> {
  if (response.destroyed) {
    answer.destroy();
    return;
  }
  response.writeHead(answer.statusCode ?? 502, headers);
  if ('flushHeaders' in response) response.flushHeaders();
  try {
    await pipeline(answer, response, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    response.destroy();
  }
}
