import type { HttpRequest } from './contract.ts';
import { valuesOf } from './headers.ts';

const websocketPrefix = 'base64url.bearer.authorization.k8s.io.';

/** From the first `Authorization: Bearer …`, or from the WebSocket sub-protocol that browsers must use instead. */
export function bearerToken(request: HttpRequest): string | undefined {
  const { authorization } = request.headers;
  const token = authorization === undefined ? undefined : afterScheme(authorization);
  if (token) return token;
  return isWebSocket(request) ? tokenOfProtocols(valuesOf(request, 'sec-websocket-protocol')) : undefined;
}

/** The words of a `Warning` to one whose token is not looked at, and who should know why. */
export function bearerWarning({ headers: { authorization } }: HttpRequest): string | undefined {
  if (authorization === undefined || afterScheme(authorization) !== '') return undefined;
  return /^\S+ {2}/.test(authorization.trim())
    ? 'the provided Authorization header contains extra space before the bearer token, and is ignored'
    : undefined;
}

/** What stands between the first space and the second. `undefined`: another scheme. */
function afterScheme(header: string): string | undefined {
  const [scheme = '', token = ''] = header.trim().split(' ', 2);
  return scheme.toLowerCase() === 'bearer' ? token : undefined;
}

const isWebSocket = ({ headers }: HttpRequest) => headers.upgrade?.toLowerCase() === 'websocket';

/** As Kubernetes: one token only, in base64url without padding, and beside at least one protocol that is to be spoken. */
function tokenOfProtocols(headers: readonly string[]): string | undefined {
  const protocols = headers.flatMap((each) => each.split(',')).map((each) => each.trim());
  const carriers = protocols.filter((each) => each.startsWith(websocketPrefix));
  const [carrier] = carriers;
  if (carrier === undefined) return undefined;
  const encoded = carrier.slice(websocketPrefix.length);
  if (!/^[A-Za-z0-9_-]+$/.test(encoded)) throw new Error('invalid bearer token encoding');
  if (carriers.length > 1) throw new Error('multiple base64.bearer.authorization tokens specified');
  if (protocols.every((each) => each === '' || each === carrier)) throw new Error('missing additional subprotocol');
  return Buffer.from(encoded, 'base64url').toString('utf8');
}
