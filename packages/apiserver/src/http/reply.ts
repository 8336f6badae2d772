import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { StatusError } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';

export type HttpResponse = ServerResponse | Http2ServerResponse;

/** A whole answer, before it is written. */
export interface Reply {
  readonly code: number;
  readonly contentType: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** Answers from this many bytes on are compressed for clients that accept it, as by Kubernetes. */
const gzipFrom = 128 * 1024;
const compress = promisify(gzip);

export function textReply(code: number, body: string, headers: Reply['headers'] = {}): Reply {
  return {
    code,
    contentType: 'text/plain; charset=utf-8',
    body,
    headers: { 'x-content-type-options': 'nosniff', ...headers },
  };
}

export const notFoundReply = () => textReply(404, '404 page not found\n');

export function jsonReply(value: unknown, pretty: boolean, headers: Reply['headers'] = {}): Reply {
  const body = pretty ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`;
  return { code: 200, contentType: 'application/json', body, headers };
}

export function statusReply(error: StatusError, pretty: boolean): Reply {
  const retry = error.status.details?.retryAfterSeconds;
  const headers: Reply['headers'] = retry ? { 'retry-after': String(retry) } : {};
  return { ...jsonReply(error.status, pretty, headers), code: error.code };
}

/** One `Warning` header a warning (RFC 7234, 5.5), as clients of Kubernetes print them. */
export function warningHeaders(warnings: readonly string[] | undefined): Reply['headers'] {
  if (!warnings?.length) return {};
  const quote = (text: string) => text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e\x80-\xff]/g, ' ');
  return { warning: [...new Set(warnings)].map((text) => `299 - "${quote(text)}"`) };
}

export async function send(request: HttpRequest, response: HttpResponse, reply: Reply): Promise<void> {
  let body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  const headers: Record<string, string | string[]> = {
    'cache-control': 'no-cache, private',
    'content-type': reply.contentType,
  };
  for (const [name, value] of Object.entries(reply.headers ?? {}))
    headers[name] = typeof value === 'string' ? value : [...value];
  if (body.length >= gzipFrom && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) {
    body = await compress(body, { level: 1 });
    headers['content-encoding'] = 'gzip';
    headers['vary'] = headers['vary'] ? [String(headers['vary']), 'Accept-Encoding'] : 'Accept-Encoding';
  }
  headers['content-length'] = String(body.length);
  if (response.destroyed || response.headersSent) return;
  response.writeHead(reply.code, headers);
  if (request.method === 'HEAD' || reply.code === 304) response.end();
  else response.end(body);
}
