import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { UserInfo } from '../registry/contract.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;

/**
 * Finds out who asks. `undefined`: no credentials of this kind, let the next one look.
 * Rejects with `StatusError` 401 for credentials that are there and wrong.
 */
export interface Authenticator {
  authenticate(request: HttpRequest): Promise<UserInfo | undefined>;
}

/** Finds out who stands behind a bearer token; `undefined` if it is none of this authenticator's. Rejects with 401. */
export interface TokenAuthenticator {
  authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined>;
}

export interface AuthenticatedToken {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Adds the group that everybody with accepted credentials is in. */
export function authenticated(user: UserInfo): UserInfo {
  return user.groups.includes('system:authenticated')
    ? user
    : { ...user, groups: [...user.groups, 'system:authenticated'] };
}
