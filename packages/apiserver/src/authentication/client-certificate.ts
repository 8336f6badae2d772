import { createHash, X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { Clock } from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';
import { certificatesIn, leadsTo } from './certificate-chain.ts';
import type { Authenticator, HttpRequest } from './contract.ts';

export interface ClientCertificateOptions {
  readonly clock: Clock;
  /** PEM of the authorities whose certificates name users. */
  readonly authorities: () => string;
  /** Told at each request how long its certificate is still good for, in seconds. */
  readonly remaining?: (seconds: number) => void;
}

/** The certificate of a connection, which TLS has checked, and what is known of it. */
export interface ShownCertificate {
  readonly certificate: X509Certificate;
  readonly raw: Buffer;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

interface Known {
  readonly user: UserInfo;
  readonly notAfter: number;
}

/**
 * X.509 client certificates: the common name is the user, the organizations are the groups. The TLS layer has checked
 * that the chain leads to one of the authorities that the server knows; here it must be one of those that name users.
 */
export class ClientCertificateAuthenticator implements Authenticator {
  readonly #options: ClientCertificateOptions;
  /** A connection keeps its certificate for life. */
  readonly #users = new WeakMap<TLSSocket, Known>();

  constructor(options: ClientCertificateOptions) {
    this.#options = options;
  }

  async authenticate(request: HttpRequest): Promise<UserInfo | undefined> {
    const socket = tlsSocketOf(request);
    if (!socket) return undefined;
    const known = this.#users.get(socket) ?? this.#read(socket);
    if (!known) return undefined;
    const left = known.notAfter - this.#options.clock.now();
    if (left < 0) throw new Error('x509: certificate has expired or is not yet valid');
    this.#options.remaining?.(left / 1000);
    return known.user;
  }

  #read(socket: TLSSocket): Known | undefined {
    const shown = shownCertificate(socket, certificatesIn(this.#options.authorities()));
    if (!shown) return undefined;
    const user = { ...userOfSubject(shown.certificate.subject), extra: credentialOf(shown.raw) };
    const known = { user, notAfter: shown.notAfter };
    this.#users.set(socket, known);
    return known;
  }
}

/** The certificate that a client has shown. Throws for one that does not lead to one of these authorities. */
export function shownCertificate(
  socket: TLSSocket,
  authorities: readonly X509Certificate[],
): ShownCertificate | undefined {
  const { raw } = socket.getPeerCertificate();
  if (!raw) return undefined;
  if (!socket.authorized) throw new Error(`x509: ${String(socket.authorizationError ?? 'certificate is not trusted')}`);
  const certificate = new X509Certificate(raw);
  if (!leadsTo(socket.getPeerCertificate(true), authorities)) {
    throw new Error('x509: certificate signed by unknown authority');
  }
  return { certificate, raw, notAfter: Date.parse(certificate.validTo) };
}

/** By which of their certificates users are known in records of what they did (KEP-4193). */
const credentialOf = (raw: Buffer) => ({
  'authentication.kubernetes.io/credential-id': [`X509SHA256=${createHash('sha256').update(raw).digest('hex')}`],
});

export function tlsSocketOf(request: HttpRequest): TLSSocket | undefined {
  // Over HTTP/2 `request.socket` hides the identity of the connection; its session does not.
  const socket = 'stream' in request ? request.stream.session?.socket : request.socket;
  return socket instanceof TLSSocket ? socket : undefined;
}

/** Node's rendering of a subject: a line an attribute, `CN=…` and `O=…`. */
export function subjectValues(subject: string, type: 'CN' | 'O'): string[] {
  return subject
    .split('\n')
    .filter((line) => line.startsWith(`${type}=`))
    .map((line) => line.slice(type.length + 1).replace(/\\(.)/g, '$1'));
}

/** Throws for a subject that names nobody. */
export function userOfSubject(subject: string): UserInfo {
  const name = subjectValues(subject, 'CN').at(-1);
  if (name === undefined || name === '') throw new Error('x509: the subject of the certificate has no common name');
  return { name, groups: subjectValues(subject, 'O') };
}
