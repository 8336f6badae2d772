import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, command, eventually, haveKubectl } from './cluster-process.ts';

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
      - { name: web, image: "example.com/web:1", ports: [{ containerPort: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

describe.skipIf(!haveKubectl && !ci)('kubectl against keelson up', () => {
  let cluster: ClusterProcess;
  const kubectl = (args: string, input?: string) => cluster.kubectl(args, input);

  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '2'] });
    await kubectl('apply -f -', deployment);
    await kubectl('rollout status deployment/web --timeout=60s');
  });
  afterAll(() => cluster?.remove());

  it('tells versions and resources', async () => {
    expect(await kubectl('version')).toMatch(/Server Version: v1\.35/);
    const resources = await kubectl('api-resources');
    for (const line of [
      /^pods +po +v1 +true +Pod$/m,
      /^deployments +deploy +apps\/v1 +true +Deployment$/m,
      /^customresourcedefinitions +crd,crds +apiextensions.k8s.io\/v1 +false +CustomResourceDefinition$/m,
    ])
      expect(resources).toMatch(line);
  });

  it('explains fields', async () => {
    const text = await kubectl('explain deployment.spec.strategy');
    for (const part of ['KIND:       Deployment', 'rollingUpdate', 'type']) expect(text).toContain(part);
  });

  it('lists with the columns of Kubernetes', async () => {
    const header = async (args: string) => (await kubectl(args)).split('\n')[0]?.trim().split(/ {2,}/);
    expect(await header('get pods -o wide')).toEqual([
      'NAME',
      'READY',
      'STATUS',
      'RESTARTS',
      'AGE',
      'IP',
      'NODE',
      'NOMINATED NODE',
      'READINESS GATES',
    ]);
    expect(await header('get deployments -o wide')).toEqual([
      'NAME',
      'READY',
      'UP-TO-DATE',
      'AVAILABLE',
      'AGE',
      'CONTAINERS',
      'IMAGES',
      'SELECTOR',
    ]);
    expect(await header('get rs')).toEqual(['NAME', 'DESIRED', 'CURRENT', 'READY', 'AGE']);
    expect(await header('get services')).toEqual(['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE']);
    expect(await header('get nodes')).toEqual(['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION']);
    expect(await header('get endpointslices')).toEqual(['NAME', 'ADDRESSTYPE', 'PORTS', 'ENDPOINTS', 'AGE']);
    expect(await kubectl('get deployment web')).toMatch(/^web +3\/3 +3 +3 /m);
  });

  it('describes every kind that is used', async () => {
    const pods = await kubectl('get pods -o name');
    for (const [what, part] of [
      ['deployment/web', /Replicas: +3 desired \| 3 updated \| 3 total \| 3 available/],
      ['service/web', /Endpoints: +10\.\d+\./],
      [pods.split('\n')[0] ?? '', /Successfully assigned default\/web-/],
      ['nodes', /Roles: /],
      ['namespace/default', /Status: +Active/],
      ['serviceaccount/default', /Name: +default/],
      ['clusterrole/view', /pods\/log/],
    ] as const) {
      expect(await kubectl(`describe ${what}`)).toMatch(part);
    }
  });

  it('watches', async () => {
    const watching = cluster.tryKubectl('get configmaps -w --output-watch-events --request-timeout=6s');
    await eventually(
      async () => kubectl('create configmap watched'),
      () => true,
      'create',
    );
    await kubectl('label configmap watched a=b');
    await kubectl('delete configmap watched');
    const { stdout } = await watching;
    for (const line of [/^ADDED +watched/m, /^DELETED +watched/m]) expect(stdout).toMatch(line);
  });

  it('applies, diffs, edits, patches, labels', async () => {
    expect((await cluster.tryKubectl('diff -f -', deployment)).code).toBe(0);
    const changed = deployment.replace('replicas: 3', 'replicas: 2');
    const diff = await cluster.tryKubectl('diff -f -', changed);
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^-\s+replicas: 3$/m);
    expect(await kubectl('apply -f -', changed)).toContain('deployment.apps/web configured');
    expect(await kubectl('apply -f -', changed)).toContain('deployment.apps/web unchanged');

    const editor = join(cluster.dir, 'editor.sh');
    await writeFile(editor, '#!/bin/sh\nsed -i "s/replicas: 2/replicas: 4/" "$1"\n');
    await chmod(editor, 0o755);
    const edited = await cluster.tryKubectl('edit deployment web', undefined, { EDITOR: editor });
    expect(edited.stdout + edited.stderr).toContain('deployment.apps/web edited');
    expect(await kubectl('get deployment web -o jsonpath={.spec.replicas}')).toBe('4');

    await cluster.kubectl([
      'patch',
      'deployment',
      'web',
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}',
    ]);
    expect(await kubectl('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}')).toBe(
      'example.com/web:1',
    );
    await cluster.kubectl([
      'patch',
      'deployment',
      'web',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/replicas","value":3}]',
    ]);
    await cluster.kubectl([
      'patch',
      'deployment',
      'web',
      '--type=merge',
      '-p',
      '{"metadata":{"annotations":{"x":"y"}}}',
    ]);
    expect(await kubectl('label deployment web tier=front')).toContain('labeled');
    expect(await kubectl('get deployments -l tier=front -o name')).toBe('deployment.apps/web\n');
  });

  it('scales, sets images, rolls out, restarts, undoes and tells the history', async () => {
    await kubectl('rollout status deployment/web --timeout=60s');
    expect(await kubectl('scale deployment web --replicas=5')).toContain('scaled');
    await kubectl('rollout status deployment/web --timeout=60s');
    await kubectl('set image deployment/web web=example.com/web:2');
    await kubectl('rollout status deployment/web --timeout=60s');
    expect(await kubectl('get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}')).toMatch(/web:2/);
    await kubectl('rollout undo deployment/web');
    await kubectl('rollout status deployment/web --timeout=60s');
    expect(await kubectl('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}')).toBe(
      'example.com/web:1',
    );
    await kubectl('rollout restart deployment/web');
    await kubectl('rollout status deployment/web --timeout=60s');
    expect(await kubectl('rollout history deployment/web')).toMatch(/^REVISION +CHANGE-CAUSE$/m);
  });

  it('waits, asks what it may, makes tokens, and reads raw paths', async () => {
    await kubectl('wait --for=condition=Available deployment/web --timeout=30s');
    expect(await kubectl('auth can-i delete nodes')).toBe('yes\n');
    const refused = await cluster.tryKubectl('auth can-i delete nodes --as=system:serviceaccount:default:default');
    expect(refused.stdout).toBe('no\n');
    const token = (await kubectl('create token default')).trim();
    expect(token.split('.')).toHaveLength(3);
    const server = await kubectl('config view -o jsonpath={.clusters[0].cluster.server}');
    const asked = await command('curl', [
      '-sk',
      '-H',
      `Authorization: Bearer ${token}`,
      `${server}/api/v1/namespaces/default/pods`,
    ]);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      kind: 'Status',
      code: 403,
      message:
        'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"',
    });
    expect(await kubectl('get --raw /readyz?verbose')).toMatch(/\[\+\]ping ok[\s\S]*readyz check passed/);
  });

  it('deletes with its pods, or leaves them as orphans', async () => {
    await kubectl('create deployment kept --image=example.com/kept --replicas=1');
    await kubectl('rollout status deployment/kept --timeout=60s');
    await kubectl('delete deployment kept --cascade=orphan');
    expect(await kubectl('get rs -l app=kept -o name')).toMatch(/replicaset/);
    await kubectl('delete rs -l app=kept');
    await kubectl('delete deployment web');
    await eventually(
      () => kubectl('get pods -o name'),
      (names) => names === '',
      'the pods are gone',
      60_000,
    );
  });
});
