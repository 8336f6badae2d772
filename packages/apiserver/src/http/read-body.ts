import { type Clock, StatusError } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';

/** Kubernetes' limit for a body, in bytes. */
export const maxBodyBytes = 3 * 1024 * 1024;
/** As long as any request may take that is none of those that stay open. */
const longestBodyMs = 60_000;

export interface ReadBodyOptions {
  readonly clock: Clock;
  /** In bytes. */
  readonly limit?: number;
  /** How long the body may take to come. */
  readonly timeoutMs?: number;
  /** The body does not come at once. */
  stalled?(): void;
}

/** What comes at once has come by then. */
const stallMs = 250;

/**
 * Reads a body. Rejects with 408 when it does not come in time, and with 413 when it is longer than `limit` bytes. A body that says it is compressed is read as it
 * is, as by Kubernetes: nothing small grows large here.
 */
export async function readBody(
  request: HttpRequest,
  { clock, limit = maxBodyBytes, timeoutMs = longestBodyMs, stalled }: ReadBodyOptions,
): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  if (request.readableEnded) return Buffer.alloc(0);
  if (request.destroyed) throw brokenOff();
  // Listeners of its own: an async iterator would cost as much as all the rest of reading a small body.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (outcome: () => void) => {
      cancel();
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      outcome();
    };
    const onData = (chunk: unknown) => {
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += bytes.length;
      if (size <= limit) {
        chunks.push(bytes);
        return;
      }
      // Whoever is refused must still be able to send, so that it reads the answer: nothing is destroyed.
      request.pause();
      settle(() => reject(tooLarge(limit)));
    };
    const onEnd = () => {
      const [only] = chunks;
      settle(() => resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks)));
    };
    const onError = () => settle(() => reject(brokenOff()));
    const onClose = () => settle(() => reject(brokenOff()));
    const late = () => settle(() => reject(tooSlow()));
    // One timer after the other: nearly all bodies need but the first, and only to take it back.
    let cancel = clock.after(Math.min(stallMs, timeoutMs), () => {
      stalled?.();
      cancel = clock.after(Math.max(0, timeoutMs - stallMs), late);
    });
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

const brokenOff = () => StatusError.badRequest('the body of the request broke off');

const tooSlow = () => StatusError.of(408, 'Timeout', 'the body of the request did not come in time', {});

const tooLarge = (limit: number) =>
  StatusError.of(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
