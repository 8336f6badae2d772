import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigMap, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';
import { AuditOptions, Auditor } from './index.ts';

interface Event {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly objectRef?: object;
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
}

describe('requests that become something else than HTTP', () => {
  let dir: string;
  let server: TestApiServer;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'audit-'));
    const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] };
    const options = AuditOptions.parse({ policy, log: { path: join(dir, 'audit.log') } });
    const auditor = new Auditor({ options, clock: systemClock, random: systemRandom, logger: silentLogger });
    await auditor.open();
    server = await startTestApiServer({ socket: true, auditor });
  });
  afterAll(async () => {
    await server.stop();
    await rm(dir, { recursive: true });
  });

  function open(id: string, path: string, protocol: string): WebSocket {
    const { listening, pki } = server;
    if (!listening || !pki) throw new Error('no socket');
    return new WebSocket(`${listening.url.replace('https', 'wss')}${path}`, protocol, {
      ca: pki.ca,
      cert: pki.admin.certificate,
      key: pki.admin.key,
      headers: { 'audit-id': id, origin: listening.url },
    });
  }

  async function told(id: string): Promise<readonly Event[]> {
    const lines = (await readFile(join(dir, 'audit.log'), 'utf8')).trim().split('\n');
    return lines.map((line): Event => JSON.parse(line)).filter(({ auditID }) => auditID === id);
  }

  const summary = (events: readonly Event[]) =>
    events.map(({ stage, responseStatus }) => [stage, responseStatus?.code]);

  it('takes down a watch over a WebSocket as one that switches protocols', async () => {
    await server.client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } });
    const socket = open('watch', '/api/v1/namespaces/default/configmaps?watch=true', 'base64.binary.k8s.io');
    await new Promise((resolve) => socket.once('message', resolve));
    expect(summary(await told('watch'))).toEqual([
      ['RequestReceived', undefined],
      ['ResponseStarted', 101],
    ]);
    socket.close();
    await expect.poll(async () => (await told('watch')).length).toBe(3);
    expect(summary(await told('watch'))[2]).toEqual(['ResponseComplete', 101]);
  });

  it('takes down what plugins of the same process ask for', async () => {
    const lines = (await readFile(join(dir, 'audit.log'), 'utf8')).trim().split('\n');
    const own = lines.map((line): Event => JSON.parse(line)).filter(({ verb }) => verb === 'create');
    expect(summary(own)).toEqual([
      ['RequestReceived', undefined],
      ['ResponseComplete', 201],
    ]);
    expect(own[1]).toMatchObject({
      requestURI: '/api/v1/namespaces/default/configmaps',
      user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
      objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
      annotations: { 'authorization.k8s.io/decision': 'allow' },
    });
  });

  it('takes down that there is no pod to run something in', async () => {
    const socket = open('exec', '/api/v1/namespaces/default/pods/none/exec?command=ls', 'v5.channel.k8s.io');
    await new Promise((resolve) => socket.once('error', resolve));
    await expect.poll(async () => (await told('exec')).length).toBe(3);
    const events = await told('exec');
    expect(summary(events)).toEqual([
      ['RequestReceived', undefined],
      ['ResponseStarted', 404],
      ['ResponseComplete', 404],
    ]);
    expect(events[2]).toMatchObject({
      verb: 'get',
      objectRef: { resource: 'pods', namespace: 'default', name: 'none', subresource: 'exec' },
      responseStatus: { message: 'pods "none" not found' },
    });
  });
});
