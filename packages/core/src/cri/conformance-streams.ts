import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { SpdyConnection } from '../streaming/index.ts';
import type { CriSubject, PodFixture } from './conformance-subject.ts';
import { installedVitest } from './conformance-vitest.ts';

/** Exec and attach by `v4.channel.k8s.io`, which every kubelet's runtime speaks. */
export function streamConformance(current: () => { readonly subject: CriSubject; readonly pods: PodFixture }): void {
  const { expect, it } = installedVitest();
  const service = () => current().pods.runtime.runtimeService;
  const test = (title: string, run: () => Promise<void>) =>
    it(title, { retry: 2 }, async (context) => {
      if (!current().subject.processes) context.skip('containers are no processes here');
      await run();
    });

  test('joins a command to standard input, output and error, and tells its exit code', async () => {
    const { pods } = current();
    const containerId = await pods.start(await pods.run(), {});
    const cmd = ['/bin/sh', '-c', 'read line; echo "got $line"; echo err >&2; exit 5'];
    const { url = '' } = await service().exec({ containerId, cmd, stdin: true, stdout: true, stderr: true });
    const session = await openSession(url);
    session.send(0, 'hello\n');
    const { stdout, stderr, status } = await session.end;
    expect(stdout).toBe('got hello\n');
    expect(stderr).toBe('err\n');
    expect(status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '5' }] },
    });
    await expect(openSession(url)).rejects.toThrow();
  });

  test('joins a command over SPDY/3.1, too, which kubelets are asked for', async () => {
    const { pods } = current();
    const containerId = await pods.start(await pods.run(), {});
    const cmd = ['/bin/sh', '-c', 'cat; echo err >&2; exit 3'];
    const { url = '' } = await service().exec({ containerId, cmd, stdin: true, stdout: true, stderr: true });
    const connection = new SpdyConnection(await upgradeToSpdy(url, 'v4.channel.k8s.io'), { role: 'client' });
    const [error, stdin, stdout, stderr] = [
      await connection.open({ streamtype: 'error' }),
      await connection.open({ streamtype: 'stdin' }),
      await connection.open({ streamtype: 'stdout' }),
      await connection.open({ streamtype: 'stderr' }),
    ];
    stdin.end('all of it\n');
    expect(await Promise.all([text(stdout), text(stderr)])).toEqual(['all of it\n', 'err\n']);
    expect(JSON.parse(await text(error))).toMatchObject({
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    });
    connection.close();
  });

  test('gives a command a terminal of the size that was asked for', async () => {
    const { pods } = current();
    const containerId = await pods.start(await pods.run(), {});
    const cmd = [
      '/bin/sh',
      '-c',
      'until [ "$(stty size 2>/dev/null)" = "37 133" ]; do sleep 0.05; done; read line; [ -t 1 ] && stty size',
    ];
    const { url = '' } = await service().exec({ containerId, cmd, stdin: true, stdout: true, tty: true });
    const session = await openSession(url);
    session.send(4, JSON.stringify({ Width: 133, Height: 37 }));
    session.send(0, 'go\n');
    const { stdout, status } = await session.end;
    expect(stdout).toContain('37 133\r\n');
    expect(status).toMatchObject({ status: 'Success' });
  });

  test('carries a lot of output whole', async () => {
    const { pods } = current();
    const containerId = await pods.start(await pods.run(), {});
    const cmd = ['/bin/sh', '-c', 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done'];
    const { url = '' } = await service().exec({ containerId, cmd, stdout: true, stderr: true });
    const { stdout } = await (await openSession(url)).end;
    const lines = stdout.split('\n');
    expect(lines.length).toBe(20_001);
    expect(lines[19_999]).toBe('line 19999');
  });

  test('attaches to the streams of a container', async () => {
    const { pods } = current();
    const script = 'while read line; do echo "echo $line"; [ "$line" = end ] && exit 0; done';
    const containerId = await pods.shell(await pods.run(), script, { stdin: true });
    const { url = '' } = await service().attach({ containerId, stdin: true, stdout: true, stderr: true });
    const session = await openSession(url);
    session.send(0, 'one\n');
    await session.seen('echo one\n');
    session.send(0, 'end\n');
    const { stdout } = await session.end;
    expect(stdout).toBe('echo one\necho end\n');
  });
}

function upgradeToSpdy(url: string, protocol: string): Promise<Duplex> {
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers });
    outgoing.once('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    outgoing.once('response', (answer) => reject(new Error(`no upgrade: ${answer.statusCode}`)));
    outgoing.once('error', reject);
    outgoing.end();
  });
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: unknown;
}

interface Session {
  send(channel: number, text: string): void;
  seen(text: string): Promise<void>;
  readonly end: Promise<Outcome>;
}

/** Rejects when the connection is refused. */
function openSession(url: string): Promise<Session> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), ['v4.channel.k8s.io']);
  const received = ['', '', '', ''];
  const waiting = new Set<() => void>();
  const end = new Promise<Outcome>((resolve) => {
    socket.on('close', () => {
      const [, stdout = '', stderr = '', status = ''] = received;
      resolve({ stdout, stderr, status: status === '' ? undefined : JSON.parse(status) });
    });
  });
  socket.on('message', (data: Buffer) => {
    const channel = data[0] ?? 0;
    received[channel] = (received[channel] ?? '') + data.subarray(1).toString('utf8');
    for (const check of waiting) check();
  });
  const session: Session = {
    send: (channel, text) => socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)])),
    seen: (text) =>
      new Promise((resolve) => {
        const check = () => {
          if (!received[1]?.includes(text)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    end,
  };
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(session));
    socket.once('error', reject);
  });
}
