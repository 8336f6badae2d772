import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate } from 'node:tls';

const longest = 8;
const cached = new WeakMap<{ readonly pem: string }, readonly X509Certificate[]>();
let last: { readonly pem: string } = { pem: '' };

/** The certificates of a bundle in PEM; those of the bundle asked for last are kept. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  if (last.pem !== pem) last = { pem };
  const known = cached.get(last);
  if (known) return known;
  const found = (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (each) => new X509Certificate(each),
  );
  cached.set(last, found);
  return found;
}

/**
 * Whether a chain that TLS has verified ends in one of these authorities: a server may know others, whose certificates
 * mean something else.
 */
export function leadsTo(leaf: DetailedPeerCertificate, authorities: readonly X509Certificate[]): boolean {
  let current: DetailedPeerCertificate | undefined = leaf;
  for (let depth = 0; depth < longest && current?.raw; depth++) {
    const certificate = new X509Certificate(current.raw);
    const issued = authorities.some(
      (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    );
    if (issued) return true;
    const issuer: DetailedPeerCertificate | undefined = current.issuerCertificate;
    // An intermediate that has not signed what comes before it proves nothing.
    if (!issuer?.raw || issuer.raw.equals(current.raw)) return false;
    if (!certificate.verify(new X509Certificate(issuer.raw).publicKey)) return false;
    current = issuer;
  }
  return false;
}
