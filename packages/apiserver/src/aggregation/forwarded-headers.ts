import type { IncomingHttpHeaders } from 'node:http';
import type { UserInfo } from '../registry/contract.ts';

/** Headers of one connection, and those that say who asks: an extension server believes them of the aggregator. */
const dropped =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|authorization|impersonate-.*|x-remote-.*|x-forwarded-.*|http2-settings|audit-id|:.*)$/i;

export type HeaderLists = Record<string, string | string[]>;

export interface Forwarded {
  readonly path: string;
  readonly user: UserInfo;
  readonly auditId: string | undefined;
  /** Of the client. */
  readonly address: string | undefined;
  /** `host:port` of the extension server. */
  readonly host: string;
}

/** Who asks, as extension servers read it (the request header authenticator of Kubernetes). */
export function userHeaders({ name, uid, groups, extra = {} }: UserInfo): HeaderLists {
  const headers: HeaderLists = { 'X-Remote-User': name };
  if (uid) headers['X-Remote-Uid'] = uid;
  if (groups.length > 0) headers['X-Remote-Group'] = [...groups];
  for (const [key, values] of Object.entries(extra)) headers[`X-Remote-Extra-${escaped(key)}`] = [...values];
  return headers;
}

/** The headers with which a request goes on to an extension server. */
export function forwardedHeaders(given: IncomingHttpHeaders, forwarded: Forwarded): HeaderLists {
  const headers: HeaderLists = {};
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !dropped.test(name)) headers[name] = typeof value === 'string' ? value : [...value];
  }
  const { path, user, auditId, address, host } = forwarded;
  const before = given['x-forwarded-for'];
  const chain = [...(before === undefined ? [] : [before].flat()), ...(address === undefined ? [] : [address])];
  headers['host'] = host;
  if (auditId) headers['audit-id'] = auditId;
  if (chain.length > 0) headers['X-Forwarded-For'] = chain.join(', ');
  headers['X-Forwarded-Host'] = host;
  headers['X-Forwarded-Proto'] = 'https';
  headers['X-Forwarded-Uri'] = path.split('?')[0] ?? path;
  return { ...headers, ...userHeaders(user) };
}

/** The headers of an extension server's answer that are the client's. */
export function answeredHeaders(given: IncomingHttpHeaders): HeaderLists {
  const headers: HeaderLists = {};
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && !dropped.test(name)) headers[name] = value;
  }
  headers['cache-control'] ??= 'no-cache, private';
  return headers;
}

/** Keys may hold what names of headers may not (RFC 7230, token): each such byte as `%xx`. */
const escaped = (key: string) =>
  [...Buffer.from(key)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
