import { StatusError } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';

/** Kubernetes' limit for a body, in bytes. */
export const maxBodyBytes = 3 * 1024 * 1024;

/**
 * Reads a body. Rejects with 413 when it is longer than `limit` bytes. A body that says it is compressed is read as it
 * is, as by Kubernetes: nothing small grows large here.
 */
export async function readBody(request: HttpRequest, limit = maxBodyBytes): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  if (request.readableEnded) return Buffer.alloc(0);
  if (request.destroyed) throw brokenOff();
  // Listeners of its own: an async iterator would cost as much as all the rest of reading a small body.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (outcome: () => void) => {
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
    const onError = (error: unknown) => settle(() => reject(error));
    const onClose = () => settle(() => reject(brokenOff()));
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

const brokenOff = () => StatusError.badRequest('the body of the request broke off');

const tooLarge = (limit: number) =>
  StatusError.of(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
