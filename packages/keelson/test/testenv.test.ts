import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigMap } from '@keelson/core';
import { makeCertificate } from '@keelson/core/certificates';
import { createClient, httpTransport } from '@keelson/core/client';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, command } from './cluster-process.ts';

const hour = 3_600_000;

describe('keelson testenv', () => {
  let dir: string;
  let assets: string;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'keelson-testenv-'));
    assets = join(dir, "its programs'");
  });
  afterAll(async () => {
    for (const each of children) each.kill('SIGKILL');
    await rm(dir, { recursive: true, force: true });
  });
  const testenv = (...args: string[]) =>
    command(process.execPath, [cli, 'testenv', '--dir', assets, ...args], { timeoutMs: 50_000 });
  const program = (name: string, ...args: string[]) => {
    const child = spawn(join(assets, name), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(child);
    return child;
  };
  const stopped = async (child: ChildProcess) => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return (await ended)[0];
  };

  it('prints what sets the path of the programs, for a shell', async () => {
    const { code, stdout } = await testenv();
    expect(code).toBe(0);
    const shown = execFileSync('sh', ['-c', `${stdout}\nprintf %s "$KUBEBUILDER_ASSETS"`], { encoding: 'utf8' });
    expect(shown).toBe(assets);
    expect((await readdir(assets)).sort()).toEqual(['etcd', 'kube-apiserver', 'kubectl']);
  });

  it('runs a command against a server, and ends as it does', async () => {
    const script = `const { readFileSync } = require('node:fs');
      console.log(process.env.USE_EXISTING_CLUSTER, /server: https:..127.0.0.1:/.test(readFileSync(process.env.KUBECONFIG, 'utf8')));
      process.exit(7);`;
    const { code, stdout } = await testenv('--', process.execPath, '-e', script);
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'true true\n' });
  });

  it('stands in for the programs: users by client certificate, and what is stored outlives the API server', async () => {
    const now = Date.now();
    const validity = { notBefore: now - hour, notAfter: now + hour };
    const ca = await makeCertificate({ subject: { commonName: 'ca' }, usages: ['ca'], ...validity });
    const serving = {
      subject: { commonName: 'server' },
      hosts: ['127.0.0.1'],
      usages: ['server' as const],
      ...validity,
    };
    const admin = { commonName: 'admin', organizations: ['system:masters'] };
    const [server, user] = await Promise.all([
      makeCertificate(serving, ca),
      makeCertificate({ subject: admin, usages: ['client'], ...validity }, ca),
    ]);
    for (const [name, text] of Object.entries({
      'apiserver.crt': server.certificate,
      'apiserver.key': server.key,
      'client-ca.crt': ca.certificate,
      'sa-signer.key': server.key,
      'sa-signer.crt': server.certificate,
    }))
      await writeFile(join(dir, name), text);
    const [etcdPort, port] = [await freePort(), await freePort()];
    program('etcd', `--listen-client-urls=http://127.0.0.1:${etcdPort}`, `--data-dir=${join(dir, 'etcd')}`);
    await waitFor(async () => (await fetch(`http://127.0.0.1:${etcdPort}/health`)).ok, { what: 'etcd' });
    const start = async () => {
      const child = program(
        'kube-apiserver',
        `--etcd-servers=http://127.0.0.1:${etcdPort}`,
        `--cert-dir=${dir}`,
        `--client-ca-file=${join(dir, 'client-ca.crt')}`,
        `--service-account-key-file=${join(dir, 'sa-signer.crt')}`,
        `--service-account-signing-key-file=${join(dir, 'sa-signer.key')}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${port}`,
        '--disable-admission-plugins=ServiceAccount',
        '--feature-gates=Some=true',
      );
      let told = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        told += chunk.toString();
      });
      await waitFor(() => healthy(port, ca.certificate), { what: 'the API server', timeoutMs: 30_000 });
      expect(told).toContain('--feature-gates has no effect on this server');
      return child;
    };
    const first = await start();
    const transport = httpTransport({
      server: `https://127.0.0.1:${port}`,
      ca: ca.certificate,
      cert: user.certificate,
      key: user.key,
    });
    try {
      const client = createClient(transport);
      const ref = { name: 'kept', namespace: 'default' };
      await client.create(ConfigMap, { metadata: ref, data: { of: 'the first' } });
      expect(await stopped(first)).toBe(0);
      const second = await start();
      const kept = await waitFor(() => client.get(ConfigMap, ref), { what: 'what was stored' });
      expect(kept.data).toEqual({ of: 'the first' });
      expect(await stopped(second)).toBe(0);
    } finally {
      transport.close();
    }
  });

  it('says what is wrong with a flag', async () => {
    const { code, stderr } = await command(join(assets, 'kube-apiserver'), ['--authorization-mode=AlwaysDeny']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error: --authorization-mode AlwaysDeny: this server decides by Node and RBAC\n',
    });
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** Asked without credentials, as envtest asks. */
function healthy(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/healthz', ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('error', reject).end();
  });
}
