import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrorCode } from '../errors.ts';
import type { Mounter } from './mounts.ts';

export interface SubPathRequest {
  /** The volume's directory. */
  readonly volume: string;
  /** Relative, without `..`. */
  readonly subPath: string;
  /** Where the sub path is pinned while the pod lives; nothing else writes there. */
  readonly pinned: string;
}

/**
 * Finds a sub path of a volume without ever following a link out of it, although containers may be writing to the
 * volume at the same time: each directory is opened relative to the one before and links are refused; what was found
 * is pinned by a bind mount of the open file. Where nothing can be mounted, the real path is checked once.
 */
export async function resolveSubPath(request: SubPathRequest, mounter: Mounter, signal: AbortSignal): Promise<string> {
  const parts = request.subPath.split('/').filter((each) => each !== '' && each !== '.');
  if (parts.includes('..')) throw new Error(`subPath "${request.subPath}" must not contain '..'`);
  const real = await insideOf(request.volume, parts);
  if (!mounter.available) return real;

  const root = await realpath(request.volume);
  const handle = await openStepwise(root, real === root ? [] : real.slice(root.length + 1).split('/'));
  try {
    const directory = (await handle.stat()).isDirectory();
    await mkdir(directory ? request.pinned : dirname(request.pinned), { recursive: true });
    if (!directory) await writeFile(request.pinned, '', { flag: 'a' });
    if (!(await mounter.below(request.pinned)).includes(request.pinned)) {
      await mounter.bind(`/proc/${process.pid}/fd/${handle.fd}`, request.pinned, false, signal);
    }
    return request.pinned;
  } finally {
    await handle.close();
  }
}

/** Makes missing directories one by one, so that a link to elsewhere is noticed before anything is made behind it. */
async function insideOf(volume: string, parts: readonly string[]): Promise<string> {
  const root = await realpath(volume);
  let at = root;
  for (const part of parts) {
    const next = join(at, part);
    try {
      at = await realpath(next);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      await mkdir(next);
      // A directory that the kubelet makes is for the pod's user, like the volume it lies in.
      const { mode } = await stat(at);
      const made = await open(next, constants.O_DIRECTORY | constants.O_NOFOLLOW);
      await made.chmod(mode & 0o7777);
      await made.close();
      at = next;
    }
    if (at !== root && !at.startsWith(`${root}/`)) {
      throw new Error(`subpath "${at}" not within volume path "${root}"`);
    }
  }
  return at;
}

async function openStepwise(root: string, parts: readonly string[]): Promise<FileHandle> {
  let handle = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const part of parts) {
    const at = `/proc/self/fd/${handle.fd}/${part}`;
    try {
      const next = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      await handle.close();
      handle = next;
    } catch (error) {
      await handle.close();
      if (hasErrorCode(error, 'ELOOP')) throw new Error(`subpath component "${part}" is a symbolic link`);
      throw error;
    }
  }
  return handle;
}
