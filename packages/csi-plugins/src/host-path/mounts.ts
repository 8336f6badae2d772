import { execFile } from 'node:child_process';
import { lstat, mkdir, readFile, readlink, rm, rmdir, symlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** How a volume's directory is put at the place where a pod wants it. */
export interface Mounts {
  publish(source: string, target: string, readonly: boolean, signal?: AbortSignal): Promise<void>;
  unpublish(target: string, signal?: AbortSignal): Promise<void>;
}

/** Bind mounts: needs root. */
export const bindMounts: Mounts = {
  async publish(source, target, readonly, signal) {
    await mkdir(target, { recursive: true, mode: 0o750 });
    if (!(await isMounted(target))) await exec('mount', ['--bind', source, target], { signal });
    if (readonly) await exec('mount', ['-o', 'remount,ro,bind', target], { signal });
  },
  async unpublish(target, signal) {
    if (await isMounted(target)) await exec('umount', [target], { signal });
    try {
      await rmdir(target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  },
};

/** Symbolic links, for users who may not mount; `readonly` is then kept by the runtime alone. */
export const linkMounts: Mounts = {
  async publish(source, target) {
    const there = await kindOf(target);
    if (there === 'link' && (await readlink(target)) === source) return;
    if (there === 'directory') await rmdir(target);
    if (there === 'link') await rm(target);
    await symlink(source, target);
  },
  async unpublish(target) {
    if ((await kindOf(target)) === 'link') await rm(target);
  },
};

async function kindOf(path: string): Promise<'link' | 'directory' | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? 'link' : 'directory';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** proc(5), mountinfo: the fifth field is the mount point, with octal escapes. */
async function isMounted(target: string): Promise<boolean> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const escaped = target.replace(/[ \t\n\\]/g, (each) => `\\${each.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return text.split('\n').some((line) => line.split(' ')[4] === escaped);
}
