import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Clients, ConfigMap, Namespace } from '@keelson/core';
import { createHost } from '@keelson/core/host';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Pki } from './pki/index.ts';
import { apiServerPlugin } from './plugin.ts';
import { ApiServer } from './server/index.ts';

describe('apiServerPlugin', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'apiserver-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const hostWith = (options: object) =>
    createHost({ plugins: [apiServerPlugin], options: { apiserver: { dataDir, port: 0, ...options } } });
  const admin = { name: 'admin', groups: ['system:masters'] };

  it('gives clients in process, and finds its data again', async () => {
    const first = hostWith({});
    await first.start();
    const client = first.get(Clients).as(admin);
    await client.create(ConfigMap, { metadata: { name: 'kept', namespace: 'default' }, data: { a: '1' } });
    expect(first.get(ApiServer).listening?.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    await expect(client.transport.raw('GET', '/readyz')).resolves.toBe('ok');
    await first.stop();

    const second = hostWith({});
    await second.start();
    const again = second.get(Clients).as(admin);
    expect((await again.get(ConfigMap, { name: 'kept', namespace: 'default' })).data).toEqual({ a: '1' });
    const namespaces = (await again.list(Namespace)).items.map(({ metadata }) => metadata.name);
    expect(namespaces).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
    await second.stop();
  });

  it('authorises clients in process', async () => {
    const host = hostWith({ store: 'memory' });
    await host.start();
    const nobody = host.get(Clients).as({ name: 'nobody' });
    await expect(nobody.list(ConfigMap)).rejects.toMatchObject({
      code: 403,
      message:
        'configmaps is forbidden: User "nobody" cannot list resource "configmaps" in API group "" at the cluster scope',
    });
    await host.stop();
  });

  it('listens on further addresses with the same port and certificate', async () => {
    const host = hostWith({ store: 'memory', alsoListen: ['127.0.0.2', '127.0.0.3'] });
    await host.start();
    const port = host.get(ApiServer).listening?.port ?? 0;
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) {
      const socket = connect({ host: address, port, ca: host.get(Pki).ca });
      await new Promise((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      });
      expect(socket.authorized).toBe(true);
      socket.destroy();
    }
    await host.stop();
    await expect(
      new Promise((resolve, reject) => connect(port, '127.0.0.2', {}, () => resolve(undefined)).once('error', reject)),
    ).rejects.toThrow('ECONNREFUSED');
  });

  it('says in one line that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(hostWith({ port }).start()).rejects.toThrow(
      `port ${port} on 127.0.0.1 is taken by another process: stop that one, or choose another port`,
    );
    other.close();
  });
});
