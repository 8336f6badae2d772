import { type Revision, type StorageEvent, StorageOpenError } from './contract.ts';
import type { LogDirectory, LogFileReader } from './log-files.ts';
import {
  batchEnd,
  batchHeaderLength,
  batchLength,
  checkHeader,
  decodeBatch,
  type FileKind,
  headerLength,
  type LogRecord,
  nextBatch,
} from './log-format.ts';
import { RevisionIndex } from './revision-index.ts';

export interface Recovered {
  readonly index: RevisionIndex;
  /** When entries go by themselves, in milliseconds since the epoch, by key. */
  readonly expires: ReadonlyMap<string, number>;
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
const pieceBytes = 4 * 1024 * 1024;

/**
 * Reads what is in the directory, changing nothing. A batch that was being written when the power went is dropped: it
 * was never acknowledged. Any other damage rejects with `StorageOpenError` `corrupt`, naming file and offset.
 */
export async function recover(directory: LogDirectory): Promise<Recovered> {
  const names = [...(await directory.list())].sort();
  const snapshots = names.filter((name) => /^snapshot-\d{16}$/.test(name));
  const logs = names.filter((name) => /^log-\d{16}$/.test(name));
  const newest = snapshots.pop();
  const expires = new Map<string, number>();
  const { index, bytes } =
    newest === undefined ? { index: new RevisionIndex(), bytes: 0 } : await readSnapshot(directory, newest, expires);
  const segments: Segment[] = [];
  let compactTo: Revision = 0;
  for (const [at, name] of logs.entries()) {
    const visit = (record: LogRecord, offset: number) => {
      if (record.type === 'compact') compactTo = Math.max(compactTo, record.revision);
      if (record.type === 'event') applyEvent(index, record.event, expires, () => damaged(directory, name, offset));
    };
    const size = await readRecords(directory, name, 'KEELSONLOG', at === logs.length - 1, visit);
    segments.push({ name, after: Number(name.slice(4)), size });
  }
  if (compactTo > index.compactedRevision) index.compact(Math.min(compactTo, index.currentRevision));
  const temporary = names.filter((name) => name.endsWith(temporarySuffix));
  return { index, expires, segments, snapshotBytes: bytes, leftovers: [...snapshots, ...temporary] };
}

function applyEvent(
  index: RevisionIndex,
  event: StorageEvent,
  expires: Map<string, number>,
  gap: () => StorageOpenError,
): void {
  if (event.revision <= index.currentRevision) return;
  if (event.revision !== index.currentRevision + 1) throw gap();
  const previous = index.latest(event.key);
  index.apply(previous ? { ...event, previous } : event);
  if (event.expires !== undefined) expires.set(event.key, event.expires);
  else if (expires.size > 0) expires.delete(event.key);
}

async function readSnapshot(
  directory: LogDirectory,
  name: string,
  expires: Map<string, number>,
): Promise<{ readonly index: RevisionIndex; readonly bytes: number }> {
  const index = new RevisionIndex(Number(name.slice(9)));
  let count = 0;
  let expected: number | undefined;
  const bytes = await readRecords(directory, name, 'KEELSONSNP', false, (record) => {
    if (record.type === 'end') expected = record.count;
    if (record.type !== 'entry') return;
    count++;
    index.restore(record.entry);
    if (record.expires !== undefined) expires.set(record.entry.key, record.expires);
  });
  if (expected !== count) throw damaged(directory, name, bytes);
  return { index, bytes };
}

type Visit = (record: LogRecord, offset: number) => void;

/** Visits all sound records and returns where they end. A file is read in pieces, however large it is. */
async function readRecords(
  directory: LogDirectory,
  name: string,
  kind: FileKind,
  mayBeTorn: boolean,
  visit: Visit,
): Promise<number> {
  const reader = await directory.reader(name);
  try {
    const header = checkHeader(await reader.read(0, headerLength), kind);
    if (header === 'newer') {
      throw new StorageOpenError('version', `${directory.path}/${name} was written by a newer version of this program`);
    }
    if (header === 'incomplete' && mayBeTorn) return 0;
    if (header !== 'valid') throw damaged(directory, name, 0);
    const end = await readBatches(reader, headerLength, visit);
    if (end === reader.size) return end;
    const rest = await reader.read(end, reader.size - end);
    if (mayBeTorn && nextBatch(rest, 0) === undefined) return end;
    throw damaged(directory, name, end);
  } finally {
    await reader.close();
  }
}

/**
 * Visits the records of all batches from `start` to the first that is not sound, and returns where that begins.
 * `between` is called, and waited for, every few megabytes.
 */
export async function readBatches(
  reader: LogFileReader,
  start: number,
  visit: Visit,
  between?: () => Promise<void>,
): Promise<number> {
  let piece: Buffer = Buffer.alloc(0);
  let pieceAt = start;
  let at = 0;
  while (pieceAt + at < reader.size) {
    const known = batchLength(piece, at);
    if (at + batchHeaderLength > piece.length || (known !== undefined && at + known > piece.length)) {
      const wanted = Math.max(pieceBytes, known ?? 0);
      if (wanted > reader.size - pieceAt - at && piece.length === reader.size - pieceAt) return pieceAt + at;
      pieceAt += at;
      at = 0;
      await between?.();
      piece = await reader.read(pieceAt, wanted);
      if (known !== undefined && known > piece.length) return pieceAt;
      if (piece.length < batchHeaderLength) return pieceAt;
      continue;
    }
    const end = batchEnd(piece, at);
    if (end === undefined) return pieceAt + at;
    for (const record of decodeBatch(piece, at, end)) visit(record, pieceAt + at);
    at = end;
  }
  return pieceAt + at;
}

function damaged(directory: LogDirectory, name: string, offset: number): StorageOpenError {
  return new StorageOpenError(
    'corrupt',
    `${directory.path}/${name} is damaged at byte ${offset}: restore the directory from a backup; nothing was changed`,
  );
}
