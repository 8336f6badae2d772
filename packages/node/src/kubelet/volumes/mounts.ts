import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Mounting as the host offers it. An ordinary user has none: then volumes are plain directories. */
export interface Mounter {
  readonly available: boolean;
  tmpfs(target: string, sizeBytes: number | undefined, signal: AbortSignal): Promise<void>;
  /** `source` is taken as it is written, so that `/proc/<pid>/fd/<n>` cannot be swapped underneath. */
  bind(source: string, target: string, readOnly: boolean, signal: AbortSignal): Promise<void>;
  unmount(target: string, signal: AbortSignal): Promise<void>;
  /** Mount points at or below a directory, deepest first. */
  below(directory: string): Promise<readonly string[]>;
}

export const noMounter: Mounter = {
  available: false,
  tmpfs: () => Promise.reject(new Error('mounting needs root')),
  bind: () => Promise.reject(new Error('mounting needs root')),
  unmount: async () => undefined,
  below: async () => [],
};

/** mount(8) and umount(8) of util-linux. */
export const systemMounter: Mounter = {
  available: true,
  async tmpfs(target, sizeBytes, signal) {
    const options = sizeBytes === undefined ? [] : ['-o', `size=${sizeBytes}`];
    await run('mount', ['-t', 'tmpfs', ...options, 'tmpfs', target], { signal });
  },
  async bind(source, target, readOnly, signal) {
    await run('mount', ['-c', '--bind', source, target], { signal });
    if (readOnly) await run('mount', ['-o', 'remount,bind,ro', target], { signal });
  },
  async unmount(target, signal) {
    await run('umount', [target], { signal });
  },
  async below(directory) {
    const text = await readFile('/proc/self/mountinfo', 'utf8');
    return mountPointsBelow(text, directory);
  },
};

/** Pure part of `below`: the fifth field of mountinfo (proc(5)), with its octal escapes undone. */
export function mountPointsBelow(mountInfo: string, directory: string): readonly string[] {
  const points = mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
  return points
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

/** Root with mount(8) mounts; anybody else uses plain directories. */
export function hostMounter(): Mounter {
  return process.platform === 'linux' && process.getuid?.() === 0 ? systemMounter : noMounter;
}
