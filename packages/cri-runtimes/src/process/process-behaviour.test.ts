import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import type { ContainerConfig, ContainerRuntime, PodSandboxConfig } from '@keelson/core/cri';
import { systemClock } from '@keelson/core/machinery';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { buildNodeImage } from '../images/host-files.ts';
import { identifyNow, type ProcessIdentity } from '../model/process-identity.ts';
import { detectMachine } from './machine.ts';
import { type ProcessOptions, processOptionsSchema } from './options.ts';
import { removeTree } from './process-images.ts';
import { ProcessRuntimeProvider } from './provider.ts';

const network: NetworkPlugin = {
  ownNamespace: false,
  add: () => Promise.reject(new Error('pods share the network of the host')),
  del: async () => undefined,
  check: async () => undefined,
  status: async () => undefined,
  gc: async () => undefined,
  close: async () => undefined,
  configList: () => undefined,
};

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function open(isolation: ProcessOptions['isolation'], again?: string) {
  const dataDir = again ?? (await mkdtemp(join(tmpdir(), 'process-')));
  const node = { nodeName: 'node', index: 0, dataDir, podCidr: '10.215.9.0/24', nodeIp: '127.0.0.1', network };
  const provider = new ProcessRuntimeProvider(systemClock, silentLogger, processOptionsSchema.parse({ isolation }));
  const runtime = await provider.open(node);
  cleanups.push(async () => {
    await runtime.close();
    await provider.shutdown(node);
    await removeTree(dataDir);
  });
  return { runtime, dataDir };
}

/** What of a sandbox's or a container's file names processes. */
type State = Readonly<Partial<Record<'shim' | 'init' | 'holder', ProcessIdentity>>>;

let count = 0;

async function pod({ runtimeService }: ContainerRuntime, extra: Partial<PodSandboxConfig> = {}) {
  const name = `p${++count}`;
  const config = { metadata: { name, uid: name, namespace: 'n' }, hostname: name, ...extra };
  const { podSandboxId = '' } = await runtimeService.runPodSandbox({ config });
  const { status } = await runtimeService.podSandboxStatus({ podSandboxId });
  return { podSandboxId, ip: status?.network?.ip ?? '' };
}

async function container({ runtimeService }: ContainerRuntime, podSandboxId: string, extra: Partial<ContainerConfig>) {
  const config = { metadata: { name: `c${++count}` }, image: { image: 'host' }, ...extra };
  const { containerId = '' } = await runtimeService.createContainer({ podSandboxId, config });
  await runtimeService.startContainer({ containerId });
  const state = async () => (await runtimeService.containerStatus({ containerId })).status;
  const sh = async (...script: string[]) => {
    const { stdout } = await runtimeService.execSync({ containerId, cmd: ['/bin/sh', '-c', ...script] });
    return Buffer.from(stdout ?? [])
      .toString('utf8')
      .trim();
  };
  return { containerId, state, sh };
}

function get(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ host, port, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    });
    asking.on('error', reject);
    asking.end();
  });
}

const server = (host: string, text: string) => [
  process.execPath,
  '-e',
  `require('node:http').createServer((q,r)=>r.end(${JSON.stringify(text)})).listen(8080,${host})`,
];

const rootless = await detectMachine(processOptionsSchema.parse({ isolation: 'rootless' }));
const isolations = rootless.level === 'rootless' ? (['rootless', 'none'] as const) : (['none'] as const);

describe.each(isolations)('process runtime, isolation %s', (isolation) => {
  it('lets two pods listen on the same port of their own addresses, and forwards to them', async () => {
    const { runtime } = await open(isolation);
    const pods = await Promise.all([pod(runtime), pod(runtime)]);
    for (const { podSandboxId, ip } of pods) {
      expect(ip).toMatch(/^127\.128\.9\.\d+$/);
      await container(runtime, podSandboxId, {
        command: server('process.env.POD_IP', ip),
        envs: [{ key: 'POD_IP', value: Buffer.from(ip) }],
      });
    }
    for (const { ip } of pods) expect(await waitFor(() => get(ip, 8080))).toBe(ip);
    const [first] = pods;
    const { url = '' } = await runtime.runtimeService.portForward({ podSandboxId: first?.podSandboxId, port: [8080] });
    const socket = new WebSocket(url.replace('http', 'ws'), ['v4.channel.k8s.io']);
    const received: string[] = ['', ''];
    socket.on('message', (data: Buffer) => {
      received[data[0] ?? 0] += data.subarray(1).toString('latin1');
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from('GET / HTTP/1.0\r\n\r\n')]));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received[0]?.slice(0, 2)).toBe('\x90\x1f');
    expect(received[0]?.endsWith(first?.ip ?? 'none')).toBe(true);
    expect(received[1]).toBe('\x90\x1f');
  });

  it('notices when a shim is killed, and leaves none of its processes', async () => {
    const { runtime, dataDir } = await open(isolation);
    const { podSandboxId } = await pod(runtime);
    const { containerId, state } = await container(runtime, podSandboxId, { command: ['/bin/sh', '-c', 'sleep 1234'] });
    const file = join(dataDir, 'process', 'containers', containerId, 'container.json');
    const kept: unknown = JSON.parse(await readFile(file, 'utf8'));
    const { shim, init } = Object(kept);
    process.kill(shim.pid, 'SIGKILL');
    await waitFor(async () => (await state())?.state === 'CONTAINER_EXITED', { what: 'the end' });
    expect(await state()).toMatchObject({ exitCode: 137, reason: 'Error' });
    await waitFor(() => {
      try {
        process.kill(init.pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  it.each([
    ['of an earlier boot', (each: ProcessIdentity) => each, 'an earlier boot'],
    ['given to another', (each: ProcessIdentity) => ({ ...each, startTicks: each.startTicks - 1 }), undefined],
  ])('ends nobody by a number that is %s', async (_, known, bootId) => {
    const { runtime, dataDir } = await open(isolation);
    const { podSandboxId } = await pod(runtime);
    const { containerId } = await container(runtime, podSandboxId, { command: ['/bin/sh', '-c', 'sleep 1234'] });
    const file = (...path: string[]) => join(dataDir, 'process', ...path);
    const change = async (path: string, by: (state: State) => object) => {
      const state: State = Object(JSON.parse(await readFile(path, 'utf8')));
      for (const each of [state.shim, state.init, state.holder]) if (each) process.kill(each.pid, 'SIGKILL');
      await writeFile(path, JSON.stringify({ ...state, ...by(state) }));
    };
    await runtime.close();
    const bystander = spawn('sleep', ['1234'], { detached: true, stdio: 'ignore' });
    const ended = new Promise((resolve) => bystander.once('exit', (code, signal) => resolve({ code, signal })));
    const now = identifyNow(bystander.pid ?? 0);
    if (!now) throw new Error('it did not start');
    await change(file('containers', containerId, 'container.json'), () => ({ shim: known(now), init: known(now) }));
    await rm(file('containers', containerId, 'exit'), { force: true });
    await change(file('pods', podSandboxId, 'sandbox.json'), ({ holder }) => ({
      ...(holder && { holder: known(now) }),
      ...(bootId && { bootId }),
    }));

    const { runtimeService } = (await open(isolation, dataDir)).runtime;
    await runtimeService.stopPodSandbox({ podSandboxId });
    await runtimeService.removePodSandbox({ podSandboxId });
    expect((await runtimeService.listContainers({})).containers ?? []).toEqual([]);
    bystander.kill('SIGINT');
    // The first signal that came.
    expect(await ended).toEqual({ code: null, signal: 'SIGINT' });
  });

  it('gives a container a terminal, and its input through attach ends once', async () => {
    const { runtime } = await open(isolation);
    const { podSandboxId } = await pod(runtime);
    const { containerId, state } = await container(runtime, podSandboxId, {
      command: ['/bin/sh', '-c', 'cat >/dev/null; exit 6'],
      stdin: true,
      stdinOnce: true,
    });
    const { url = '' } = await runtime.runtimeService.attach({ containerId, stdin: true, stdout: true });
    const socket = new WebSocket(url.replace('http', 'ws'), ['v5.channel.k8s.io']);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(Buffer.from('\0text'));
    socket.send(Buffer.from([255, 0]));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await state()).toMatchObject({ exitCode: 6 });
    if (process.platform !== 'linux') return;
    const terminal = await container(runtime, podSandboxId, {
      command: ['/bin/sh', '-c', '[ -t 0 ] && [ -t 1 ] && exit 8; exit 9'],
      stdin: true,
      tty: true,
    });
    await waitFor(async () => (await terminal.state())?.state === 'CONTAINER_EXITED');
    expect((await terminal.state())?.exitCode).toBe(8);
  });
});

it('runs an image that is made of this machine without any isolation, and says why it runs no other', async () => {
  const { runtime, dataDir } = await open('none');
  await buildNodeImage({ reference: 'node', file: join(dataDir, 'images', 'node.tar') });
  await buildNodeImage({ reference: 'other', file: join(dataDir, 'images', 'other.tar'), files: [{ path: 'x' }] });
  const { podSandboxId } = await pod(runtime);
  const { containerId } = await container(runtime, podSandboxId, {
    image: { image: 'node' },
    command: ['node', '-e', 'setInterval(() => {}, 1e6)'],
  });
  const { status } = await runtime.runtimeService.containerStatus({ containerId });
  expect(status?.state).toBe('CONTAINER_RUNNING');
  const refused = container(runtime, podSandboxId, { image: { image: 'other' }, command: ['node'] });
  await expect(refused).rejects.toThrow('images need namespaces');
});

describe.skipIf(rootless.level !== 'rootless')('process runtime in namespaces', () => {
  it('shows only the pod, as the user that was asked for', async () => {
    const { runtime, dataDir } = await open('rootless');
    const { podSandboxId } = await pod(runtime, {
      dnsConfig: { servers: ['10.0.0.10'], searches: ['a.b'], options: ['ndots:5'] },
    });
    const { sh } = await container(runtime, podSandboxId, {
      command: ['/bin/sh', '-c', 'sleep 1234'],
      linux: { securityContext: { runAsUser: { value: 1234 }, runAsGroup: { value: 567 }, noNewPrivs: true } },
    });
    expect(await sh('id -u; id -g; hostname; ls -d /proc/[0-9]* | wc -l')).toMatch(/^1234\n567\np\d+\n\d\d?$/);
    expect(await sh('cat /etc/resolv.conf')).toBe('search a.b\nnameserver 10.0.0.10\noptions ndots:5');
    expect(await sh('grep -E "^(NoNewPrivs|CapEff)" /proc/self/status | tr -d "\\t"')).toBe(
      'CapEff:0000000000000000\nNoNewPrivs:1',
    );
    expect(await sh('touch /usr/mine && ls /usr/mine')).toBe('/usr/mine');
    await expect(readFile('/usr/mine')).rejects.toThrow('ENOENT');
    expect(await sh(`ls ${dataDir}/process/pods 2>&1 | head -1; ls /.keelson/old | wc -l`)).toMatch(/0$/);
  });

  it('shares processes within a pod that asks for it, and ends with the pod', async () => {
    const { runtime } = await open('rootless');
    const linux = { securityContext: { namespaceOptions: { pid: 'POD' } } } as const;
    const { podSandboxId } = await pod(runtime, { linux });
    const one = await container(runtime, podSandboxId, { command: ['/bin/sh', '-c', 'exec sleep 4321'], linux });
    const two = await container(runtime, podSandboxId, { command: ['/bin/sh', '-c', 'sleep 1234'], linux });
    expect(await two.sh('cat /proc/[0-9]*/cmdline | tr "\\0" " "')).toContain('sleep 4321');
    await runtime.runtimeService.stopPodSandbox({ podSandboxId });
    expect(await one.state()).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 137 });
    const { status } = await runtime.runtimeService.podSandboxStatus({ podSandboxId });
    expect(status?.state).toBe('SANDBOX_NOTREADY');
  });

  it('runs an image of Node made from this machine, with a volume and a read-only root', async () => {
    const { runtime, dataDir } = await open('rootless');
    await buildNodeImage({
      reference: 'node',
      file: join(dataDir, 'images', 'node.tar'),
      files: [{ path: 'app/main.js', content: 'console.log(process.cwd()); setInterval(() => {}, 1e6)' }],
      config: { cmd: ['main.js'], workdir: '/app' },
    });
    await writeFile(join(dataDir, 'note'), 'from outside');
    await runtime.imageService.pullImage({ image: { image: 'node' } });
    const { podSandboxId } = await pod(runtime, { logDirectory: dataDir });
    const { containerId } = await container(runtime, podSandboxId, {
      image: { image: 'docker.io/library/node:latest' },
      logPath: 'node.log',
      mounts: [{ containerPath: '/app/note', hostPath: join(dataDir, 'note'), readonly: true }],
      linux: { securityContext: { readonlyRootfs: true } },
    });
    await waitFor(async () => (await readFile(join(dataDir, 'node.log'), 'utf8')).includes('stdout F /app'));
    const script =
      'const f=require("fs");let e="";try{f.writeFileSync("/app/x","")}catch(x){e=x.code};console.log(f.readFileSync("/app/note","utf8"),e)';
    const { stdout } = await runtime.runtimeService.execSync({ containerId, cmd: ['/usr/bin/node', '-e', script] });
    expect(Buffer.from(stdout ?? []).toString()).toBe('from outside EROFS\n');
  });
});
