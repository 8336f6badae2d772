import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '@keelson/core';
import { token } from '@keelson/core';
import { type CertificateRequest, type KeyPair, makeCertificate, type Subject } from '@keelson/core/certificates';
import { openServiceAccountKeys, type ServiceAccountKeyRing } from './service-account-key-files.ts';
import { type SigningOptions, signRequest } from './sign-request.ts';
import { readIfPresent, writePrivateFile } from './write-file.ts';

const day = 24 * 60 * 60 * 1000;
const administrator: Subject = { commonName: 'kubernetes-admin', organizations: ['system:masters'] };
const kubeletClientSubject: Subject = {
  commonName: 'kube-apiserver-kubelet-client',
  organizations: ['system:masters'],
};

const frontProxySubject: Subject = { commonName: 'front-proxy-client' };

/** What extension servers know the aggregator by: it says who asks, and they believe it. */
export interface FrontProxyPki {
  /** PEM of an authority that signs nothing else. */
  readonly ca: string;
  /** `CN=front-proxy-client`. */
  readonly client: KeyPair;
}

/** The certificates and keys of one cluster. */
export interface Pki {
  /** PEM of the cluster's own authority; its key never leaves this object. */
  readonly ca: string;
  readonly server: KeyPair;
  /** Client certificate of the group system:masters. */
  readonly admin: KeyPair;
  /** With which the API server speaks to kubelets. */
  readonly kubeletClient: KeyPair;
  readonly frontProxy: FrontProxyPki;
  /** Signs ServiceAccount tokens; read anew at each use, as it may be replaced. */
  readonly serviceAccountKey: ServiceAccountKeyRing;
  /** Makes anew what has a third of its life left or less. Resolves to whether anything was; who keeps a copy reads it again. */
  renew(): Promise<boolean>;
  /** Looks whether the key was replaced. */
  reloadServiceAccountKey(): Promise<void>;
  /** A client certificate; the common name is the user, the organizations are the groups. */
  issueClient(subject: Subject): Promise<KeyPair>;
  /** A serving certificate that is also a client certificate: a kubelet's, `system:node:NAME` in `system:nodes`. */
  issueServing(subject: Subject, hosts: readonly string[]): Promise<KeyPair>;
  /** The certificate that a request asks for, as PEM; never valid for longer than the authority. */
  sign(options: SigningOptions): Promise<string>;
}

export const Pki = token<Pki>('Pki');

/** What the certificates of a cluster are made for. */
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
  const files = dir === undefined ? memoryFiles() : diskFiles(dir);
  const validity = (days: number) => {
    const now = options.clock.now();
    return { notBefore: now - 5 * 60 * 1000, notAfter: now + days * day };
  };

  const ensureAuthority = async (name: string, commonName: string) => {
    const stored = await files.pair(name);
    if (stored && remaining(stored, options.clock.now()) <= 0) {
      throw new Error(
        `the certificate authority ${name} in ${dir} has expired; remove that directory to make a new one`,
      );
    }
    const found = stored ?? (await makeCertificate({ subject: { commonName }, usages: ['ca'], ...validity(3650) }));
    if (!stored) await files.write(name, found);
    return found;
  };
  const [authority, frontProxyAuthority] = await Promise.all([
    ensureAuthority('ca', 'kubernetes'),
    ensureAuthority('front-proxy-ca', 'front-proxy-ca'),
  ]);
  const issue = (request: Unsigned, by = authority) => makeCertificate({ ...request, ...validity(365) }, by);

  const ensure = async (name: string, request: Unsigned, by = authority) => {
    const found = await files.pair(name);
    if (found && usable(found, by, request.hosts ?? [], options.clock.now())) return found;
    const made = await issue(request, by);
    await files.write(name, made);
    return made;
  };
  const hosts = serverHosts(options.serviceIp ?? '10.96.0.1', options.hosts ?? []);
  const ensureAll = () =>
    Promise.all([
      ensure('apiserver', { subject: { commonName: 'kube-apiserver' }, hosts, usages: ['server'] }),
      ensure('admin', { subject: administrator, usages: ['client'] }),
      ensure('apiserver-kubelet-client', { subject: kubeletClientSubject, usages: ['client'] }),
      ensure('front-proxy-client', { subject: frontProxySubject, usages: ['client'] }, frontProxyAuthority),
    ]);
  const [first, keys] = await Promise.all([ensureAll(), openServiceAccountKeys(dir)]);
  let current = first;
  return {
    ca: authority.certificate,
    get server() {
      return current[0];
    },
    get admin() {
      return current[1];
    },
    get kubeletClient() {
      return current[2];
    },
    get frontProxy() {
      return { ca: frontProxyAuthority.certificate, client: current[3] };
    },
    async renew() {
      const before = current;
      current = await ensureAll();
      return current.some((each, index) => each.certificate !== before[index]?.certificate);
    },
    get serviceAccountKey() {
      return keys.current;
    },
    reloadServiceAccountKey: () => keys.reload(),
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

type Unsigned = Omit<CertificateRequest, 'notBefore' | 'notAfter'>;

interface Files {
  pair(name: string): Promise<KeyPair | undefined>;
  write(name: string, pair: KeyPair): Promise<void>;
}

function memoryFiles(): Files {
  const pairs = new Map<string, KeyPair>();
  return {
    pair: async (name) => pairs.get(name),
    async write(name, pair) {
      pairs.set(name, pair);
    },
  };
}

function diskFiles(dir: string): Files {
  const read = (name: string) => readIfPresent(join(dir, name));
  const writeText = (name: string, text: string) => writePrivateFile(join(dir, name), text);
  return {
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
