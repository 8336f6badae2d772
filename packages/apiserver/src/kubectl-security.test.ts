import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from './server/index.ts';
import { TestRequests } from './server/test-requests.ts';

const kubectl = process.env['KUBECTL'] ?? 'kubectl';
const present = spawnSync(kubectl, ['version', '--client']).status === 0;
if (!present && process.env['CI'] === 'true') throw new Error('kubectl is needed for these tests where CI=true');

const manifest = (name: string) => fileURLToPath(new URL(`../../keelson/test/manifests/${name}`, import.meta.url));

/** Breaks every control of `restricted` that one pod can break at once. */
const worst = `
apiVersion: v1
kind: Pod
metadata: { name: worst, namespace: prod }
spec:
  hostNetwork: true
  hostPID: true
  hostIPC: true
  securityContext:
    runAsUser: 0
    runAsNonRoot: false
    seccompProfile: { type: Unconfined }
    seLinuxOptions: { type: spc_t, user: system_u }
    appArmorProfile: { type: Unconfined }
  volumes:
    - { name: host, hostPath: { path: / } }
    - { name: files, nfs: { server: s, path: / } }
  containers:
    - name: web
      image: nginx
      ports: [{ containerPort: 8080, hostPort: 8080 }]
      livenessProbe: { httpGet: { host: example.com, port: 80 } }
      securityContext: { privileged: true, capabilities: { add: [NET_ADMIN] } }
    - name: side
      image: nginx
`;

const reviewed = z.object({ status: z.object({ allowed: z.boolean() }) });

describe.skipIf(!present)('the real kubectl', () => {
  let server: TestApiServer;
  let requests: TestRequests;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kubectl-'));
    server = await startTestApiServer({ socket: true });
    requests = new TestRequests(server);
    await writeFile(join(dir, 'kubeconfig'), server.kubeconfig ?? '', { mode: 0o600 });
  });
  afterAll(async () => {
    requests.close();
    await server.stop();
    await rm(dir, { recursive: true });
  });

  /** What kubectl prints on either stream. */
  function k(...args: string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: join(dir, 'kubeconfig'), HOME: dir };
    return new Promise((resolve) => {
      execFile(kubectl, args, { cwd: dir, env }, (_error, stdout, stderr) => resolve(stdout + stderr));
    });
  }

  it('is told by auth can-i what a role names, and nothing else', async () => {
    expect(await k('apply', '-f', manifest('07-rbac-viewer.yaml'))).toContain(
      'rolebinding.rbac.authorization.k8s.io/viewer-binding created',
    );
    const account = 'system:serviceaccount:prod:web-sa';
    const ask = async (...args: string[]) =>
      /^(?:yes|no)\b/m.exec(await k('auth', 'can-i', ...args, `--as=${account}`))?.[0];
    await expect.poll(() => ask('get', 'pods', '-n', 'prod')).toBe('yes');
    const named = ['pods', 'services', 'deployments.apps'];
    for (const resource of named) {
      for (const verb of ['get', 'list', 'watch']) expect(await ask(verb, resource, '-n', 'prod')).toBe('yes');
    }
    expect(await ask('get', 'pods/one', '-n', 'prod')).toBe('yes');
    for (const question of [
      ['delete', 'pods', '-n', 'prod'],
      ['get', 'pods', '--subresource=log', '-n', 'prod'],
      ['get', 'secrets', '-n', 'prod'],
      ['list', 'pods', '-n', 'default'],
      ['list', 'pods', '--all-namespaces'],
      ['get', 'nodes'],
      ['impersonate', 'users'],
      ['*', '*', '-n', 'prod'],
      ['get', '/metrics'],
    ]) {
      expect([question, await ask(...question)]).toEqual([question, 'no']);
    }
    // Every verb of every resource that is served, in this namespace, as kubectl would ask it.
    const allowed: string[] = [];
    for (const { group, resource, namespaced, subresources } of server.registry.catalog.list()) {
      for (const verb of ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']) {
        for (const subresource of ['', ...subresources.map(({ name }) => name)]) {
          const resourceAttributes = { group, resource, subresource, verb, ...(namespaced && { namespace: 'prod' }) };
          const reply = await requests.send({
            method: 'POST',
            path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
            body: { spec: { resourceAttributes } },
            as: { user: account, groups: ['system:serviceaccounts', 'system:serviceaccounts:prod'] },
          });
          if (!reviewed.parse(reply.body).status.allowed) continue;
          allowed.push(`${verb} ${resource}${group && `.${group}`}${subresource && `/${subresource}`}`);
        }
      }
    }
    const wanted = named.flatMap((resource) => ['get', 'list', 'watch'].map((verb) => `${verb} ${resource}`));
    expect([...new Set(allowed)].sort()).toEqual([...wanted, ...selfReviews].sort());
  }, 60_000);

  it('is told of every violation of restricted by a pod', async () => {
    expect(await k('apply', '-f', manifest('08-namespace-pod-security.yaml'))).toContain('namespace/prod configured');
    await k('create', 'serviceaccount', 'default', '-n', 'prod');
    await writeFile(join(dir, 'worst.yaml'), worst);
    expect(await k('apply', '-f', 'worst.yaml')).toBe(
      'Error from server (Forbidden): error when creating "worst.yaml": pods "worst" is forbidden: violates PodSecurity "restricted:latest": ' +
        [
          'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
          'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
          'hostPort (container "web" uses hostPort 8080)',
          'probe or lifecycle host (container "web" uses probe or lifecycle host "example.com")',
          'privileged (container "web" must not set securityContext.privileged=true)',
          'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
          'allowPrivilegeEscalation != false (containers "web", "side" must set securityContext.allowPrivilegeEscalation=false)',
          'unrestricted capabilities (containers "web", "side" must set securityContext.capabilities.drop=["ALL"]; container "web" must not include "NET_ADMIN" in securityContext.capabilities.add)',
          'restricted volume types (volumes "host", "files" use restricted volume types "hostPath", "nfs")',
          'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
          'runAsUser=0 (pod must not set runAsUser=0)',
          'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ].join(', ') +
        '\n',
    );
  });
});

/** What everybody who is known may ask about themselves. */
const selfReviews = [
  'create selfsubjectaccessreviews.authorization.k8s.io',
  'create selfsubjectreviews.authentication.k8s.io',
  'create selfsubjectrulesreviews.authorization.k8s.io',
];
