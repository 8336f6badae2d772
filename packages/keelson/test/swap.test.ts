import { execFileSync } from 'node:child_process';
import { chown, mkdir, mkdtemp } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node, Pod } from '@keelson/core';
import { buildBusyboxImage } from '@keelson/cri-runtimes';
import { describe, expect, it } from 'vitest';
import { ClusterProcess, ci, cli, command, eventually, haveContainerd, haveKubectl, root } from './cluster-process.ts';

const nobody = 65534;
const nobodyMayRead = (() => {
  if (!root) return false;
  try {
    execFileSync(process.execPath, [cli, '--version'], { uid: nobody, gid: nobody, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

const application = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: test/web
        imagePullPolicy: IfNotPresent
        command: [sh, -c, "httpd -f -p $POD_IP:8080 -h /www"]
        env: [{ name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }]
        readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: host-path, annotations: { storageclass.kubernetes.io/is-default-class: "true" } }
provisioner: host-path.csi.keelson.dev
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`;

const once = (name: string, script: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  restartPolicy: Never
  containers:
  - { name: c, image: test/web, imagePullPolicy: IfNotPresent, command: [sh, -c, "${script}"], volumeMounts: [{ name: d, mountPath: /data }] }
  volumes: [{ name: d, persistentVolumeClaim: { claimName: data } }]
`;

function page(port: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, agent: false, timeout: 3000 }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', reject);
  });
}

const kinds = [
  { runtime: 'remote', network: 'routed', possible: haveContainerd },
  { runtime: 'remote', network: 'exec', possible: haveContainerd },
  { runtime: 'process', network: 'routed', possible: root },
  { runtime: 'process', network: 'exec', possible: root },
  { runtime: 'process', network: 'none', possible: true },
  { runtime: 'process', network: 'auto', possible: nobodyMayRead, uid: nobody },
] as const;

describe.each(kinds)('runtime: $runtime, network: $network, uid: $uid', (kind) => {
  const { runtime, network, possible } = kind;
  const uid = 'uid' in kind ? kind.uid : undefined;
  const test = (possible && haveKubectl) || (ci && uid === undefined) ? it : it.skip;

  test('serves a web site through its Service, runs commands, and keeps a volume', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const images = join(dir, 'data', 'images');
    await mkdir(images, { recursive: true });
    await buildBusyboxImage({
      reference: 'test/web',
      file: join(images, 'web.tar'),
      files: [{ path: 'www/index.html', content: 'hello' }],
    });
    if (uid !== undefined)
      for (const each of [dir, join(dir, 'data'), images, join(images, 'web.tar')]) await chown(each, uid, uid);
    const cluster = await ClusterProcess.start({
      dir,
      config: `runtime: ${runtime}\nnetwork: ${network}\n`,
      ...(uid !== undefined && { uid }),
    });
    try {
      await cluster.kubectl('apply -f -', application);
      await cluster.kubectl('rollout status deployment/web --timeout=60s');
      const port = await cluster.kubectl('get service web -o jsonpath={.spec.ports[0].nodePort}');
      expect(
        await eventually(
          () => page(port),
          (text) => text === 'hello',
          'the page',
        ),
      ).toBe('hello');

      const pods = (await cluster.json<{ items: Pod[] }>('get pods -l app=web')).items;
      expect(new Set(pods.map((each) => each.status?.podIP)).size).toBe(2);
      const pod = pods[0]?.metadata.name ?? '';
      expect(await cluster.kubectl(['exec', pod, '--', 'cat', '/www/index.html'])).toBe('hello');
      const failed = await cluster.tryKubectl(['exec', pod, '--', 'sh', '-c', 'echo oh >&2; exit 3']);
      expect(failed).toMatchObject({ code: 3, stderr: expect.stringContaining('oh') });
      // A terminal of its own: what `exec -it` needs, without a person before it.
      const terminal = await command(
        'script',
        ['-qec', `kubectl exec -it ${pod} -- sh -c 'test -t 0 && echo a terminal'`, '/dev/null'],
        { env: { KUBECONFIG: cluster.kubeconfig } },
      );
      expect(terminal.stdout).toContain('a terminal');

      await cluster.kubectl('apply -f -', once('writer', 'echo kept > /data/file'));
      await cluster.kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/writer --timeout=60s');
      await cluster.kubectl('apply -f -', once('reader', 'cat /data/file'));
      await cluster.kubectl('wait --for=jsonpath={.status.phase}=Succeeded pod/reader --timeout=60s');
      expect(await cluster.kubectl('logs reader')).toBe('kept\n');
      await cluster.kubectl('delete pod writer reader');
      await cluster.kubectl('delete pvc data');
      await eventually(
        () => cluster.kubectl('get pv -o name'),
        (names) => names === '',
        'the volume is released and gone',
      );

      const node = await cluster.json<{ items: Node[] }>('get nodes');
      expect(node.items[0]?.metadata.annotations?.['keelson.dev/isolation']).toBeTruthy();
    } finally {
      await cluster.remove();
    }
  }, 180_000);
});

describe.skipIf((!haveContainerd || !haveKubectl) && !ci)('a runtime that goes away', () => {
  it('is started again, its pods untouched, and takes new ones', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'kl-'));
    const images = join(dir, 'data', 'images');
    await mkdir(images, { recursive: true });
    await buildBusyboxImage({
      reference: 'test/web',
      file: join(images, 'web.tar'),
      files: [{ path: 'www/index.html', content: 'hello' }],
    });
    const cluster = await ClusterProcess.start({ dir, args: ['--runtime', 'remote'] });
    try {
      await cluster.kubectl('apply -f -', application);
      await cluster.kubectl('rollout status deployment/web --timeout=60s');
      const containers = async () =>
        (await cluster.json<{ items: Pod[] }>('get pods -l app=web')).items
          .map((each) => each.status?.containerStatuses?.[0]?.containerID)
          .sort();
      const before = await containers();
      const ready = async () =>
        (await cluster.json<Node>('get node node-1')).status?.conditions?.find((each) => each.type === 'Ready');
      const containerd = () =>
        execFileSync('pgrep', ['-f', `^[^ ]*containerd --config ${dir}`], { encoding: 'utf8' })
          .trim()
          .split('\n')
          .map(Number);
      const [first = 0] = containerd();
      process.kill(first, 'SIGKILL');
      const started = await eventually(
        async () => containerd()[0],
        (pid) => pid !== undefined && pid !== first,
        'containerd runs again',
      );
      expect(started).not.toBe(first);
      await eventually(ready, (condition) => condition?.status === 'True', 'the node is ready', 60_000);
      await cluster.kubectl('scale deployment web --replicas=3');
      await cluster.kubectl('rollout status deployment/web --timeout=60s');
      await cluster.kubectl('scale deployment web --replicas=2');
      await eventually(containers, (ids) => ids.length === 2, 'two pods again', 60_000);
      expect((await containers()).filter((each) => before.includes(each)).length).toBeGreaterThan(0);
      const port = await cluster.kubectl('get service web -o jsonpath={.spec.ports[0].nodePort}');
      expect(
        await eventually(
          () => page(port),
          (text) => text === 'hello',
          'the page',
          30_000,
        ),
      ).toBe('hello');
    } finally {
      await cluster.remove();
    }
  }, 300_000);
});
