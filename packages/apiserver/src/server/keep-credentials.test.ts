import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { FakeClock, silentLogger, waitFor } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { openPki, rotateServiceAccountKey } from '../pki/index.ts';
import { keepCredentials } from './keep-credentials.ts';
import { startTestApiServer } from './start-test-api-server.ts';

const day = 24 * 60 * 60_000;

/** What the server shows to one who connects now. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

it('shows renewed certificates to new connections, and takes over a key that was replaced', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'credentials-'));
  const clock = new FakeClock();
  const pki = await openPki(dir, { clock });
  const server = await startTestApiServer({ socket: true });
  const stop = new AbortController();
  try {
    const { port = 0 } = server.listening ?? {};
    const first = await shown(port);
    let renewed = 0;
    const kept = keepCredentials({
      pki,
      clock,
      logger: silentLogger,
      signal: stop.signal,
      renewed: () => {
        renewed++;
        server.server.useCertificates(pki);
      },
    });
    const { publicKey } = pki.serviceAccountKey;
    await rotateServiceAccountKey(dir);
    await waitFor(async () => {
      await clock.advance(20_000);
      return !pki.serviceAccountKey.publicKey.equals(publicKey);
    });
    expect(pki.serviceAccountKey.retired.map((each) => each.equals(publicKey))).toEqual([true]);
    expect(renewed).toBe(0);
    await clock.advance(250 * day);
    await waitFor(async () => {
      await clock.advance(20_000);
      return renewed === 1;
    });
    const second = await shown(port);
    expect(second).not.toBe(first);
    stop.abort();
    await kept;
  } finally {
    stop.abort();
    await server.stop();
    await rm(dir, { recursive: true });
  }
});
