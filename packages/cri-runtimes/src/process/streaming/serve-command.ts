import { open as openFile } from 'node:fs/promises';
import type { AttachRequest, ExecRequest } from '@keelson/core/cri';
import type { Logger } from '@keelson/core/plugin';
import { run } from '../../model/command.ts';
import { endGroupOf, type execArguments, exitCodeOf, spawnExec } from '../exec.ts';
import type { LogPump } from '../log-pump.ts';
import { errorStatus, exitStatus, type RemoteCommandOpener } from './remote-command.ts';

/** Joins a client and a command of a container until either ends. */
export function serveExec(
  open: RemoteCommandOpener,
  argv: ReturnType<typeof execArguments>,
  request: ExecRequest,
): void {
  if (request.tty) {
    serveTerminal(open, argv).catch((error: unknown) => void open({}).end(errorStatus(String(error))));
    return;
  }
  const { child, endAll } = spawnExec(argv);
  const remote = open({
    stdin(chunk) {
      if (!request.stdin || child.stdin?.write(chunk) !== false) return;
      remote.pause();
      child.stdin.once('drain', () => remote.resume());
    },
    stdinEnd: () => child.stdin?.end(),
    gone() {
      if (child.exitCode === null && child.signalCode === null) endAll();
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

async function serveTerminal(open: RemoteCommandOpener, argv: readonly string[]): Promise<void> {
  const { spawn: spawnTerminal } = await import('@lydell/node-pty');
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', TERM: 'xterm' };
  const terminal = spawnTerminal(argv[0] ?? '', argv.slice(1), { cols: 80, rows: 24, env, cwd: '/', encoding: null });
  const endAll = endGroupOf(terminal.pid);
  const decoder = new TextDecoder();
  let ended = false;
  const remote = open({
    stdin: (chunk) => terminal.write(decoder.decode(chunk, { stream: true })),
    stdinEnd: () => terminal.write('\x04'),
    resize({ width, height }) {
      if (!ended) terminal.resize(width, height);
    },
    gone() {
      if (!ended) endAll();
    },
  });
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

/** Joins a client and a container's own streams until either ends. */
export async function serveAttach(
  open: RemoteCommandOpener,
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
  // The shim holds the other end, so this does not wait.
  const input = request.stdin ? await openFile(`${container.dir}/stdin`, 'w') : undefined;
  let writing = Promise.resolve();
  let accepting = input !== undefined;
  /** The container sees the end of its input once neither this nor the shim could write. */
  const closeInput = ({ everyone }: { readonly everyone: boolean }) => {
    if (!accepting) return;
    accepting = false;
    // What could not be written is lost, the file is closed all the same.
    writing = writing.finally(() => input?.close()).finally(() => (everyone ? container.closeInput() : undefined));
  };
  const remote = open({
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
  await container.ended;
  await sending;
  await remote.end(exitStatus(0));
}
