import { createHash, X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { StatusError } from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';
import type { Authenticator, HttpRequest } from './contract.ts';

/**
 * X.509 client certificates: the common name is the user, the organizations are the groups. The TLS layer has checked
 * the chain against the cluster's authority; a certificate that it did not accept is an error, not an anonymous user.
 */
export class ClientCertificateAuthenticator implements Authenticator {
  /** A connection keeps its certificate for life. */
  readonly #users = new WeakMap<TLSSocket, UserInfo>();

  async authenticate(request: HttpRequest): Promise<UserInfo | undefined> {
    const socket = tlsSocketOf(request);
    if (!socket) return undefined;
    const known = this.#users.get(socket);
    if (known) return known;
    const raw = socket.getPeerCertificate().raw;
    if (!raw) return undefined;
    if (!socket.authorized) throw StatusError.unauthorized();
    const user = { ...userOfSubject(new X509Certificate(raw).subject), extra: credentialOf(raw) };
    this.#users.set(socket, user);
    return user;
  }
}

/** By which of their certificates users are known in records of what they did (KEP-4193). */
const credentialOf = (raw: Buffer) => ({
  'authentication.kubernetes.io/credential-id': [`X509SHA256=${createHash('sha256').update(raw).digest('hex')}`],
});

function tlsSocketOf(request: HttpRequest): TLSSocket | undefined {
  // Over HTTP/2 `request.socket` hides the identity of the connection; its session does not.
  const socket = 'stream' in request ? request.stream.session?.socket : request.socket;
  return socket instanceof TLSSocket ? socket : undefined;
}

/** Reads Node's rendering of a subject: a line an attribute, `CN=…` and `O=…`. */
export function userOfSubject(subject: string): UserInfo {
  const values = (type: string) =>
    subject
      .split('\n')
      .filter((line) => line.startsWith(`${type}=`))
      .map((line) => line.slice(type.length + 1).replace(/\\(.)/g, '$1'));
  const name = values('CN').at(-1);
  if (name === undefined || name === '') throw StatusError.unauthorized();
  return { name, groups: values('O') };
}
