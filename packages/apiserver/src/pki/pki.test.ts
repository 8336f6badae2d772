import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
});
