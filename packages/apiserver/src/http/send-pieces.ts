import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import { drained, write } from './drained.ts';
import type { Pieces } from './join-list.ts';
import { acceptsGzip, type HttpResponse, headersOf, type Reply, send } from './reply.ts';
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
    headers['vary'] = 'Accept-Encoding';
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
