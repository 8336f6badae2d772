import { spawn } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBusyboxImage } from '@keelson/cri-runtimes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, command, eventually, haveContainerd, haveKubectl } from './cluster-process.ts';

const page = 'a page behind a port';
const pod = `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: test/busybox
    imagePullPolicy: IfNotPresent
    command: [sh, -c, "mkdir -p /tmp/www && echo '${page}' > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"]
---
apiVersion: v1
kind: Pod
metadata: { name: talker }
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - { name: talker, image: test/busybox, imagePullPolicy: IfNotPresent, stdin: true, command: [sh, -c, "while read line; do echo \\"heard $line\\"; done"] }
`;

/** kubectl 1.31 and later speak WebSocket first; told not to, they speak SPDY/3.1 as older ones do. */
const protocols = [
  { name: 'WebSocket', env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'true', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'true' } },
  { name: 'SPDY', env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' } },
] as const;

const runtimes = [
  { runtime: 'process', possible: true },
  { runtime: 'remote', possible: haveContainerd },
] as const;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, async (answer) => {
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      resolve(text);
    }).once('error', reject);
  });
}

describe.each(runtimes)('streams through the API server to the $runtime runtime', ({ runtime, possible }) => {
  describe.skipIf((!haveKubectl || !possible) && !ci)('by kubectl', () => {
    let cluster: ClusterProcess;

    beforeAll(async () => {
      const dir = await mkdtemp(join(tmpdir(), 'kl-'));
      const images = join(dir, 'data', 'images');
      await mkdir(images, { recursive: true });
      await buildBusyboxImage({ reference: 'test/busybox', file: join(images, 'busybox.tar') });
      cluster = await ClusterProcess.start({ dir, args: ['--runtime', runtime] });
      await eventually(
        () => cluster.tryKubectl('get serviceaccount default'),
        ({ code }) => code === 0,
        'a default service account',
      );
      await cluster.kubectl('apply -f -', pod);
      await cluster.kubectl('wait --for=condition=Ready pod/web pod/talker --timeout=60s');
    });
    afterAll(() => cluster?.remove());

    describe.each(protocols)('$name', ({ env }) => {
      it('joins a command with its input, outputs and exit code', async () => {
        const script = 'cat; echo problem >&2; exit 7';
        const outcome = await cluster.tryKubectl(['exec', '-i', 'web', '--', 'sh', '-c', script], 'all of it', env);
        expect(outcome).toMatchObject({ code: 7, stdout: 'all of it' });
        expect(outcome.stderr).toContain('problem');
        expect(outcome.stderr).toContain('exit code 7');
      });

      it('carries a megabyte both ways whole', async () => {
        const large = 'kubernetes '.repeat(100_000);
        const outcome = await cluster.tryKubectl(['exec', '-i', 'web', '--', 'cat'], large, env);
        expect(outcome.stdout.length).toBe(large.length);
        expect(outcome.stdout === large).toBe(true);
      });

      it('gives a terminal', async () => {
        const args = [
          '-qec',
          "kubectl exec -it web -- sh -c 'test -t 0 && test -t 1 && echo on a terminal'",
          '/dev/null',
        ];
        const { stdout } = await command('script', args, { env: { KUBECONFIG: cluster.kubeconfig, ...env } });
        expect(stdout).toContain('on a terminal');
      });

      it('attaches to a running container', async () => {
        const child = spawn('kubectl', ['attach', '-i', 'talker'], {
          env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...env },
        });
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => {
          output += String(chunk);
        });
        child.stdin.write('hello there\n');
        await eventually(
          async () => output,
          (text) => text.includes('heard hello there'),
          'the echo',
        );
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill();
        await gone;
      });

      it('forwards a port, connection after connection and several at once', async () => {
        const port = await freePort();
        const child = spawn('kubectl', ['port-forward', 'pod/web', `${port}:8080`], {
          env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...env },
        });
        try {
          await new Promise<void>((resolve, reject) => {
            child.stdout.once('data', () => resolve());
            child.once('exit', (code) => reject(new Error(`port-forward ended with ${code}`)));
          });
          const url = `http://127.0.0.1:${port}/`;
          for (let round = 0; round < 3; round++) expect(await fetchText(url)).toBe(`${page}\n`);
          const many = await Promise.all(Array.from({ length: 8 }, () => fetchText(url)));
          expect(new Set(many)).toEqual(new Set([`${page}\n`]));
        } finally {
          child.removeAllListeners('exit');
          const gone = new Promise((resolve) => child.once('exit', resolve));
          child.kill();
          await gone;
        }
      });
    });

    it('copies files by tar over exec', async () => {
      const target = `${cluster.dir}/copied.html`;
      await cluster.kubectl(`cp web:/tmp/www/index.html ${target}`);
      expect((await command('cat', [target])).stdout).toBe(`${page}\n`);
    });

    it('reaches pods through the proxy of the API server', async () => {
      expect(await cluster.kubectl('get --raw /api/v1/namespaces/default/pods/web:8080/proxy/')).toBe(`${page}\n`);
    });
  });
});
