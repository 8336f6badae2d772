import { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import type { Clock } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import type { HttpResponse, Reply } from './reply.ts';

/** How much of a body that is not wanted is read on, and how long, before the connection is cut. */
const mostDiscarded = 64 * 1024 * 1024;
const discardMs = 10_000;

/**
 * Answers a request whose body is refused while its client still sends. Many clients read nothing before they have
 * sent all, and lose an answer when the connection is reset under them: so the rest is read and thrown away (RFC 9112,
 * 9.6), within bounds, before the connection closes.
 */
export async function refuseBody(
  request: HttpRequest,
  response: HttpResponse,
  reply: Reply,
  clock: Clock,
): Promise<void> {
  if (response.destroyed) return;
  const body = Buffer.from(reply.body);
  const headers: Record<string, string | string[]> = {
    'cache-control': 'no-cache, private',
    'content-type': reply.contentType,
    'content-length': String(body.length),
  };
  if (!(response instanceof ServerResponse)) {
    response.writeHead(reply.code, headers);
    response.end(body);
    return;
  }
  response.writeHead(reply.code, { ...headers, connection: 'close' });
  // The end would close the connection at once; the client knows by the length that this is all.
  response.write(body);
  if (await discard(request, clock)) response.end();
  else response.destroy();
}

/**
 * Reads on what nobody wanted of a body over HTTP/2, within bounds: unread, it would stay as long as the connection, and
 * leave less and less room for other requests. HTTP/1.1 does so by itself.
 */
export function releaseBody(request: HttpRequest, response: HttpResponse, clock: Clock): void {
  if (response instanceof ServerResponse || request.complete || response.stream.destroyed) return;
  void discard(request, clock).then((ended) => {
    if (!ended && !response.stream.destroyed) response.stream.close(constants.NGHTTP2_CANCEL);
  });
}

/** Whether the body ended within the bounds. */
function discard(request: HttpRequest, clock: Clock): Promise<boolean> {
  request.unpipe();
  if (request.readableEnded || request.destroyed) return Promise.resolve(true);
  return new Promise((resolve) => {
    let left = mostDiscarded;
    const done = (ended: boolean) => {
      cancel();
      request.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd);
      resolve(ended);
    };
    const onData = (chunk: Buffer | string) => {
      left -= chunk.length;
      if (left < 0) done(false);
    };
    const onEnd = () => done(true);
    const cancel = clock.after(discardMs, () => done(false));
    request.on('data', onData).once('end', onEnd).once('close', onEnd).once('error', onEnd);
    request.resume();
  });
}
