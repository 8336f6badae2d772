import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Secret } from '../api/index.ts';
import { dueForRenewal, type KeyPair, makeCertificate } from '../certificates/index.ts';
import type { Client } from '../client/index.ts';
import { isStatusError, type ObjectRef } from '../machinery/index.ts';

/** What a server of webhooks shows, and what its callers are to trust. */
export interface WebhookCertificates {
  /** PEM; of this and the previous generation. */
  readonly authorities: readonly string[];
  readonly server: KeyPair;
}

/** Where they are kept. Several processes behind one address share them. */
export interface CertificateStore {
  /** Those that are kept, or new ones in their place where they are due or are for other hosts. */
  current(hosts: readonly string[], signal: AbortSignal): Promise<WebhookCertificates>;
  /** Where others renew them: after how many milliseconds they are looked at again. Default: when they are due. */
  readonly everyMs?: number;
}

const day = 86_400_000;
const lifeMs = 90 * day;
/** Clocks of servers go slow. */
const backdatedMs = 60 * 60_000;

/**
 * The next generation: an authority that signs one certificate, after which nobody has its key. The previous authority
 * stays beside it, so that both generations are trusted while one follows the other.
 *
 * @param now milliseconds since the epoch, by the clock that TLS goes by
 */
export async function nextCertificates(
  hosts: readonly string[],
  now: number,
  previous?: WebhookCertificates,
): Promise<WebhookCertificates> {
  const life = { notBefore: now - backdatedMs, notAfter: now + lifeMs };
  const authority = await makeCertificate({ subject: { commonName: 'keelson-webhooks' }, usages: ['ca'], ...life });
  const subject = { commonName: hosts[0] ?? 'keelson-webhook' };
  const server = await makeCertificate({ subject, hosts, usages: ['server'], ...life }, authority);
  const [last] = previous?.authorities ?? [];
  const trusted = last !== undefined && Date.parse(new X509Certificate(last).validTo) > now ? [last] : [];
  return { authorities: [authority.certificate, ...trusted], server };
}

function areGood(certificates: WebhookCertificates, hosts: readonly string[], now: number): boolean {
  const { certificate } = certificates.server;
  if (dueForRenewal(certificate, now)) return false;
  const named = new X509Certificate(certificate);
  return hosts.every((each) => (isIP(each) ? named.checkIP(each) : named.checkHost(each)) !== undefined);
}

/** For a process that has its address to itself: they end with it. */
export class CertificatesInMemory implements CertificateStore {
  #certificates: WebhookCertificates | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async current(hosts: readonly string[]): Promise<WebhookCertificates> {
    const kept = this.#certificates;
    if (kept && areGood(kept, hosts, this.#now())) return kept;
    this.#certificates = await nextCertificates(hosts, this.#now(), kept);
    return this.#certificates;
  }
}

/** In files that others renew, such as those of a mounted Secret: `tls.crt` and `tls.key`. They say what is trusted. */
export class CertificatesInFiles implements CertificateStore {
  readonly everyMs = 60_000;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async current(_hosts: readonly string[], signal: AbortSignal): Promise<WebhookCertificates> {
    const [certificate, key] = await Promise.all(
      ['tls.crt', 'tls.key'].map((name) => readFile(join(this.#directory, name), { encoding: 'utf8', signal })),
    );
    const server = { certificate: certificate ?? '', key: key ?? '' };
    // Halfway through a change, they are those of two generations.
    if (!fits(server)) throw new Error(`the certificate in ${this.#directory} does not belong to the key there`);
    return { authorities: [], server };
  }
}

/** In a Secret of the type `kubernetes.io/tls`: whoever comes first makes them, and the others take them from there. */
export class CertificatesInSecret implements CertificateStore {
  readonly #client: Client;
  readonly #ref: ObjectRef;
  readonly #now: () => number;

  constructor(client: Client, ref: ObjectRef, now: () => number) {
    this.#client = client;
    this.#ref = ref;
    this.#now = now;
  }

  async current(hosts: readonly string[], signal: AbortSignal): Promise<WebhookCertificates> {
    for (;;) {
      const secret = await this.#find(signal);
      const kept = secret && readSecret(secret);
      if (kept && areGood(kept, hosts, this.#now())) return kept;
      const next = await nextCertificates(hosts, this.#now(), kept);
      const data = dataOf(next);
      try {
        if (secret) await this.#client.update(Secret, { ...secret, data }, { signal });
        else await this.#client.create(Secret, { metadata: this.#ref, type: 'kubernetes.io/tls', data }, { signal });
        return next;
      } catch (error) {
        // Another process was quicker: its certificates are the ones.
        if (!isStatusError(error, 'Conflict', 'AlreadyExists')) throw error;
      }
    }
  }

  async #find(signal: AbortSignal): Promise<Secret | undefined> {
    try {
      return await this.#client.get(Secret, this.#ref, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}

const encode = (text: string) => Buffer.from(text).toString('base64');
const decode = (data: string | undefined) => (data === undefined ? '' : Buffer.from(data, 'base64').toString());

function dataOf({ authorities, server }: WebhookCertificates): Readonly<Record<string, string>> {
  return {
    'ca.crt': encode(authorities.join('')),
    'tls.crt': encode(server.certificate),
    'tls.key': encode(server.key),
  };
}

/** Undefined where it holds something else. */
function readSecret({ data = {} }: Secret): WebhookCertificates | undefined {
  const authorities = decode(data['ca.crt']).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g);
  const server = { certificate: decode(data['tls.crt']), key: decode(data['tls.key']) };
  return authorities && fits(server) ? { authorities, server } : undefined;
}

function fits({ certificate, key }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    // Not in the format: somebody else's.
    return false;
  }
}
