import { type DeepReadonly, RetryLaterError, TerminalError } from '@keelson/core';
import { z } from 'zod';
import { DnsRecord } from './zone.ts';

export const RemoteZone = z.object({
  domain: z.string(),
  comment: z.string(),
  /** Another one after every change, whoever made it. */
  version: z.string(),
  nameservers: z.array(z.string()),
  records: z.array(DnsRecord),
});
export type RemoteZone = DeepReadonly<z.infer<typeof RemoteZone>>;
export type Records = RemoteZone['records'];

/** What a provider of DNS can do. */
export interface Dns {
  find(token: string, domain: string, signal: AbortSignal): Promise<RemoteZone | undefined>;
  /** Fails where there is a zone of the domain. */
  create(token: string, zone: Omit<RemoteZone, 'version' | 'nameservers'>, signal: AbortSignal): Promise<RemoteZone>;
  /** Replaces all records at once; fails where somebody has changed them since they were read. */
  replace(token: string, read: RemoteZone, records: Records, signal: AbortSignal): Promise<RemoteZone>;
  remove(token: string, domain: string, signal: AbortSignal): Promise<void>;
}

/** A provider behind an HTTP API, which has so long for each answer. */
export function httpDns(api: string, timeoutMs = 5_000): Dns {
  const call = async (
    token: string,
    method: string,
    path: string,
    signal: AbortSignal,
    body?: object,
    read?: string,
  ) => {
    const response = await fetch(new URL(path, api), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(read !== undefined && { 'if-match': `"${read}"` }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    if (response.status === 404) return undefined;
    const text = await response.text();
    if (response.ok) return text === '' ? undefined : RemoteZone.parse(JSON.parse(text));
    const message = `${method} ${path}: ${response.status} ${text.slice(0, 200)}`;
    const retryAfter = Number(response.headers.get('retry-after'));
    if (retryAfter > 0) throw new RetryLaterError(message, retryAfter * 1_000);
    if (response.status === 422) throw new TerminalError(message);
    throw new Error(message);
  };
  const zone = (domain: string) => `zones/${encodeURIComponent(domain)}`;
  const there = (found: RemoteZone | undefined) => {
    if (!found) throw new Error('the zone has gone');
    return found;
  };
  return {
    find: (token, domain, signal) => call(token, 'GET', zone(domain), signal),
    create: async (token, wanted, signal) => there(await call(token, 'POST', 'zones', signal, wanted)),
    replace: async (token, { domain, version }, records, signal) =>
      there(await call(token, 'PUT', `${zone(domain)}/records`, signal, { records }, version)),
    remove: async (token, domain, signal) => void (await call(token, 'DELETE', zone(domain), signal)),
  };
}
