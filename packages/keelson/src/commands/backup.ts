import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type BackupSummary,
  filesBelow,
  openLogStorage,
  readBackup,
  StorageOpenError,
  writeAtomically,
  writeBackup,
} from '@keelson/apiserver';
import { systemClock } from '@keelson/core';
import { askForBackup } from '../control-socket.ts';
import { readInstance } from '../instance.ts';
import { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';
import { type ConfigFlags, resolveConfig } from './cluster-options.ts';

export interface BackupFlags extends ConfigFlags {
  readonly force?: boolean;
}

/** `keelson backup FILE`: everything that a cluster is, at one moment, in one file; it may run on meanwhile. */
export async function backup(file: string, flags: BackupFlags): Promise<void> {
  const { config, dataDir } = resolveConfig(flags);
  const path = resolve(file);
  if (typeof config.store === 'object') {
    throw new UserError(
      'this cluster is kept in etcd: back it up with `etcdctl snapshot save`, and restore it with `etcdutl snapshot restore`',
    );
  }
  if (existsSync(path) && !flags.force) throw new UserError(`${path} exists; --force replaces it`);
  const progress = new Progress(process.stderr);
  const running = readInstance(dataDir)?.alive ?? false;
  progress.step(running ? `reading from the running cluster on ${dataDir}` : `reading ${dataDir}`);
  const summary = await userErrors(() =>
    writeAtomically(path, (append) => (running ? askForBackup(dataDir, append) : fromDisk(dataDir, append))).then(() =>
      readBackup(path),
    ),
  );
  progress.done(`${path}: ${describe(summary)}`);
}

async function fromDisk(dataDir: string, append: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const dir = join(dataDir, 'storage');
  if (!existsSync(dir)) throw new UserError(`there is no cluster in ${dataDir}`);
  const storage = await openLogStorage({ dir, clock: systemClock, history: { age: 0 } });
  try {
    const files = await filesBelow(dataDir, 'pki');
    await writeBackup(append, storage.freeze(), files, new AbortController().signal);
  } finally {
    await storage.close();
  }
}

export function describe({ entries, bytes, revision }: BackupSummary): string {
  const size = bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  return `${entries} objects, ${size}, as of revision ${revision}`;
}

/** What users can mend is told in one line. */
export async function userErrors<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof StorageOpenError) throw new UserError(error.message);
    if (error instanceof Error && 'code' in error && 'syscall' in error) throw new UserError(error.message);
    throw error;
  }
}
