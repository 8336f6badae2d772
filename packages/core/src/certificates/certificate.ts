import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { Extension, JsonName } from '@peculiar/x509';

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Whose certificate it is: Kubernetes reads the user's name and groups from it. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** What a certificate is to say. */
export interface CertificateRequest {
  readonly subject: Subject;
  /** DNS names and IP addresses. */
  readonly hosts?: readonly string[];
  readonly usages: readonly ('client' | 'server' | 'ca')[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Keys are on the curve P-256; in the form of WebCrypto. */
export const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Object identifiers of what a certificate may be used for (RFC 5280). */
export const extendedKeyUsages = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' };

/** Makes a new P-256 key and a certificate for it (RFC 5280), signed by `issuer` or, without one, by itself. */
export async function makeCertificate(request: CertificateRequest, issuer?: KeyPair): Promise<KeyPair> {
  // Loading it takes longer than everything else here, and most starts find the certificates that they need.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const { subtle } = webcrypto;
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = issuer && new x509.X509Certificate(issuer.certificate);
  const signingKey = issuer
    ? await subtle.importKey('pkcs8', derOf(issuer.key), algorithm, false, ['sign'])
    : keys.privateKey;

  const isAuthority = request.usages.includes('ca');
  const purposes = request.usages.flatMap((usage) => (usage === 'ca' ? [] : [extendedKeyUsages[usage]]));
  const names = (request.hosts ?? []).map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const ownIdentifier = await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto);
  const authorityIdentifier = authority?.getExtension(x509.SubjectKeyIdentifierExtension) ?? ownIdentifier;
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(isAuthority, undefined, true),
    new x509.KeyUsagesExtension(isAuthority ? digitalSignature | keyCertSign | cRLSign : digitalSignature, true),
    ...(purposes.length > 0 ? [new x509.ExtendedKeyUsageExtension(purposes)] : []),
    ownIdentifier,
    new x509.AuthorityKeyIdentifierExtension(authorityIdentifier.keyId),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
  ];
  const subject = nameOf(request.subject);
  const serial = randomBytes(16);
  // A serial number is positive and has no leading zero (RFC 5280, 4.1.2.2).
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial.toString('hex'),
      subject,
      issuer: authority?.subjectName ?? subject,
      notBefore: new Date(request.notBefore),
      notAfter: new Date(request.notAfter),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions,
    },
    webcrypto,
  );
  const key = Buffer.from(await subtle.exportKey('pkcs8', keys.privateKey));
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** A private key in PEM as PKCS #8 in DER. */
export const derOf = (key: string) => createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });

function nameOf({ commonName, organizations = [] }: Subject): JsonName {
  return [...organizations.map((each) => ({ O: [each] })), { CN: [commonName] }];
}
