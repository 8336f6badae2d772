import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '@keelson/core';
import { token } from '@keelson/core';
import { type CertificateRequest, type KeyPair, makeCertificate, type Subject } from './certificate.ts';
import { type SigningOptions, signRequest } from './sign-request.ts';
import { readIfPresent, writePrivateFile } from './write-file.ts';

const day = 24 * 60 * 60 * 1000;
const authoritySubject: Subject = { commonName: 'kubernetes' };
const administrator: Subject = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };
const kubeletClientSubject: Subject = {
  commonName: 'kube-apiserver-kubelet-client',
  organizations: ['system:masters'],
};

/** The certificates and keys of one cluster. */
export interface Pki {
  /** PEM of the cluster's own authority; its key never leaves this object. */
  readonly ca: string;
  readonly server: KeyPair;
  /** Client certificate of the group system:masters. */
  readonly admin: KeyPair;
  /** With which the API server speaks to kubelets. */
  readonly kubeletClient: KeyPair;
  /** Signs ServiceAccount tokens. */
  readonly serviceAccountKey: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** A client certificate; the common name is the user, the organizations are the groups. */
  issueClient(subject: Subject): Promise<KeyPair>;
  /** A serving certificate that is also a client certificate: a kubelet's, `system:node:NAME` in `system:nodes`. */
  issueServing(subject: Subject, hosts: readonly string[]): Promise<KeyPair>;
  /** The certificate that a request asks for, as PEM; never valid for longer than the authority. */
  sign(options: SigningOptions): Promise<string>;
}

export const Pki = token<Pki>('Pki');

export interface PkiOptions {
  readonly clock: Clock;
  /** Names and addresses of the server beyond the usual ones. */
  readonly hosts?: readonly string[];
  /** The cluster IP of the Service `kubernetes`; default 10.96.0.1. */
  readonly serviceIp?: string;
}

/** Names under which clients inside and outside of the cluster reach the API server. */
export function serverHosts(serviceIp: string, extra: readonly string[]): string[] {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return [
    ...new Set([...names, 'kubernetes.default.svc.cluster.local', '127.0.0.1', '::1', serviceIp, ...extra]),
  ].filter((each) => each !== '0.0.0.0' && each !== '::');
}

/**
 * Opens the certificates in `dir`, making what is missing, about to expire (a third of its life left) or does not name
 * all hosts. Without `dir` everything lives in memory. The authority is never replaced: an expired one is an error.
 */
export async function openPki(dir: string | undefined, options: PkiOptions): Promise<Pki> {
  const now = options.clock.now();
  const files = dir === undefined ? memoryFiles() : diskFiles(dir);
  const validity = (days: number) => ({ notBefore: now - 5 * 60 * 1000, notAfter: now + days * day });

  const stored = await files.pair('ca');
  if (stored && remaining(stored, now) <= 0) {
    throw new Error(`the certificate authority in ${dir} has expired; remove that directory to make a new one`);
  }
  const authority = stored ?? (await makeCertificate({ subject: authoritySubject, usages: ['ca'], ...validity(3650) }));
  if (!stored) await files.write('ca', authority);
  const issue = (request: Omit<CertificateRequest, 'notBefore' | 'notAfter'>) =>
    makeCertificate({ ...request, ...validity(365) }, authority);

  const ensure = async (name: string, request: Omit<CertificateRequest, 'notBefore' | 'notAfter'>) => {
    const found = await files.pair(name);
    if (found && usable(found, authority, request.hosts ?? [], now)) return found;
    const made = await issue(request);
    await files.write(name, made);
    return made;
  };
  const hosts = serverHosts(options.serviceIp ?? '10.96.0.1', options.hosts ?? []);
  const [server, admin, kubeletClient, serviceAccountKey] = await Promise.all([
    ensure('apiserver', { subject: { commonName: 'kube-apiserver' }, hosts, usages: ['server'] }),
    ensure('admin', { subject: administrator, usages: ['client'] }),
    ensure('apiserver-kubelet-client', { subject: kubeletClientSubject, usages: ['client'] }),
    signingKey(files),
  ]);
  return {
    ca: authority.certificate,
    server,
    admin,
    kubeletClient,
    serviceAccountKey,
    issueClient: (subject) => issue({ subject, usages: ['client'] }),
    sign: (request) => signRequest(authority, request),
    issueServing: (subject, names) => issue({ subject, hosts: [...names], usages: ['server', 'client'] }),
  };
}

const remaining = (pair: KeyPair, now: number) => Date.parse(new X509Certificate(pair.certificate).validTo) - now;

function usable(pair: KeyPair, authority: KeyPair, hosts: readonly string[], now: number): boolean {
  const certificate = new X509Certificate(pair.certificate);
  const lifetime = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
  return (
    remaining(pair, now) > lifetime / 3 &&
    certificate.verify(createPublicKey(authority.certificate)) &&
    certificate.checkPrivateKey(createPrivateKey(pair.key)) &&
    hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
  );
}

interface Files {
  read(name: string): Promise<string | undefined>;
  writeText(name: string, text: string): Promise<void>;
  pair(name: string): Promise<KeyPair | undefined>;
  write(name: string, pair: KeyPair): Promise<void>;
}

function memoryFiles(): Files {
  return {
    read: async () => undefined,
    writeText: async () => undefined,
    pair: async () => undefined,
    write: async () => undefined,
  };
}

function diskFiles(dir: string): Files {
  const read = (name: string) => readIfPresent(join(dir, name));
  const writeText = (name: string, text: string) => writePrivateFile(join(dir, name), text);
  return {
    read,
    writeText,
    async pair(name) {
      const [certificate, key] = await Promise.all([read(`${name}.crt`), read(`${name}.key`)]);
      return certificate !== undefined && key !== undefined ? { certificate, key } : undefined;
    },
    async write(name, pair) {
      await writeText(`${name}.key`, pair.key);
      await writeText(`${name}.crt`, pair.certificate);
    },
  };
}

async function signingKey(files: Files): Promise<Pki['serviceAccountKey']> {
  const stored = await files.read('sa.key');
  if (stored !== undefined) {
    const privateKey = createPrivateKey(stored);
    return { privateKey, publicKey: createPublicKey(privateKey) };
  }
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await files.writeText('sa.key', made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await files.writeText('sa.pub', made.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  return made;
}
