import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { AttachRequest, ExecRequest } from '@keelson/core/cri';
import type { Logger } from '@keelson/core/plugin';
import type { WebSocket } from 'ws';
import { run } from '../model/command.ts';
import { type execArguments, exitCodeOf, killTree, spawnExec } from './exec.ts';
import type { LogPump } from './log-pump.ts';
import { bytesOf, errorStatus, exitStatus, RemoteCommand } from './remote-command.ts';

/** Joins a WebSocket and a command of a container until either ends. */
export function serveExec(socket: WebSocket, argv: ReturnType<typeof execArguments>, request: ExecRequest): void {
  if (request.tty) {
    serveTerminal(socket, argv).catch((error: unknown) => {
      new RemoteCommand(socket, {}).end(errorStatus(String(error)));
    });
    return;
  }
  const child = spawnExec(argv);
  const remote = new RemoteCommand(socket, {
    stdin(chunk) {
      if (!request.stdin || child.stdin?.write(chunk) !== false) return;
      remote.pause();
      child.stdin.once('drain', () => remote.resume());
    },
    stdinEnd: () => child.stdin?.end(),
    gone() {
      if (child.pid !== undefined && child.exitCode === null) killTree(child.pid);
    },
  });
  // A command that does not read its input closes it early; its exit code tells the rest.
  child.stdin?.on('error', () => remote.resume());
  if (!request.stdin) child.stdin?.end();
  const carry = async (name: 'stdout' | 'stderr') => {
    for await (const chunk of child[name] ?? []) if (request[name] !== false) await remote.send(name, chunk);
  };
  const output = Promise.all([carry('stdout'), carry('stderr')]);
  child.on('error', (error) => void remote.end(errorStatus(error.message)));
  child.on('exit', (code, signal) => {
    output.then(
      () => remote.end(exitStatus(exitCodeOf(code, signal))),
      (error: unknown) => remote.end(errorStatus(String(error))),
    );
  });
}

async function serveTerminal(socket: WebSocket, argv: readonly string[]): Promise<void> {
  // What comes while the terminal is made is kept.
  socket.pause();
  const { spawn: spawnTerminal } = await import('@lydell/node-pty');
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', TERM: 'xterm' };
  const terminal = spawnTerminal(argv[0] ?? '', argv.slice(1), { cols: 80, rows: 24, env, cwd: '/', encoding: null });
  const decoder = new TextDecoder();
  let ended = false;
  const remote = new RemoteCommand(socket, {
    stdin: (chunk) => terminal.write(decoder.decode(chunk, { stream: true })),
    stdinEnd: () => terminal.write('\x04'),
    resize({ width, height }) {
      if (!ended) terminal.resize(width, height);
    },
    gone() {
      if (!ended) killTree(terminal.pid);
    },
  });
  socket.resume();
  let sending = Promise.resolve();
  terminal.onData((chunk) => {
    terminal.pause();
    sending = remote.send('stdout', Buffer.from(chunk)).then(() => terminal.resume());
  });
  terminal.onExit(({ exitCode, signal }) => {
    ended = true;
    sending.then(() => remote.end(exitStatus(signal ? 128 + signal : exitCode)));
  });
}

/** Joins a WebSocket and a container's own streams until either ends. */
export async function serveAttach(
  socket: WebSocket,
  container: {
    readonly dir: string;
    readonly pump: LogPump;
    readonly initPid: number;
    readonly ended: Promise<void>;
    closeInput(): void;
  },
  request: AttachRequest & { readonly stdinOnce: boolean },
  logger: Logger,
): Promise<void> {
  socket.pause();
  // The shim holds the other end, so this does not wait.
  const input = request.stdin ? await open(`${container.dir}/stdin`, 'w') : undefined;
  let writing = Promise.resolve();
  let accepting = input !== undefined;
  /** The container sees the end of its input once neither this nor the shim could write. */
  const closeInput = ({ everyone }: { readonly everyone: boolean }) => {
    if (!accepting) return;
    accepting = false;
    // What could not be written is lost, the file is closed all the same.
    writing = writing.finally(() => input?.close()).finally(() => (everyone ? container.closeInput() : undefined));
  };
  const remote = new RemoteCommand(socket, {
    stdin(chunk) {
      if (accepting) writing = writing.then(async () => void (await input?.write(chunk)));
    },
    stdinEnd: () => closeInput({ everyone: true }),
    resize({ width, height }) {
      const size = ['-F', `/proc/${container.initPid}/fd/0`, 'rows', `${height}`, 'cols', `${width}`];
      run('stty', size).then(
        () => undefined,
        () => undefined,
      );
    },
    gone() {
      stopListening();
      closeInput({ everyone: request.stdinOnce });
      writing.catch((error: unknown) =>
        logger.debug('input of an attached container was lost', { error: String(error) }),
      );
    },
  });
  let sending = Promise.resolve();
  const stopListening = container.pump.listen((stream, chunk) => {
    const wanted = stream === 'stdout' ? request.stdout : request.stderr;
    if (wanted !== false) sending = sending.then(() => remote.send(stream, chunk));
  });
  socket.resume();
  await container.ended;
  await sending;
  await remote.end(exitStatus(0));
}

/** How a forwarded connection reaches its pod. */
export interface PodDialer {
  /** Tried in this order. */
  readonly addresses: readonly string[];
  /** The pod's own network namespace, for servers that listen on its loopback only. */
  readonly netns: string | undefined;
  readonly nsenter: string;
}

/**
 * Kubernetes' port-forward over WebSocket: for each port two channels, 2i for data and 2i+1 for errors, each beginning with
 * the port in little endian.
 */
export function servePortForward(socket: WebSocket, ports: readonly number[], dialer: PodDialer, logger: Logger): void {
  socket.pause();
  const open = ports.map(async (port, index) => {
    const data = Buffer.alloc(3);
    data.writeUInt8(2 * index);
    data.writeUInt16LE(port, 1);
    const error = Buffer.from(data);
    error.writeUInt8(2 * index + 1);
    socket.send(data);
    socket.send(error);
    try {
      const stream = await dialPod(dialer, port);
      stream.on('data', (chunk: Buffer) => {
        stream.pause();
        socket.send(Buffer.concat([Buffer.from([2 * index]), chunk]), () => stream.resume());
      });
      stream.on('end', () => socket.close(1000));
      stream.on('error', (cause) => {
        logger.debug('forwarded connection broke', { port, error: String(cause) });
        socket.close(1000);
      });
      return stream;
    } catch (cause) {
      const message = `an error occurred forwarding ${port}: ${cause instanceof Error ? cause.message : String(cause)}`;
      socket.send(Buffer.concat([Buffer.from([2 * index + 1]), Buffer.from(message)]), () => socket.close(1000));
      return undefined;
    }
  });
  socket.on('error', () => socket.terminate());
  Promise.all(open).then(
    (streams) => {
      socket.on('message', (raw) => {
        const message = bytesOf(raw);
        const channel = message[0] ?? 1;
        if (channel % 2 !== 0) return;
        const stream = streams[channel / 2];
        if (stream?.write(message.subarray(1)) !== false) return;
        socket.pause();
        stream.once('drain', () => socket.resume());
      });
      socket.on('close', () => {
        for (const stream of streams) stream?.destroy();
      });
      socket.resume();
    },
    (error: unknown) => logger.warn('port-forward failed', { error: String(error) }),
  );
}

/** Connects to a port of a pod. @throws Error where nothing listens there */
export async function dialPod({ addresses, netns, nsenter }: PodDialer, port: number): Promise<Duplex> {
  let last: unknown = new Error('the pod has no address');
  for (const address of addresses) {
    try {
      return await dial(address, port);
    } catch (error) {
      last = error;
    }
  }
  if (netns === undefined) throw last;
  const script = `const s=require('node:net').connect(${port},'127.0.0.1');s.on('connect',()=>process.stderr.write('+'));s.on('error',()=>process.exit(1));process.stdin.pipe(s).pipe(process.stdout)`;
  const child = spawn(nsenter, [`--net=${netns}`, '--', process.execPath, '-e', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(last));
    child.stderr.once('data', () => resolve(Duplex.from({ readable: child.stdout, writable: child.stdin })));
  });
}

function dial(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
