import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { UserInfo } from '../registry/contract.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;

/**
 * Finds out who asks. `undefined`: no credentials of this kind, let the next one look. Rejects for credentials that are
 * there and wrong; the next one looks all the same, and if nobody knows who asks it is 401.
 */
export interface Authenticator {
  authenticate(request: HttpRequest): Promise<UserInfo | undefined>;
}

/**
 * Finds out who stands behind a bearer token. `undefined`: it is none of this authenticator's. Rejects for one that is,
 * and is not good; what the error says is told to who may review tokens, and to nobody else.
 */
export interface TokenAuthenticator {
  /** @param audiences one of which the token must be meant for; by default those of this server. */
  authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined>;
}

export interface AuthenticatedToken {
  readonly user: UserInfo;
  /** Of those asked for, the ones that the token is meant for. */
  readonly audiences: readonly string[];
  /** Milliseconds since the epoch from which on the token must not be remembered. */
  readonly goodUntil?: number;
  /** Rejects when what the token hangs on is gone. Asked at each use of a token that is remembered. */
  readonly recheck?: () => Promise<void>;
}

const everybody = 'system:authenticated';
const nobody = 'system:unauthenticated';

/** Who asks without credentials, where that is allowed. */
export const anonymous: UserInfo = { name: 'system:anonymous', groups: [nobody] };

/** Adds the group that everybody with accepted credentials is in. */
export function authenticated(user: UserInfo): UserInfo {
  const { name, groups } = user;
  return name === anonymous.name || groups.includes(everybody) || groups.includes(nobody)
    ? user
    : { ...user, groups: [...groups, everybody] };
}

/** For authenticators whose tokens name no audience: they are meant for this server. */
export function forThisServer(
  user: UserInfo,
  asked: readonly string[] | undefined,
  own: readonly string[],
): AuthenticatedToken | undefined {
  if (asked === undefined) return { user, audiences: own };
  const audiences = asked.filter((each) => own.includes(each));
  return audiences.length > 0 ? { user, audiences } : undefined;
}
