import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ConfigMap,
  ControllerRevision,
  type KubernetesObject,
  type ResourceType,
  Secret,
  ServiceAccount,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KmsPlugin } from '../storage/encryption/kms/kms-plugin.test-util.ts';
import { type EtcdCluster, etcdPrograms, startEtcd } from '../storage/etcd/start-etcd.test-util.ts';
import { startTestApiServer, type TestApiServer } from './start-test-api-server.ts';
import { openStore } from './store-options.ts';

const apiServer = join(process.env['PEERS_BIN'] ?? join(homedir(), '.cache/peers/bin'), 'kube-apiserver');
const etcd = etcdPrograms['3.6'] ?? '';

const keys = { keys: [{ name: 'key1', secret: Buffer.from('0123456789abcdef0123456789abcdef').toString('base64') }] };
const token = 'token-of-the-test';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

type Shared = readonly [resource: string, prefix: string, type: ResourceType<KubernetesObject>, content: object];

const kinds: readonly Shared[] = [
  ['secrets', 'k8s:enc:aesgcm:v1:key1:', Secret, { stringData: { k: 'plain-text-marker' } }],
  ['configmaps', 'k8s:enc:secretbox:v1:key1:', ConfigMap, { data: { k: 'plain-text-marker' } }],
  ['serviceaccounts', 'k8s:enc:aescbc:v1:key1:', ServiceAccount, {}],
  [
    'controllerrevisions',
    'k8s:enc:kms:v2:mine:',
    ControllerRevision,
    { revision: 1, data: { k: 'plain-text-marker' } },
  ],
];

/** A real API server and this one on the same etcd, with the same encryption. */
describe.skipIf(!existsSync(apiServer) || etcd === '')('kube-apiserver on the same encrypted store', () => {
  let dir: string;
  let cluster: EtcdCluster;
  let plugin: KmsPlugin;
  let real: ChildProcess;
  let port: number;
  let server: TestApiServer;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shared-'));
    plugin = new KmsPlugin(join(dir, 'kms.sock'));
    await plugin.start();
    cluster = await startEtcd(etcd);
    port = await freePort();
    const rule = (resource: string, provider: object) => ({ resources: [resource], providers: [provider] });
    const encryption = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'EncryptionConfiguration',
      resources: [
        rule('secrets', { aesgcm: keys }),
        rule('configmaps', { secretbox: keys }),
        rule('serviceaccounts', { aescbc: keys }),
        rule('*.apps', { kms: { apiVersion: 'v2', name: 'mine', endpoint: plugin.endpoint } }),
      ],
    };
    await writeFile(join(dir, 'encryption.yaml'), JSON.stringify(encryption));
    await writeFile(join(dir, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(dir, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    await writeFile(join(dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    real = spawn(
      apiServer,
      [
        ...[
          '--etcd-servers',
          cluster.endpoints.join(','),
          '--secure-port',
          String(port),
          '--bind-address',
          '127.0.0.1',
        ],
        ...['--advertise-address', '127.0.0.1', '--endpoint-reconciler-type', 'none', '--cert-dir', join(dir, 'certs')],
        ...['--service-cluster-ip-range', '10.96.0.0/16', '--authorization-mode', 'RBAC'],
        ...['--token-auth-file', join(dir, 'tokens.csv'), '--service-account-issuer', 'https://kubernetes.default.svc'],
        ...[
          '--service-account-key-file',
          join(dir, 'sa.pub'),
          '--service-account-signing-key-file',
          join(dir, 'sa.key'),
        ],
        ...['--encryption-provider-config', join(dir, 'encryption.yaml'), '--storage-media-type', 'application/json'],
        ...['--disable-admission-plugins', 'ServiceAccount'],
      ],
      { stdio: 'ignore' },
    );
    const ready = async () => (await ask('GET', '/readyz').catch(() => undefined))?.code === 200;
    await vi.waitUntil(ready, { timeout: 60_000, interval: 500 });
    const storage = await openStore(
      { store: { etcd: { endpoints: [...cluster.endpoints] } }, compactionInterval: 0, encryption },
      { dataDir: undefined, clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    server = await startTestApiServer({ storage });
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
    if (real?.exitCode === null) {
      const ended = new Promise((resolve) => real.once('exit', resolve));
      real.kill('SIGKILL');
      await ended;
    }
    await cluster?.stop();
    await plugin?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  function ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly code: number; readonly body: unknown }> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const options = {
        method,
        path,
        port,
        host: '127.0.0.1',
        headers,
        rejectUnauthorized: false,
        agent: false,
      } as const;
      const sent = httpsRequest(options, (answer) => {
        let text = '';
        answer.on('data', (part: Buffer) => {
          text += part.toString();
        });
        answer.on('end', () => {
          const isJson = answer.headers['content-type']?.includes('json');
          resolve({ code: answer.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        });
      });
      sent.once('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  it.each(kinds)('reads and writes the same %s', async (resource, prefix, type, content) => {
    const { apiVersion, kind } = { apiVersion: type.group === '' ? 'v1' : `${type.group}/v1`, kind: type.kind };
    const base = `${type.group === '' ? '/api/v1' : `/apis/${type.group}/v1`}/namespaces/default/${resource}`;
    const made = await ask('POST', base, { apiVersion, kind, metadata: { name: 'theirs' }, ...content });
    expect(made).toMatchObject({ code: 201 });
    const theirs = await server.client.get(type, { name: 'theirs', namespace: 'default' });
    expect(theirs).toEqual(made.body);
    const own = await server.client.create(type, { metadata: { name: 'ours', namespace: 'default' }, ...content });
    expect(await ask('GET', `${base}/ours`)).toEqual({ code: 200, body: own });
    const stored = await readEtcd(`/registry/${resource}/default/ours`);
    expect(stored.subarray(0, prefix.length).toString('latin1')).toBe(prefix);
    expect(stored.includes('plain-text-marker')).toBe(false);
  });

  async function readEtcd(key: string): Promise<Buffer> {
    const plain = await openStore(
      { store: { etcd: { endpoints: [...cluster.endpoints] } }, compactionInterval: 0 },
      { dataDir: undefined, clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    const { entry } = await plain.get(key);
    await plain.close();
    return Buffer.from(entry?.value ?? []);
  }
});
