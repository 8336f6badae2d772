import { type ChildProcess, spawn } from 'node:child_process';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/plugin';
import { identifyNow, signalGroup } from '../model/process-identity.ts';
import { finalArguments, insideTool } from './container-script.ts';
import type { Machine } from './machine.ts';
import type { ContainerState, SandboxState } from './process-state.ts';

const maxOutput = 16 << 20;
const inDirectory = ['-c', 'cd "$0" && exec "$@"'];
/** Joins the control groups named before `--`. */
const inGroups = ['-c', 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"', 'sh'];

/** The command by which the machine runs `cmd` within a container, beside its first process. */
export function execArguments(
  state: ContainerState,
  sandbox: SandboxState,
  cmd: readonly string[],
  context: {
    readonly machine: Machine;
    readonly init: { readonly pid: number };
    readonly cgroupFiles: readonly string[];
  },
): string[] {
  const { machine, init, cgroupFiles } = context;
  const { spec } = state;
  if (machine.level === 'plain') {
    return ['/bin/sh', ...inDirectory, spec.cwd, '/usr/bin/env', '-i', ...spec.env, ...cmd];
  }
  const pid = spec.pid === 'own' || (spec.pid === 'pod' && sandbox.sharesPid) ? ['--pid'] : [];
  const enter = [
    machine.programs['nsenter'] ?? 'nsenter',
    '--target',
    `${init.pid}`,
    '--mount',
    // The first process may have gone on into a user namespace within the pod's, from which the others cannot be entered.
    ...sandbox.flags.map((flag) => (flag === '--user' ? `--user=/proc/${sandbox.holder?.pid}/ns/user` : flag)),
    ...pid,
    '--',
  ];
  const inside = insideTool('sh', ...inDirectory, spec.cwd, ...finalArguments(spec, machine.level, cmd));
  const grouped = cgroupFiles.length > 0 ? ['/bin/sh', ...inGroups, ...cgroupFiles, '--'] : [];
  return [...grouped, ...enter, ...inside];
}

/**
 * A command in a session of its own, and what ends all that it has started: nsenter's child in the container belongs to
 * its process group too.
 */
export function spawnExec(argv: readonly string[]): { readonly child: ChildProcess; endAll(): void } {
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  return { child, endAll: endGroupOf(child.pid) };
}

/** @param pid of a process that has just been started and leads a group; undefined where it could not be */
export function endGroupOf(pid: number | undefined): () => void {
  const leader = pid === undefined ? undefined : identifyNow(pid);
  return () => {
    if (leader !== undefined) signalGroup(leader, 'SIGKILL');
  };
}

/** 128 and the signal's number, as shells say, for what a signal has ended. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  if (code !== null) return code;
  return signal === 'SIGKILL' ? 137 : signal === 'SIGTERM' ? 143 : signal === 'SIGINT' ? 130 : 128;
}

/**
 * Runs to the end. @throws GrpcError `deadlineExceeded` after `timeoutSeconds` (0: never) and `cancelled` on abort, with all
 * of its processes ended
 */
export function execToEnd(
  argv: readonly string[],
  {
    clock,
    timeoutSeconds,
    signal,
  }: { readonly clock: Clock; readonly timeoutSeconds: number; readonly signal?: AbortSignal },
): Promise<{ readonly stdout: Uint8Array; readonly stderr: Uint8Array; readonly exitCode: number }> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new GrpcError(grpcCode.cancelled, 'the command was aborted'));
    const { child, endAll } = spawnExec(argv);
    const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    let size = 0;
    const end = (error: GrpcError) => {
      endAll();
      finish();
      reject(error);
    };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxOutput) chunks[name].push(chunk);
      });
    }
    child.stdin?.on('error', () => 'the command does not read');
    child.stdin?.end();
    const abort = () => end(new GrpcError(grpcCode.cancelled, 'the command was aborted'));
    const cancelTimer =
      timeoutSeconds > 0
        ? clock.after(timeoutSeconds * 1000, () =>
            end(new GrpcError(grpcCode.deadlineExceeded, `the command did not end within ${timeoutSeconds} s`)),
          )
        : undefined;
    const finish = () => {
      cancelTimer?.();
      signal?.removeEventListener('abort', abort);
    };
    signal?.addEventListener('abort', abort, { once: true });
    child.on('error', (error) => {
      finish();
      reject(new GrpcError(grpcCode.unknown, error.message));
    });
    child.on('close', (code, by) => {
      finish();
      resolve({
        stdout: Buffer.concat(chunks.stdout),
        stderr: Buffer.concat(chunks.stderr),
        exitCode: exitCodeOf(code, by),
      });
    });
  });
}
