import { StatusError } from '@keelson/core';
import type { UserInfo } from '../registry/contract.ts';
import { type Authenticator, anonymous, authenticated, type HttpRequest, type TokenAuthenticator } from './contract.ts';

/**
 * Who asks: the first of client certificate and bearer token that is there. A bearer token that nobody knows is 401;
 * a request with neither is the user system:anonymous.
 */
export class RequestAuthenticator {
  readonly #certificates: Authenticator;
  readonly #tokens: readonly TokenAuthenticator[];

  constructor(certificates: Authenticator, tokens: readonly TokenAuthenticator[]) {
    this.#certificates = certificates;
    this.#tokens = tokens;
  }

  async authenticate(request: HttpRequest): Promise<UserInfo> {
    const byCertificate = await this.#certificates.authenticate(request);
    if (byCertificate) return authenticated(byCertificate);
    const token = bearerToken(request);
    if (token === undefined) return anonymous;
    const found = await this.authenticateToken(token);
    if (!found) throw StatusError.unauthorized();
    return authenticated(found.user);
  }

  async authenticateToken(token: string, audiences?: readonly string[]) {
    for (const authenticator of this.#tokens) {
      const found = await authenticator.authenticateToken(token, audiences);
      if (found) return found;
    }
    return undefined;
  }
}

const websocketPrefix = 'base64url.bearer.authorization.k8s.io.';

/** From `Authorization: Bearer …`, or from the WebSocket sub-protocol that browsers must use instead. */
function bearerToken(request: HttpRequest): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const [scheme = '', token = ''] = header.trim().split(/\s+/);
    return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
  }
  const protocols = String(request.headers['sec-websocket-protocol'] ?? '').split(',');
  const carrier = protocols.map((each) => each.trim()).find((each) => each.startsWith(websocketPrefix));
  return carrier && Buffer.from(carrier.slice(websocketPrefix.length), 'base64url').toString('utf8');
}
