import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { startTestApiServer } from '../server/start-test-api-server.ts';

it('a long answer to a request that wanted an upgrade comes whole', async () => {
  const server = await startTestApiServer({ socket: true });
  try {
    const { port } = new URL(server.listening?.url ?? '');
    const { ca, admin } = server.pki ?? {};
    const socket = connect({
      host: '127.0.0.1',
      port: Number(port),
      ca,
      cert: admin?.certificate,
      key: admin?.key,
    });
    const head =
      'GET /openapi/v2 HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n';
    const text = await new Promise<string>((resolve, reject) => {
      let read = '';
      socket.once('secureConnect', () => socket.write(head));
      socket.on('data', (chunk) => {
        read += chunk.toString('latin1');
        const body = read.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(read)?.[1] ?? Number.NaN);
        if (body > 0 && read.length - body - 4 >= length) resolve(read);
      });
      socket.once('error', reject);
      socket.once('close', () => resolve(read));
    });
    socket.destroy();
    expect(text.slice(0, 15)).toBe('HTTP/1.1 200 OK');
    expect(text.length).toBeGreaterThan(1_000_000);
  } finally {
    await server.stop();
  }
}, 30_000);
