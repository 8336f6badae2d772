import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKubeconfig } from './load-kubeconfig.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'keelson-kubeconfig-'));
});
afterAll(() => rm(dir, { recursive: true }));

let count = 0;
async function file(content: string | object): Promise<string> {
  count += 1;
  const path = join(dir, `config-${count}`);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const pem = (what: string) => `-----BEGIN ${what}-----\n`;

const config = (more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'main',
  contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', namespace: 'apps' } }],
  clusters: [
    {
      name: 'c',
      cluster: {
        server: 'https://example.com:6443',
        'certificate-authority-data': Buffer.from(pem('CA')).toString('base64'),
      },
    },
  ],
  users: [{ name: 'u', user: { token: 't' } }],
  ...more,
});

describe('loadKubeconfig', () => {
  it('comes down to one server and one user', async () => {
    expect(await loadKubeconfig(await file(config()))).toEqual({
      server: 'https://example.com:6443',
      ca: pem('CA'),
      token: 't',
      namespace: 'apps',
    });
  });

  it('reads files that are named beside it, plugins and impersonation', async () => {
    await writeFile(join(dir, 'user.crt'), pem('CERT'));
    await writeFile(join(dir, 'user.key'), pem('KEY'));
    const user = {
      'client-certificate': 'user.crt',
      'client-key': 'user.key',
      tokenFile: 'token',
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: './login',
        args: null,
        env: [{ name: 'A', value: 'b' }],
      },
      as: 'bob',
      'as-groups': ['dev'],
    };
    expect(await loadKubeconfig(await file(config({ users: [{ name: 'u', user }] })))).toMatchObject({
      cert: pem('CERT'),
      key: pem('KEY'),
      tokenFile: join(dir, 'token'),
      exec: { command: './login', args: [], env: [{ name: 'A', value: 'b' }], directory: dir },
      impersonate: { user: 'bob', groups: ['dev'] },
    });
  });

  it('merges the files of KUBECONFIG: the first to say something counts, missing ones do not', async () => {
    const first = await file({ 'current-context': 'other', users: [{ name: 'u', user: { token: 'first' } }] });
    const second = await file(
      config({ contexts: [{ name: 'other', context: { cluster: 'c', user: 'u' } }, ...config().contexts] }),
    );
    const env = { KUBECONFIG: [join(dir, 'nowhere'), first, '', second].join(':') };
    expect(await loadKubeconfig(undefined, { env })).toEqual({
      server: 'https://example.com:6443',
      ca: pem('CA'),
      token: 'first',
    });
    expect(await loadKubeconfig(undefined, { env, context: 'main' })).toMatchObject({
      namespace: 'apps',
      token: 'first',
    });
  });

  it('takes the service account inside a pod, where there is no file', async () => {
    const pod = await mkdtemp(join(dir, 'pod-'));
    await writeFile(join(pod, 'token'), 't');
    await writeFile(join(pod, 'ca.crt'), 'CA');
    await writeFile(join(pod, 'namespace'), 'apps\n');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect(await loadKubeconfig(undefined, { env, home: dir, serviceAccountDir: pod })).toEqual({
      server: 'https://[fd00::1]:443',
      tokenFile: join(pod, 'token'),
      ca: 'CA',
      namespace: 'apps',
    });
    await expect(loadKubeconfig(undefined, { env: {}, home: dir })).rejects.toThrow(
      `no kubeconfig: ${join(dir, '.kube', 'config')} does not exist, and this is no pod`,
    );
  });

  it('names file and path of what is wrong', async () => {
    const noServer = await file(config({ clusters: [{ name: 'c', cluster: { server: 5 } }] }));
    await expect(loadKubeconfig(noServer)).rejects.toThrow(`${noServer}: clusters[0].cluster.server: `);
    const noYaml = await file('a: [');
    await expect(loadKubeconfig(noYaml)).rejects.toThrow(`${noYaml}: `);
    const noContext = await file(config({ 'current-context': 'x' }));
    await expect(loadKubeconfig(noContext)).rejects.toThrow(
      `${noContext}: there is no context "x"; contexts are "main"`,
    );
    const noUser = await file(config({ users: null }));
    await expect(loadKubeconfig(noUser)).rejects.toThrow('context "main" names the user "u"; users are (none)');
    const badServer = await file(config({ clusters: [{ name: 'c', cluster: { server: 'example' } }] }));
    await expect(loadKubeconfig(badServer)).rejects.toThrow('cluster "c": server "example" is no http(s) address');
    const old = await file(config({ users: [{ name: 'u', user: { 'auth-provider': { name: 'gcp' } } }] }));
    await expect(loadKubeconfig(old)).rejects.toThrow('user "u": auth-provider was removed');
    await expect(loadKubeconfig(join(dir, 'nowhere'))).rejects.toThrow(`there is no file ${join(dir, 'nowhere')}`);
    const noFile = await file(config({ users: [{ name: 'u', user: { 'client-certificate': 'no.crt' } }] }));
    await expect(loadKubeconfig(noFile)).rejects.toThrow(
      `${noFile}: user "u": client-certificate: ENOENT: no such file or directory, open '${join(dir, 'no.crt')}'`,
    );
    const notPem = await file(
      config({ clusters: [{ name: 'c', cluster: { server: 'https://x', 'certificate-authority-data': 'Zm9v' } }] }),
    );
    await expect(loadKubeconfig(notPem)).rejects.toThrow(
      `${notPem}: cluster "c": certificate-authority-data is not in PEM`,
    );
  });
});
