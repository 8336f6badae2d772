import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import { drained, write } from './drained.ts';
import type { Pieces } from './join-list.ts';
import { acceptsGzip, type HttpResponse, headersOf, type LongReply, type Reply, send } from './reply.ts';
import { turns } from './turns.ts';

/** A client that leaves an answer unread for so long is given up. */
const patienceMs = 60_000;

/** A client that has not read on for so long holds up what was given to it. */
const stallMs = 250;

export interface SendPiecesOptions {
  readonly clock: Clock;
  /** The client does not read as fast as it could be written to. */
  stalled?(): void;
}

/** Sends a long body piece by piece, each when the client has read the one before. */
export async function sendPieces(
  request: HttpRequest,
  response: HttpResponse,
  reply: Omit<Reply, 'body'> & { readonly body: Pieces },
  { clock, stalled }: SendPiecesOptions,
): Promise<void> {
  await turns.take();
  const pieces = reply.body[Symbol.asyncIterator]();
  const first = await pieces.next();
  const second = first.done ? first : await pieces.next();
  if (second.done) return send(request, response, { ...reply, body: first.done ? '' : first.value });
  const headers = headersOf(reply);
  const zip = acceptsGzip(request);
  if (zip) {
    headers['content-encoding'] = 'gzip';
    headers['vary'] = headers['vary'] ? ['Accept-Encoding', String(headers['vary'])] : 'Accept-Encoding';
    delete headers['content-length'];
  }
  if (response.destroyed || response.headersSent) return;
  response.writeHead(reply.code, headers);
  const consume = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      if (response.destroyed) return;
      if (write(response, chunk)) continue;
      const cancel = stalled ? clock.after(stallMs, stalled) : undefined;
      const readOn = await drained(response, { clock, timeoutMs: patienceMs });
      cancel?.();
      if (!readOn) return;
    }
    response.end();
  };
  const all = joined([first.value, second.value], pieces);
  if (zip) await pipeline(Readable.from(all), createGzip({ level: 1, chunkSize: 64 * 1024 }), consume);
  else await consume(all);
}

/** Sends what is there in pieces of whatever size. */
export function sendLong(
  request: HttpRequest,
  response: HttpResponse,
  { pieces, ...reply }: LongReply,
  options: SendPiecesOptions,
): Promise<void> {
  const length = pieces.reduce((sum, each) => sum + each.length, 0);
  if (length < shortBytes || request.method === 'HEAD') {
    return send(request, response, { ...reply, body: Buffer.concat(pieces, length) });
  }
  const headers = { ...reply.headers, 'content-length': String(length) };
  return sendPieces(request, response, { ...reply, headers, body: gathered(pieces) }, options);
}

const shortBytes = 512 * 1024;
const pieceBytes = 256 * 1024;

async function* gathered(pieces: readonly Uint8Array[]): Pieces {
  let parts: Uint8Array[] = [];
  let size = 0;
  for (const piece of pieces) {
    for (let from = 0; from < piece.length; from += pieceBytes) {
      const part = piece.subarray(from, from + pieceBytes);
      parts.push(part);
      size += part.length;
      if (size < pieceBytes) continue;
      yield Buffer.concat(parts, size);
      parts = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(parts, size);
}

async function* joined(known: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* known;
    for (;;) {
      await turns.take();
      const next = await rest.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await rest.return?.(undefined);
  }
}
