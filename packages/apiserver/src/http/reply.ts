import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { StatusError } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import { negotiatePlain } from './negotiate.ts';
import { serialize } from './serialize.ts';

export type HttpResponse = ServerResponse | Http2ServerResponse;

/** A whole answer, before it is written. */
export interface Reply {
  readonly code: number;
  readonly contentType: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** An answer whose long body is there in pieces: it is sent as fast as the client reads. */
export interface LongReply extends Omit<Reply, 'body'> {
  readonly pieces: readonly Uint8Array[];
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

/**
 * An error as the client wants it. A client that accepts no form in which there is a Status gets indented JSON, as from
 * Kubernetes: what went wrong must not hide behind how to say it.
 */
export function statusReply(
  error: StatusError,
  { pretty, accept }: { pretty: boolean; accept?: string | undefined },
): Reply {
  const retry = error.status.details?.retryAfterSeconds;
  const headers: Reply['headers'] = retry ? { 'retry-after': String(retry) } : {};
  const format = negotiatePlain(accept, pretty) ?? { mediaType: 'application/json', pretty: true };
  const { kind = 'Status', apiVersion = 'v1', ...status } = error.status;
  const body = serialize({ kind, apiVersion, ...status }, format);
  return { code: error.code, contentType: format.mediaType, body, headers };
}

/** One `Warning` header a warning (RFC 7234, 5.5), as clients of Kubernetes print them. */
export function warningHeaders(warnings: readonly string[] | undefined): Reply['headers'] {
  if (!warnings?.length) return undefined;
  const quote = (text: string) => text.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e\x80-\xff]/g, ' ');
  return { warning: shortened([...new Set(warnings)]).map((text) => `299 - "${quote(text)}"`) };
}

const longestWarnings = 4096;
const longestShort = 256;

/** What is too long altogether is told in short ones, as many as there is room for, as by Kubernetes. */
function shortened(warnings: readonly string[]): readonly string[] {
  const characters = warnings.map((text) => (text.length > longestShort ? [...text] : undefined));
  const total = warnings.reduce((sum, text, index) => sum + (characters[index]?.length ?? text.length), 0);
  if (total <= longestWarnings) return warnings;
  const kept: string[] = [];
  let written = 0;
  for (const [index, text] of warnings.entries()) {
    if (written >= longestWarnings) break;
    const short = characters[index]?.slice(0, longestShort).join('') ?? text;
    kept.push(short);
    written += short.length;
  }
  return kept;
}

/** The headers of a reply with those that every answer has. */
export function headersOf(reply: Pick<Reply, 'contentType' | 'headers'>): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'cache-control': 'no-cache, private' };
  // Some documents go without, as from Kubernetes.
  if (reply.contentType !== '') headers['content-type'] = reply.contentType;
  if (reply.headers === undefined) return headers;
  for (const [name, value] of Object.entries(reply.headers))
    headers[name] = typeof value === 'string' ? value : [...value];
  return headers;
}

/** Only `gzip` by its name and without parameters counts, as for Kubernetes. */
export function acceptsGzip(request: HttpRequest): boolean {
  const accepted = String(request.headers['accept-encoding'] ?? '').split(',');
  return accepted.some((each) => each.trim() === 'gzip');
}

export async function send(request: HttpRequest, response: HttpResponse, reply: Reply): Promise<void> {
  let body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  const headers = headersOf(reply);
  if (body.length >= gzipFrom && acceptsGzip(request)) {
    body = await compress(body, { level: 1 });
    headers['content-encoding'] = 'gzip';
    headers['vary'] = headers['vary'] ? ['Accept-Encoding', String(headers['vary'])] : 'Accept-Encoding';
  }
  headers['content-length'] = String(body.length);
  if (response.destroyed || response.headersSent) return;
  response.writeHead(reply.code, headers);
  if (request.method === 'HEAD' || reply.code === 304) response.end();
  else response.end(body);
}
