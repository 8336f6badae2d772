import { randomBytes, webcrypto } from 'node:crypto';
import { algorithm, derOf, extendedKeyUsages, type KeyPair } from '@keelson/core/certificates';
import type {
  Extension,
  KeyUsageFlags,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';

/** Who a certificate signing request (RFC 2986) says its owner is. */
export interface RequestedIdentity {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** A certificate request, and what it is signed for. */
export interface SigningOptions {
  /** PEM of the request. */
  readonly request: string;
  /** As `certificates.k8s.io` names them: `client auth`, `digital signature` … */
  readonly usages: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

async function load() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

type X509 = Awaited<ReturnType<typeof load>>;

function alternativeNames(x509: X509, request: Pkcs10CertificateRequest): SubjectAlternativeNameExtension | undefined {
  return request.extensions.find((each) => each instanceof x509.SubjectAlternativeNameExtension);
}

/** Reads the subject and alternative names of a request. Rejects where it is malformed or its signature is wrong. */
export async function readRequest(pem: string): Promise<RequestedIdentity> {
  const x509 = await load();
  const request = new x509.Pkcs10CertificateRequest(pem);
  if (!(await request.verify(webcrypto))) throw new Error('the signature of the request is not its own');
  const names = alternativeNames(x509, request)?.names.toJSON() ?? [];
  const of = (type: string) => names.filter((each) => each.type === type).map((each) => each.value);
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '',
    organizations: request.subjectName.getField('O'),
    dnsNames: of('dns'),
    ipAddresses: of('ip'),
    emails: of('email'),
    uris: of('url'),
  };
}

/** Issues the certificate that a request asks for: its key, subject and alternative names, for these usages. PEM. */
export async function signRequest(authority: KeyPair, options: SigningOptions): Promise<string> {
  const x509 = await load();
  const request = new x509.Pkcs10CertificateRequest(options.request);
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', derOf(authority.key), algorithm, false, ['sign']);
  const purposes = options.usages.flatMap((usage) => purposeOf[usage] ?? []);
  const named = options.usages.map((usage) => flagOf[usage]).filter((name) => name !== undefined);
  const flags = named.reduce((all, name) => all | x509.KeyUsageFlags[name], 0);
  const names = alternativeNames(x509, request);
  const identifier = issuer.getExtension(x509.SubjectKeyIdentifierExtension);
  const extensions: Extension[] = [
    ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
    ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(purposes)]),
    new x509.BasicConstraintsExtension(false, undefined, true),
    ...(identifier ? [new x509.AuthorityKeyIdentifierExtension(identifier.keyId)] : []),
    ...(names ? [names] : []),
  ];
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial.toString('hex'),
      subject: request.subjectName,
      issuer: issuer.subjectName,
      notBefore: new Date(options.notBefore),
      notAfter: new Date(Math.min(options.notAfter, issuer.notAfter.getTime())),
      publicKey: request.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      extensions,
    },
    webcrypto,
  );
  return `${certificate.toString('pem')}\n`;
}

const flagOf: Readonly<Record<string, keyof typeof KeyUsageFlags>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'data encipherment': 'dataEncipherment',
  'key agreement': 'keyAgreement',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
};
const purposeOf: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': extendedKeyUsages.server,
  'client auth': extendedKeyUsages.client,
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};
