import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrorCode } from '../errors.ts';

export interface PayloadFile {
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Owner of the file where it is not the kubelet's own user. */
  readonly uid?: number;
}

/** Files by path relative to the volume, `/` between directories, never leaving it. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const dataLink = '..data';
/** chown(2) leaves an owner alone that is −1. */
const unchanged = 0xffffffff;

/**
 * Puts files into a volume so that a reader sees all of the old or all of the new ones: they lie in a directory of
 * their own, `..data` points at it, and each visible name is a link through `..data`. Nothing is touched when nothing
 * changed.
 *
 * @param stamp a name that no earlier call used, such as a time
 * @returns whether anything was written
 */
export async function writeAtomically(
  directory: string,
  payload: Payload,
  stamp: string,
  options: { readonly gid?: number } = {},
): Promise<boolean> {
  for (const path of payload.keys()) assertInside(path);
  await mkdir(directory, { recursive: true });
  const previous = await readlinkOrNone(join(directory, dataLink));
  if (previous !== undefined && (await sameContent(join(directory, previous), payload))) return false;

  const fresh = `..${stamp}`;
  await writeFiles(join(directory, fresh), payload, options.gid);
  const temporary = join(directory, '..data_tmp');
  await rm(temporary, { force: true });
  await symlink(fresh, temporary);
  await rename(temporary, join(directory, dataLink));

  const names = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  for (const name of names) {
    const link = join(directory, name);
    if ((await readlinkOrNone(link)) === undefined) await symlink(join(dataLink, name), link);
  }
  for (const name of await readdir(directory)) {
    if (name.startsWith('..') || names.has(name)) continue;
    await rm(join(directory, name), { force: true });
  }
  if (previous !== undefined) await rm(join(directory, previous), { recursive: true, force: true });
  return true;
}

function assertInside(path: string): void {
  const parts = path.split('/');
  if (path === '' || path.startsWith('/') || parts.includes('..') || path.startsWith('..')) {
    throw new Error(`invalid path in volume: ${path}`);
  }
}

async function writeFiles(root: string, payload: Payload, gid: number | undefined): Promise<void> {
  await mkdir(root, { recursive: true });
  await chmod(root, 0o755);
  const directories = new Set<string>([root]);
  for (const [path, file] of payload) {
    const at = join(root, path);
    await mkdir(dirname(at), { recursive: true });
    for (let up = dirname(at); up.length > root.length; up = dirname(up)) directories.add(up);
    await writeFile(at, file.data);
    const mode = gid === undefined ? file.mode : file.mode | ((file.mode & 0o700) >> 3);
    if (gid !== undefined || file.uid !== undefined) await chown(at, file.uid ?? unchanged, gid ?? unchanged);
    await chmod(at, mode);
  }
  if (gid === undefined) return;
  for (const each of directories) {
    await chown(each, unchanged, gid);
    await chmod(each, 0o2755);
  }
}

async function sameContent(root: string, payload: Payload): Promise<boolean> {
  const present = await filesBelow(root, '');
  if (present.length !== payload.size) return false;
  for (const path of present) {
    const wanted = payload.get(path);
    if (wanted === undefined) return false;
    const at = join(root, path);
    const { mode } = await lstat(at);
    // The group bits may have been widened for fsGroup.
    if ((mode & 0o707) !== (wanted.mode & 0o707)) return false;
    if (Buffer.compare(await readFile(at), wanted.data) !== 0) return false;
  }
  return true;
}

async function filesBelow(root: string, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await filesBelow(root, path)));
    else found.push(path);
  }
  return found;
}

async function readlinkOrNone(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
