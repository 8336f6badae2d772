import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import {
  bitString,
  boolean,
  explicit,
  generalName,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

/** A certificate and its private key, both as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export interface CertificateRequest {
  readonly subject: Subject;
  /** DNS names and IP addresses. */
  readonly hosts?: readonly string[];
  readonly usages: readonly ('client' | 'server' | 'ca')[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const extendedKeyUsages = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' };

/** Makes a new P-256 key and a certificate for it (RFC 5280), signed by `issuer` or, without one, by itself. */
export function makeCertificate(
  request: CertificateRequest,
  issuer?: KeyPair & { readonly subject: Subject },
): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });
  const issuerPublicKey = issuer
    ? createPublicKey(issuer.certificate).export({ type: 'spki', format: 'der' })
    : publicKey;
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    distinguishedName(issuer?.subject ?? request.subject),
    sequence(time(request.notBefore), time(request.notAfter)),
    distinguishedName(request.subject),
    publicKey,
    explicit(3, sequence(...extensions(request, publicKey, issuerPublicKey))),
  );
  const signature = sign('sha256', toBeSigned, issuer ? createPrivateKey(issuer.key) : pair.privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature));
  return {
    certificate: toPem('CERTIFICATE', certificate),
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function distinguishedName(subject: Subject): Buffer {
  const attribute = (type: string, value: string) => set(sequence(objectIdentifier(type), utf8String(value)));
  return sequence(
    ...(subject.organizations ?? []).map((each) => attribute('2.5.4.10', each)),
    attribute('2.5.4.3', subject.commonName),
  );
}

function extensions(request: CertificateRequest, publicKey: Buffer, issuerPublicKey: Buffer): Buffer[] {
  const extension = (id: string, critical: boolean, value: Buffer) =>
    sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octetString(value));
  const authority = request.usages.includes('ca');
  const purposes = request.usages.flatMap((usage) => (usage === 'ca' ? [] : [extendedKeyUsages[usage]]));
  return [
    extension('2.5.29.19', true, authority ? sequence(boolean(true)) : sequence()),
    // digitalSignature; for an authority also keyCertSign and cRLSign.
    extension('2.5.29.15', true, authority ? bitString(Buffer.from([0x86]), 1) : bitString(Buffer.from([0x80]), 7)),
    ...(purposes.length > 0 ? [extension('2.5.29.37', false, sequence(...purposes.map(objectIdentifier)))] : []),
    extension('2.5.29.14', false, octetString(keyIdentifier(publicKey))),
    extension('2.5.29.35', false, sequence(implicit(0, keyIdentifier(issuerPublicKey)))),
    ...(request.hosts?.length ? [extension('2.5.29.17', false, sequence(...request.hosts.map(generalName)))] : []),
  ];
}

const keyIdentifier = (publicKey: Buffer) => createHash('sha1').update(publicKey).digest();

function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
