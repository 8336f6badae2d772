import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from './server/index.ts';

const run = promisify(execFile);
const kubectl = process.env['KUBECTL'] ?? 'kubectl';
const present = spawnSync(kubectl, ['version', '--client']).status === 0;
if (!present && process.env['CI'] === 'true') throw new Error('kubectl is needed for these tests where CI=true');

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: nginx }] }
`;

describe.skipIf(!present)('the real kubectl', () => {
  let server: TestApiServer;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kubectl-'));
    server = await startTestApiServer({ socket: true });
    await writeFile(join(dir, 'kubeconfig'), server.kubeconfig ?? '', { mode: 0o600 });
    await writeFile(join(dir, 'web.yaml'), deployment);
    await writeFile(join(dir, 'more.yaml'), deployment.replace('replicas: 2', 'replicas: 3'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(dir, { recursive: true });
  });

  const env = (more: object = {}) => ({ ...process.env, KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir, ...more });
  const k = async (...args: string[]) => (await run(kubectl, args, { cwd: dir, env: env() })).stdout;
  const fails = async (...args: string[]): Promise<{ code: number; text: string }> => {
    const { status, stdout, stderr } = await new Promise<{ status: number; stdout: string; stderr: string }>(
      (resolve) => {
        execFile(kubectl, args, { cwd: dir, env: env() }, (error, stdout, stderr) => {
          resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        });
      },
    );
    return { code: status, text: stdout + stderr };
  };

  it('finds out what is served', async () => {
    expect(await k('version')).toContain('Server Version: v1.35.4+keelson');
    expect(await k('api-resources')).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(await k('explain', 'deployment.spec.strategy')).toMatch(/rollingUpdate\s<RollingUpdateDeployment>/);
    expect(await k('get', '--raw', '/readyz?verbose')).toContain('readyz check passed');
  });

  it('applies, shows the difference, edits, patches, labels and scales', async () => {
    expect(await k('apply', '-f', 'web.yaml')).toBe('deployment.apps/web created\n');
    expect(await k('apply', '-f', 'web.yaml')).toBe('deployment.apps/web unchanged\n');
    const difference = await fails('diff', '-f', 'more.yaml');
    expect(difference.code).toBe(1);
    expect(difference.text).toMatch(/^\+ {2}replicas: 3$/m);
    expect(await k('apply', '-f', 'more.yaml')).toBe('deployment.apps/web configured\n');
    const editor = env({ EDITOR: 'sed -i s/nginx/nginx:2/' });
    expect((await run(kubectl, ['edit', 'deploy', 'web'], { cwd: dir, env: editor })).stdout).toContain('web edited');
    await k(
      'patch',
      'deploy',
      'web',
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}}}',
    );
    await k('label', 'deploy', 'web', 'x=y');
    await k('scale', 'deploy', 'web', '--replicas=5');
    await k('wait', '--for=jsonpath={.spec.replicas}=5', 'deploy/web', '--timeout=5s');
    const shown = await k('get', 'deploy', 'web', '-o', 'wide');
    expect(shown.replace(/ {2,}/g, '|')).toMatch(
      /^NAME\|READY\|UP-TO-DATE\|AVAILABLE\|AGE\|CONTAINERS\|IMAGES\|SELECTOR\n/,
    );
    expect(shown).toMatch(/^web +0\/5 +0 +0 +\d+s +c +nginx:2 +app=web$/m);
    expect(await k('describe', 'deploy', 'web')).toContain(
      'RollingUpdateStrategy:  25% max unavailable, 25% max surge',
    );
  });

  it('tries without doing', async () => {
    const dry = await k('create', 'deployment', 'dry', '--image=x', '--dry-run=server', '-o', 'yaml');
    expect(dry).toContain('progressDeadlineSeconds: 600');
    expect((await fails('get', 'deploy', 'dry')).text).toContain('deployments.apps "dry" not found');
  });

  it('makes objects in the binary encoding, and asks what it may do', async () => {
    await k('create', 'configmap', 'a', '--from-literal=x=y');
    expect(await k('get', 'cm', 'a', '-o', 'jsonpath={.data}')).toBe('{"x":"y"}');
    await k('create', 'serviceaccount', 'bot');
    await k('create', 'role', 'reader', '--verb=get,list', '--resource=pods');
    await k('create', 'rolebinding', 'reader', '--role=reader', '--serviceaccount=default:bot');
    expect(await k('auth', 'can-i', 'list', 'pods', '--as=system:serviceaccount:default:bot')).toBe('yes\n');
    expect((await fails('auth', 'can-i', 'delete', 'pods', '--as=system:serviceaccount:default:bot')).text).toContain(
      'no',
    );
    expect(await k('create', 'token', 'bot')).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+\n?$/);
  });

  it('deletes, leaving dependents alone when told so', async () => {
    await k('delete', 'configmap', 'a');
    expect(await k('delete', 'deploy', 'web', '--cascade=orphan', '--wait=false')).toContain(
      'deployment.apps "web" deleted',
    );
    expect(await k('get', 'deploy', 'web', '-o', 'jsonpath={.metadata.finalizers}')).toBe('["orphan"]');
  });
});
