import type { Clock } from '@keelson/core';
import type { HttpResponse } from './reply.ts';

export interface DrainOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** A client that takes longer than this, in milliseconds, to read what is buffered for it is cut off. */
  readonly timeoutMs: number;
}

/** Waits until a client has read what is buffered for it; whether it did in time. */
export function drained(response: HttpResponse, { clock, signal, timeoutMs }: DrainOptions): Promise<boolean> {
  // An answer on a connection that wanted to be upgraded is not told by the HTTP parser, which has left that connection.
  const socket = 'stream' in response ? undefined : response.socket;
  return new Promise((resolve) => {
    const done = (readOn: boolean) => {
      cancel();
      socket?.off('drain', onDrain);
      response.off('drain', onDrain);
      response.off('close', onClose);
      signal?.removeEventListener('abort', onClose);
      resolve(readOn);
    };
    const onDrain = () => done(true);
    const onClose = () => done(false);
    const cancel = clock.after(timeoutMs, () => {
      response.destroy(new Error('a client reads too slowly'));
      done(false);
    });
    response.once('drain', onDrain);
    socket?.once('drain', onDrain);
    response.once('close', onClose);
    signal?.addEventListener('abort', onClose, { once: true });
  });
}

/** Writes, whatever the protocol; false: the client should read on first. */
export function write(response: HttpResponse, chunk: Uint8Array): boolean {
  return 'stream' in response ? response.write(chunk) : response.write(chunk);
}
