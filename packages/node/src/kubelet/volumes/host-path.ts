import { mkdir, open, stat } from 'node:fs/promises';
import type { HostPathVolumeSource } from '@keelson/core/api';
import { hasErrorCode } from '../errors.ts';

type Found = 'directory' | 'file' | 'socket' | 'charDevice' | 'blockDevice' | 'other' | 'nothing';

/** Sees to what `hostPath.type` asks for: makes it where the type says so, else rejects if it is something else. */
export async function prepareHostPath(source: HostPathVolumeSource): Promise<void> {
  const { path, type = '' } = source;
  const found = await kindOf(path);
  const fail = (what: string): never => {
    throw new Error(`hostPath type check failed: ${path} is not ${what}`);
  };
  switch (type) {
    case '':
      return;
    case 'DirectoryOrCreate':
      if (found === 'nothing') await mkdir(path, { recursive: true, mode: 0o755 });
      else if (found !== 'directory') fail('a directory');
      return;
    case 'Directory':
      if (found !== 'directory') fail('a directory');
      return;
    case 'FileOrCreate':
      if (found === 'nothing') await (await open(path, 'a', 0o644)).close();
      else if (found === 'directory') fail('a file');
      return;
    case 'File':
      if (found !== 'file') fail('a file');
      return;
    case 'Socket':
      if (found !== 'socket') fail('a socket file');
      return;
    case 'CharDevice':
      if (found !== 'charDevice') fail('a character device');
      return;
    case 'BlockDevice':
      if (found !== 'blockDevice') fail('a block device');
      return;
    default:
      throw new Error(`${type} is an invalid volume type`);
  }
}

async function kindOf(path: string): Promise<Found> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return 'directory';
    if (found.isFile()) return 'file';
    if (found.isSocket()) return 'socket';
    if (found.isCharacterDevice()) return 'charDevice';
    return found.isBlockDevice() ? 'blockDevice' : 'other';
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return 'nothing';
    throw error;
  }
}
