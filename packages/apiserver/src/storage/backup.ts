import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FrozenStore, type Revision, StorageOpenError } from './contract.ts';
import { fileSystemDirectory, openReader } from './log-files.ts';
import { checkHeader, encodeBatch, encodeHeader, headerLength, type LogRecord } from './log-format.ts';
import { readBatches, snapshotName } from './log-recovery.ts';
import { writeState } from './snapshot-state.ts';

/** A file that belongs to the cluster besides its objects, such as a certificate. */
export interface BackupFile {
  /** Relative to the data directory, with slashes. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** What a backup holds. */
export interface BackupSummary {
  readonly revision: Revision;
  readonly entries: number;
  readonly bytes: number;
}

/** Writes a backup; `append` resolves when more may be written. Resolves to the number of entries. */
export function writeBackup(
  append: (bytes: Uint8Array) => Promise<void>,
  state: FrozenStore,
  files: readonly BackupFile[],
  signal: AbortSignal,
): Promise<number> {
  const records = files.map((each): LogRecord => ({ type: 'file', ...each }));
  return writeState(append, 'KEELSONBAK', state, signal, records);
}

/** Reads a whole backup. Rejects with `StorageOpenError` if it is none, damaged, incomplete or newer than this program. */
export async function readBackup(
  path: string,
  visit: (record: LogRecord, share: number) => void = () => undefined,
): Promise<BackupSummary> {
  const reader = await openReader(path);
  const corrupt = (why: string) => new StorageOpenError('corrupt', `${path} ${why}; nothing was changed`);
  try {
    const header = checkHeader(await reader.read(0, headerLength), 'KEELSONBAK');
    if (header === 'newer') {
      throw new StorageOpenError('version', `${path} was written by a newer version of this program: use that one`);
    }
    if (header !== 'valid') throw corrupt('is no backup of a Keelson cluster, or its beginning is damaged');
    let entries = 0;
    let end: Extract<LogRecord, { type: 'end' }> | undefined;
    const read = await readBatches(reader, headerLength, (record, offset) => {
      if (end) throw corrupt(`goes on after its end, at byte ${offset}`);
      if (record.type === 'entry') entries++;
      if (record.type === 'end') end = record;
      visit(record, offset / reader.size);
    });
    if (read < reader.size) throw corrupt(`is damaged at byte ${read}`);
    if (!end) throw corrupt('is incomplete: its end is missing');
    if (end.count !== entries) throw corrupt(`is incomplete: it has ${entries} of ${end.count} objects`);
    return { revision: end.revision, entries, bytes: reader.size };
  } finally {
    await reader.close();
  }
}

/**
 * Revisions go on so much later: whoever has seen what was written after the backup is told to begin anew, instead of
 * being shown other changes under the same numbers.
 */
const revisionGap = 1_000_000_000;

/**
 * Makes a data directory of a backup: its files, and a store that continues it. `dir` must not hold a store. Rejects as
 * `readBackup` does, before anything is written.
 */
export async function restoreBackup(
  path: string,
  dir: string,
  progress: (step: 'check' | 'write', share: number) => void = () => undefined,
): Promise<BackupSummary> {
  const summary = await readBackup(path, (_, share) => progress('check', share));
  const revision = summary.revision + revisionGap;
  const store = join(dir, 'storage');
  const parts = `${store}.restoring`;
  await rm(parts, { recursive: true, force: true });
  await mkdir(parts, { recursive: true, mode: 0o700 });
  const target = fileSystemDirectory(parts);
  const file = await target.open(snapshotName(revision), 0);
  const files: BackupFile[] = [];
  let waiting: LogRecord[] = [];
  const pieces: Buffer[] = [encodeHeader('KEELSONSNP')];
  const drain = async () => {
    for (const each of pieces.splice(0)) await file.append(each);
  };
  try {
    const reader = await openReader(path);
    try {
      // Records come as fast as they are read; what they become is written between two pieces of the file.
      await readBatches(
        reader,
        headerLength,
        (record, offset) => {
          if (record.type === 'file') files.push(record);
          if (record.type === 'entry') waiting.push(record);
          if (waiting.length < 500) return;
          pieces.push(encodeBatch(waiting));
          waiting = [];
          progress('write', offset / reader.size);
        },
        drain,
      );
    } finally {
      await reader.close();
    }
    if (waiting.length > 0) pieces.push(encodeBatch(waiting));
    pieces.push(encodeBatch([{ type: 'end', revision, count: summary.entries }]));
    await drain();
    await file.sync();
  } finally {
    await file.close();
  }
  await target.sync();
  for (const each of files) await writeFileIn(dir, each);
  await rename(parts, store);
  await fileSystemDirectory(dir).sync();
  return summary;
}

async function writeFileIn(dir: string, { name, content }: BackupFile): Promise<void> {
  if (name.split('/').some((part) => part === '' || part === '..')) throw new Error(`${name} is no path in a backup`);
  const path = join(dir, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const handle = await open(path, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file whole or not at all, for its owner alone. `write` appends to it. */
export async function writeAtomically<T>(
  path: string,
  write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.part`;
  const handle = await open(temporary, 'w', 0o600);
  let result: T;
  try {
    await chmod(temporary, 0o600);
    result = await write((bytes) => handle.writeFile(bytes));
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  await rename(temporary, path);
  await fileSystemDirectory(dirname(path)).sync();
  return result;
}

/** The files below one folder of a data directory, for a backup; none if it is not there. */
export async function filesBelow(dir: string, folder: string): Promise<readonly BackupFile[]> {
  const entries = await readdir(join(dir, folder), { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const files: BackupFile[] = [];
  for (const each of entries) {
    if (!each.isFile()) continue;
    const reader = await openReader(join(dir, folder, each.name));
    try {
      files.push({ name: `${folder}/${each.name}`, content: await reader.read(0, reader.size) });
    } finally {
      await reader.close();
    }
  }
  return files;
}
