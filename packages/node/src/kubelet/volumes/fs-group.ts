import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Gives a volume to a group: everything below belongs to it and is writable for it (readable in a read-only volume), and
 * new files inherit it (kubernetes.io/docs/tasks/configure-pod-container/security-context). Only root can.
 *
 * @param policy with `OnRootMismatch`, a volume whose root is right already is left alone
 */
export async function applyFsGroup(
  directory: string,
  gid: number,
  options: { readonly readOnly: boolean; readonly policy?: string },
): Promise<void> {
  const root = await lstat(directory);
  const rights = options.readOnly ? 0o440 : 0o660;
  if (
    options.policy === 'OnRootMismatch' &&
    root.gid === gid &&
    (root.mode & 0o2000) !== 0 &&
    (root.mode & rights) === rights
  ) {
    return;
  }
  await applyBelow(directory, gid, rights);
}

async function applyBelow(path: string, gid: number, rights: number): Promise<void> {
  const found = await lstat(path);
  await lchown(path, found.uid, gid);
  if (found.isSymbolicLink()) return;
  if (!found.isDirectory()) {
    await chmod(path, (found.mode & 0o7777) | rights);
    return;
  }
  await chmod(path, (found.mode & 0o7777) | rights | 0o2110);
  for (const name of await readdir(path)) await applyBelow(join(path, name), gid, rights);
}
