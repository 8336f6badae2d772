import { type Revision, type StorageEvent, StorageOpenError, type StoredEntry } from './contract.ts';
import type { LogDirectory } from './log-files.ts';
import { batchEnd, checkHeader, decodeBatch, type FileKind, headerLength, nextBatch } from './log-format.ts';
import { RevisionIndex } from './revision-index.ts';

export interface Recovered {
  readonly index: RevisionIndex;
  /** The log segments, oldest first. */
  readonly segments: readonly Segment[];
  /** Bytes of the newest snapshot, 0 if there is none. */
  readonly snapshotBytes: number;
  /** Left from interrupted work, or superseded: may be removed. */
  readonly leftovers: readonly string[];
}

export interface Segment {
  readonly name: string;
  /** Every event in it has a higher revision. */
  readonly after: Revision;
  /** Up to here its content is sound. */
  readonly size: number;
}

const digits = 16;
export const segmentName = (after: Revision) => `log-${String(after).padStart(digits, '0')}`;
export const snapshotName = (revision: Revision) => `snapshot-${String(revision).padStart(digits, '0')}`;
export const temporarySuffix = '.tmp';

/**
 * Reads what is in the directory, changing nothing. A batch that was being written when the power went is dropped: it
 * was never acknowledged. Any other damage rejects with `StorageOpenError` `corrupt`, naming file and offset.
 */
export async function recover(directory: LogDirectory): Promise<Recovered> {
  const names = [...(await directory.list())].sort();
  const snapshots = names.filter((name) => /^snapshot-\d{16}$/.test(name));
  const logs = names.filter((name) => /^log-\d{16}$/.test(name));
  const newest = snapshots.pop();
  const snapshot = newest === undefined ? undefined : await directory.read(newest);
  const index = snapshot && newest !== undefined ? readSnapshot(directory, newest, snapshot) : new RevisionIndex();
  const segments: Segment[] = [];
  let compactTo: Revision = 0;
  for (const [at, name] of logs.entries()) {
    const file = await directory.read(name);
    const size = readFile(directory, name, file, 'KEELSONLOG', at === logs.length - 1, (record, offset) => {
      if (record.type === 'compact') compactTo = Math.max(compactTo, record.revision);
      if (record.type === 'event') applyEvent(index, record.event, () => damaged(directory, name, offset));
    });
    segments.push({ name, after: Number(name.slice(4)), size });
  }
  if (compactTo > index.compactedRevision) index.compact(Math.min(compactTo, index.currentRevision));
  const temporary = names.filter((name) => name.endsWith(temporarySuffix));
  return { index, segments, snapshotBytes: snapshot?.length ?? 0, leftovers: [...snapshots, ...temporary] };
}

function applyEvent(index: RevisionIndex, event: StorageEvent, gap: () => StorageOpenError): void {
  if (event.revision <= index.currentRevision) return;
  if (event.revision !== index.currentRevision + 1) throw gap();
  const previous = index.latest(event.key);
  index.apply({ ...event, ...(previous && { previous }) });
}

function readSnapshot(directory: LogDirectory, name: string, file: Buffer): RevisionIndex {
  const index = new RevisionIndex(Number(name.slice(9)));
  const entries: StoredEntry[] = [];
  let expected: number | undefined;
  const size = readFile(directory, name, file, 'KEELSONSNP', false, (record) => {
    if (record.type === 'entry') entries.push(record.entry);
    if (record.type === 'end') expected = record.count;
  });
  if (expected !== entries.length) throw damaged(directory, name, size);
  for (const each of entries) index.restore(each);
  return index;
}

type Visit = (record: ReturnType<typeof decodeBatch>[number], offset: number) => void;

/** Visits all sound records and returns where they end. */
function readFile(
  directory: LogDirectory,
  name: string,
  file: Buffer,
  kind: FileKind,
  mayBeTorn: boolean,
  visit: Visit,
): number {
  const header = checkHeader(file, kind);
  if (header === 'newer') {
    throw new StorageOpenError('version', `${directory.path}/${name} was written by a newer version of this program`);
  }
  if (header === 'incomplete' && mayBeTorn) return 0;
  if (header !== 'valid') throw damaged(directory, name, 0);
  let at = headerLength;
  while (at < file.length) {
    const end = batchEnd(file, at);
    if (end === undefined) {
      if (mayBeTorn && nextBatch(file, at) === undefined) return at;
      throw damaged(directory, name, at);
    }
    for (const record of decodeBatch(file, at, end)) visit(record, at);
    at = end;
  }
  return at;
}

function damaged(directory: LogDirectory, name: string, offset: number): StorageOpenError {
  return new StorageOpenError(
    'corrupt',
    `${directory.path}/${name} is damaged at byte ${offset}: restore the directory from a backup; nothing was changed`,
  );
}
