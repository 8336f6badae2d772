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
  const chunks: Buffer[] = [];
  let size = 0;
  // Whoever is refused must still be able to send, so that it reads the answer: leaving the loop destroys nothing.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(bytes);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

const tooLarge = (limit: number) =>
  StatusError.of(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);
