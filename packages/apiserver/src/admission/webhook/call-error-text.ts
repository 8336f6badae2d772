import { getServers } from 'node:dns';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { formatTimestamp } from '@keelson/core/machinery';

/** Who was called. */
export interface Callee {
  readonly host: string;
  readonly port: number;
}

const inAuthority = ({ host, port }: Callee) => `${host.includes(':') ? `[${host}]` : host}:${port}`;

const dialErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
};

const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);

const notVerified = (why: string) => `tls: failed to verify certificate: x509: ${why}`;

/** What Go's HTTP client would say of an error of ours. `now`: milliseconds since the epoch. */
export function callErrorText(error: unknown, callee: Callee, now: number): string {
  if (!(error instanceof Error)) return String(error);
  const {
    code: told,
    address,
    port,
    syscall,
  } = error as NodeJS.ErrnoException & {
    readonly address?: string;
    readonly port?: number;
  };
  // A Status has a code, too: a number.
  const code = typeof told === 'string' ? told : undefined;
  const at = address === undefined ? callee : { host: address, port: port ?? callee.port };
  if (error instanceof AggregateError) return callErrorText(error.errors[0], callee, now);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const [server] = getServers();
    const asked = server === undefined ? '' : ` on ${server.includes(':') ? server : `${server}:53`}`;
    return `dial tcp: lookup ${callee.host}${asked}: no such host`;
  }
  const dial = dialErrors[code ?? ''];
  if (dial !== undefined && syscall === 'connect') return `dial tcp ${inAuthority(at)}: connect: ${dial}`;
  if (code === 'ECONNRESET' && syscall === undefined) return 'EOF';
  if (code === 'ECONNRESET') return `read tcp: ${inAuthority(callee)}: read: connection reset by peer`;
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL_')) {
    return /wrong version number|packet length|http request/i.test(error.message)
      ? 'http: server gave HTTP response to HTTPS client'
      : `remote error: tls: ${error.message}`;
  }
  if (untrusted.has(code ?? '')) return notVerified('certificate signed by unknown authority');
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const current = formatTimestamp(now);
    return notVerified(
      `certificate has expired or is not yet valid: current time ${current} is outside of its validity`,
    );
  }
  if (code === 'INVALID_PURPOSE') return notVerified('certificate specifies an incompatible key usage');
  if (code?.startsWith('HPE_')) return `net/http: HTTP/1.x transport connection broken: malformed HTTP response`;
  return error.message;
}

/** A certificate is for other names. */
export class WrongNameError extends Error {
  override readonly name = 'WrongNameError';
}

/**
 * Why a certificate is not for a host, as Go says it; undefined where it is. Unlike OpenSSL and Node this looks at subject
 * alternative names only: a common name says nothing.
 */
export function wrongName(
  host: string,
  certificate: Pick<PeerCertificate, 'subjectaltname' | 'subject'>,
): string | undefined {
  const names = (certificate.subjectaltname ?? '').split(', ').filter((each) => each !== '');
  const after = (prefix: string) =>
    names.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
  const addresses = after('IP Address:');
  const domains = after('DNS:');
  if (isIP(host) !== 0) {
    if (addresses.some((each) => sameAddress(each, host))) return undefined;
    if (names.length === 0 && looksLikeHost(certificate.subject?.CN)) return legacyName;
    if (addresses.length === 0) {
      return notVerified(`cannot validate certificate for ${host} because it doesn't contain any IP SANs`);
    }
    return notVerified(`certificate is valid for ${addresses.join(', ')}, not ${host}`);
  }
  if (domains.some((each) => coversHost(each.toLowerCase(), host.toLowerCase()))) return undefined;
  if (names.length === 0 && looksLikeHost(certificate.subject?.CN)) return legacyName;
  if (domains.length === 0) {
    return notVerified(`certificate is not valid for any names, but wanted to match ${host}`);
  }
  return notVerified(`certificate is valid for ${domains.join(', ')}, not ${host}`);
}

const legacyName = notVerified('certificate relies on legacy Common Name field, use SANs instead');

const looksLikeHost = (name: unknown) => typeof name === 'string' && /^[a-z0-9.*_-]+$/i.test(name);

const sameAddress = (left: string, right: string) => canonicalAddress(left) === canonicalAddress(right);

/** OpenSSL writes IPv6 in capitals and without shortening. */
function canonicalAddress(text: string): string {
  return isIP(text) === 6 ? new URL(`http://[${text}]`).hostname : text;
}

/** A wildcard stands for exactly the first label (RFC 6125). */
function coversHost(pattern: string, host: string): boolean {
  const [first, ...rest] = pattern.split('.');
  const [, ...of] = host.split('.');
  if (first !== '*') return pattern === host;
  return rest.length > 1 && rest.join('.') === of.join('.');
}
