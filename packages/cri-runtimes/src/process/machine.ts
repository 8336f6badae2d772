import { existsSync } from 'node:fs';
import { access, constants, readFile } from 'node:fs/promises';
import { findProgram, run } from '../model/command.ts';
import type { ProcessOptions } from './options.ts';

/**
 * How containers are separated here: `root` has namespaces of the real root, `rootless` those of a user namespace, `plain`
 * none at all.
 */
export type IsolationLevel = 'root' | 'rootless' | 'plain';

export interface Machine {
  readonly level: IsolationLevel;
  /** Why it is not better, for people; empty for `root`. */
  readonly reason: string;
  /** The version of control groups that limits can be set in. */
  readonly cgroups: 'v1' | 'v2' | undefined;
  /** Absolute paths. */
  readonly programs: Readonly<Record<string, string>>;
}

const required = [
  'unshare',
  'nsenter',
  'mount',
  'umount',
  'pivot_root',
  'setpriv',
  'env',
  'mkdir',
  'rm',
  'ln',
  'chmod',
];
const optional = ['hostname', 'setsid', 'script', 'fallocate', 'stty', 'ip', 'ldd'];

const tryNamespaces = [
  '--mount',
  '--pid',
  '--uts',
  '--ipc',
  '--fork',
  '--kill-child',
  '--',
  '/bin/sh',
  '-c',
  'mount -t tmpfs tmpfs /tmp && mount -t proc proc /proc',
];

/** Looks what the machine allows; changes nothing. */
export async function detectMachine(options: ProcessOptions): Promise<Machine> {
  const found = await Promise.all(
    [...required, ...optional].map(async (name) => [name, await findProgram(name)] as const),
  );
  const programs = Object.fromEntries(found.filter((each): each is readonly [string, string] => each[1] !== undefined));
  const plain = (reason: string): Machine => ({ level: 'plain', reason, cgroups: undefined, programs });
  if (options.isolation === 'none') return plain('isolation is switched off by its option');
  if (process.platform !== 'linux') return plain(`${process.platform} has no namespaces`);
  const missing = [...required, 'ldd'].filter((name) => programs[name] === undefined);
  if (missing.length > 0) return plain(`${missing.join(', ')} of util-linux and coreutils are not installed`);
  const unshare = programs['unshare'] ?? '';
  if (process.getuid?.() === 0 && options.isolation === 'auto') {
    const { code } = await run(unshare, tryNamespaces);
    if (code === 0) return { level: 'root', reason: '', cgroups: await writableCgroups(), programs };
  }
  const { code, stderr } = await run(unshare, ['--user', '--map-root-user', ...tryNamespaces]);
  if (code === 0)
    return {
      level: 'rootless',
      reason: process.getuid?.() === 0 ? 'switched to rootless by its option' : 'not root',
      cgroups: undefined,
      programs,
    };
  return plain(`user namespaces cannot be made: ${stderr.trim().split('\n')[0] ?? ''}`);
}

async function writableCgroups(): Promise<Machine['cgroups']> {
  const v2 = '/sys/fs/cgroup/cgroup.controllers';
  if (existsSync(v2)) {
    const controllers = (await readFile(v2, 'utf8')).split(/\s+/);
    return controllers.includes('memory') && (await writable('/sys/fs/cgroup/cgroup.subtree_control'))
      ? 'v2'
      : undefined;
  }
  return (await writable('/sys/fs/cgroup/memory/cgroup.procs')) ? 'v1' : undefined;
}

async function writable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
