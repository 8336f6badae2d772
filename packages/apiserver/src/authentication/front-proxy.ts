import type { TLSSocket } from 'node:tls';
import type { Clock } from '@keelson/core';
import { z } from 'zod';
import type { UserInfo } from '../registry/contract.ts';
import { certificatesIn } from './certificate-chain.ts';
import { shownCertificate, subjectValues, tlsSocketOf } from './client-certificate.ts';
import type { Authenticator, HttpRequest } from './contract.ts';
import { valuesByKey, valuesOf } from './headers.ts';

const names = (...fallback: string[]) =>
  z.array(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be the name of a header')).default(fallback);

/** How a proxy in front of the server says who asks: the `--requestheader-*` options of kube-apiserver. */
export const FrontProxyOptions = z.strictObject({
  /** PEM of the authority that signs the proxy's certificate. Without it the cluster's own, for its own aggregator. */
  clientCaFile: z.string().min(1).optional(),
  /** Common names that the proxy's certificate may have; none: any. */
  allowedNames: z.array(z.string()).default([]),
  usernameHeaders: names('X-Remote-User'),
  uidHeaders: names('X-Remote-Uid'),
  groupHeaders: names('X-Remote-Group'),
  extraHeaderPrefixes: names('X-Remote-Extra-'),
});
export type FrontProxyOptions = z.infer<typeof FrontProxyOptions>;

/** The cluster's own aggregator. */
export const ownFrontProxy: FrontProxyOptions = FrontProxyOptions.parse({ allowedNames: ['front-proxy-client'] });

export interface FrontProxyAuthenticatorOptions extends Omit<FrontProxyOptions, 'clientCaFile'> {
  readonly clock: Clock;
  /** PEM; `undefined`: there is no front proxy. */
  readonly authorities: () => string | undefined;
}

/** Believes what a proxy says of who asks, if the proxy shows a certificate of its own authority and a name that may. */
export class FrontProxyAuthenticator implements Authenticator {
  readonly #options: FrontProxyAuthenticatorOptions;
  readonly #users: readonly string[];
  readonly #uids: readonly string[];
  readonly #groups: readonly string[];
  readonly #extra: readonly string[];
  /** Until when a connection is a proxy's, in milliseconds since the epoch, as long as these are the authorities. */
  readonly #proxies = new WeakMap<TLSSocket, { readonly until: number; readonly pem: string }>();

  constructor(options: FrontProxyAuthenticatorOptions) {
    this.#options = options;
    const lower = (all: readonly string[]) => all.map((each) => each.toLowerCase());
    this.#users = lower(options.usernameHeaders);
    this.#uids = lower(options.uidHeaders);
    this.#groups = lower(options.groupHeaders);
    this.#extra = lower(options.extraHeaderPrefixes);
  }

  async authenticate(request: HttpRequest): Promise<UserInfo | undefined> {
    // Looked at first: nearly no request has any.
    const name = this.#first(request, this.#users);
    if (name === undefined || !this.#isFromProxy(request)) return undefined;
    const uid = this.#first(request, this.#uids);
    const groups = this.#groups.flatMap((each) => valuesOf(request, each)).filter((each) => each !== '');
    const extra = new Map<string, string[]>();
    for (const prefix of this.#extra)
      for (const [key, values] of valuesByKey(request, prefix)) extra.set(key, [...(extra.get(key) ?? []), ...values]);
    return {
      name,
      ...(uid !== undefined && { uid }),
      groups,
      ...(extra.size > 0 && { extra: Object.fromEntries(extra) }),
    };
  }

  #first(request: HttpRequest, headers: readonly string[]): string | undefined {
    for (const header of headers) {
      if (request.headers[header] === undefined) continue;
      const [value] = valuesOf(request, header);
      if (value) return value;
    }
    return undefined;
  }

  #isFromProxy(request: HttpRequest): boolean {
    const { clock, authorities, allowedNames } = this.#options;
    const pem = authorities();
    const socket = tlsSocketOf(request);
    if (pem === undefined || !socket) return false;
    let known = this.#proxies.get(socket);
    if (known?.pem !== pem) {
      const shown = shownCertificate(socket, certificatesIn(pem));
      if (!shown) return false;
      const name = subjectValues(shown.certificate.subject, 'CN').at(-1) ?? '';
      if (allowedNames.length > 0 && !allowedNames.includes(name)) {
        throw new Error(`x509: subject with cn=${name} is not in the allowed list`);
      }
      known = { until: shown.notAfter, pem };
      this.#proxies.set(socket, known);
    }
    if (clock.now() > known.until) throw new Error('x509: certificate has expired or is not yet valid');
    return true;
  }
}
