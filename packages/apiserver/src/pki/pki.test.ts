import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPki } from './pki.ts';

const start = Date.parse('2030-01-01T00:00:00Z');
const clockAt = (now: number) => ({ now: () => now, after: () => () => undefined, sleep: async () => undefined });
const day = 24 * 60 * 60 * 1000;

describe('openPki', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pki-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('signs what names all hosts and verifies against its authority', async () => {
    const pki = await openPki(undefined, { clock: clockAt(start), hosts: ['example.test', '192.0.2.7'] });
    const server = new X509Certificate(pki.server.certificate);
    expect(server.verify(createPublicKey(pki.ca))).toBe(true);
    for (const host of ['localhost', 'kubernetes.default.svc', 'example.test'])
      expect(server.checkHost(host)).toBe(host);
    for (const ip of ['127.0.0.1', '10.96.0.1', '192.0.2.7', '::1']) expect(server.checkIP(ip)).toBe(ip);
    expect(new X509Certificate(pki.admin.certificate).subject).toBe('O=system:masters\nCN=kubernetes-admin');
  });

  it('keeps what it wrote, private to its owner', async () => {
    const first = await openPki(dir, { clock: clockAt(start) });
    const second = await openPki(dir, { clock: clockAt(start + day) });
    expect(second.server).toEqual(first.server);
    expect(second.ca).toBe(first.ca);
    expect((await stat(join(dir, 'ca.key'))).mode & 0o777).toBe(0o600);
  });

  it('renews before expiry and when the hosts change, but never the authority', async () => {
    const first = await openPki(dir, { clock: clockAt(start) });
    const moved = await openPki(dir, { clock: clockAt(start), hosts: ['new.test'] });
    expect(moved.server.certificate).not.toBe(first.server.certificate);
    expect(moved.admin).toEqual(first.admin);
    const later = await openPki(dir, { clock: clockAt(start + 300 * day) });
    expect(later.admin.certificate).not.toBe(first.admin.certificate);
    expect(later.ca).toBe(first.ca);
  });

  it('renews in the running process what is about to end, and nothing else', async () => {
    let now = start;
    const clock = { ...clockAt(0), now: () => now };
    const pki = await openPki(dir, { clock });
    const { server, frontProxy } = pki;
    now = start + 200 * day;
    expect(await pki.renew()).toBe(false);
    expect(pki.server).toEqual(server);
    now = start + 250 * day;
    expect(await pki.renew()).toBe(true);
    expect(pki.server.certificate).not.toBe(server.certificate);
    expect(pki.frontProxy.client.certificate).not.toBe(frontProxy.client.certificate);
    expect(pki.frontProxy.ca).toBe(frontProxy.ca);
    expect(Date.parse(new X509Certificate(pki.server.certificate).validTo)).toBe(now + 365 * day);
    expect(await pki.renew()).toBe(false);
    // What is signed later is valid from later on.
    const client = new X509Certificate((await pki.issueClient({ commonName: 'a' })).certificate);
    expect(Date.parse(client.validTo)).toBe(now + 365 * day);
  });

  it('has an authority of front proxies that signs no users', async () => {
    const pki = await openPki(undefined, { clock: clockAt(start) });
    const client = new X509Certificate(pki.frontProxy.client.certificate);
    expect(client.verify(createPublicKey(pki.frontProxy.ca))).toBe(true);
    expect(client.verify(createPublicKey(pki.ca))).toBe(false);
    expect(client.subject).toBe('CN=front-proxy-client');
  });

  it('issues certificates for one purpose or two, with the fields that clients judge by', async () => {
    const pki = await openPki(undefined, { clock: clockAt(start) });
    const authority = new X509Certificate(pki.ca);
    expect(authority.ca).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(Date.parse(authority.validTo)).toBe(start + 3650 * day);
    const pair = await pki.issueServing({ commonName: 'system:node:n', organizations: ['system:nodes'] }, ['10.0.0.1']);
    const serving = new X509Certificate(pair.certificate);
    expect(serving.checkIssued(authority)).toBe(true);
    expect(serving.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
    expect(serving).toMatchObject({
      ca: false,
      subject: 'O=system:nodes\nCN=system:node:n',
      issuer: 'CN=kubernetes',
      subjectAltName: 'IP Address:10.0.0.1',
      keyUsage: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'].reverse(),
    });
    expect(Date.parse(serving.validTo)).toBe(start + 365 * day);
    const client = new X509Certificate((await pki.issueClient({ commonName: 'jane' })).certificate);
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('loads nothing to make certificates with where all are there', async () => {
    await openPki(dir, { clock: clockAt(start) });
    vi.resetModules();
    vi.doMock('@peculiar/x509', () => {
      throw new Error('was loaded');
    });
    try {
      const anew = await import('./pki.ts');
      await expect(anew.openPki(dir, { clock: clockAt(start + day) })).resolves.toBeDefined();
      await expect(anew.openPki(undefined, { clock: clockAt(start) })).rejects.toThrow();
    } finally {
      vi.doUnmock('@peculiar/x509');
      vi.resetModules();
    }
  });
});
