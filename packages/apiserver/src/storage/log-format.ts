import { crc32 } from 'node:zlib';
import type { Revision, StorageEvent, StoredEntry } from './contract.ts';

/*
 * A file is a header and then batches. A header is 16 bytes: a name, and a format version. A batch is
 *
 *   magic u32 | length of payload u32 | CRC-32 of length and payload u32 | payload
 *
 * and its payload is records, one after the other:
 *
 *   type u8 | revision u64 | create revision u64 | length of key u32 | length of value u32 | key | value
 *
 * where in the types that expire the value begins with the time in milliseconds since the epoch, u64.
 *
 * All numbers are little-endian. One batch is what one fdatasync made durable; the next is written only afterwards, so a
 * damaged batch that is followed by a sound one had been acknowledged.
 */

export const headerLength = 16;
export const batchHeaderLength = 12;
const recordHeaderLength = 25;
const magic = 0x5441424b;
/** 2: entries that expire. */
const formatVersion = 2;

export type FileKind = 'KEELSONLOG' | 'KEELSONSNP' | 'KEELSONBAK';

export type LogRecord =
  | { readonly type: 'event'; readonly event: StorageEvent }
  | { readonly type: 'compact'; readonly revision: Revision }
  /** A live entry, in snapshots. */
  | { readonly type: 'entry'; readonly entry: StoredEntry; readonly expires?: number }
  /** Something that belongs to a backup besides the store: a file by its relative path. */
  | { readonly type: 'file'; readonly name: string; readonly content: Uint8Array }
  /** The end of a log that was closed in order, or of a snapshot with so many entries. */
  | { readonly type: 'end'; readonly revision: Revision; readonly count: number };

const codes = { put: 1, delete: 2, compact: 3, entry: 4, end: 5, expiringPut: 6, expiringEntry: 7, file: 8 } as const;
const timeLength = 8;

export function encodeHeader(kind: FileKind): Buffer {
  const header = Buffer.alloc(headerLength);
  header.write(kind, 0, 'latin1');
  header.writeUInt32LE(formatVersion, 12);
  return header;
}

export type HeaderState = 'valid' | 'incomplete' | 'foreign' | 'newer';

export function checkHeader(file: Buffer, kind: FileKind): HeaderState {
  if (file.length < headerLength) return 'incomplete';
  if (file.toString('latin1', 0, kind.length) !== kind)
    return file.every((byte) => byte === 0) ? 'incomplete' : 'foreign';
  const version = file.readUInt32LE(12);
  if (version === 0) return 'foreign';
  return version <= formatVersion ? 'valid' : 'newer';
}

interface Fields {
  readonly code: number;
  readonly revision: Revision;
  readonly createRevision: Revision;
  readonly key: string;
  readonly value: Uint8Array;
  readonly expires?: number | undefined;
}

const nothing = new Uint8Array();

function fieldsOf(record: LogRecord): Fields {
  switch (record.type) {
    case 'event': {
      const { event } = record;
      const { key, revision, entry, expires } = event;
      if (!entry) return { code: codes.delete, revision, createRevision: 0, key, value: nothing };
      const code = expires === undefined ? codes.put : codes.expiringPut;
      return { code, revision, createRevision: entry.createRevision, key, value: entry.value, expires };
    }
    case 'entry': {
      const { modRevision, createRevision, key, value } = record.entry;
      const { expires } = record;
      const code = expires === undefined ? codes.entry : codes.expiringEntry;
      return { code, revision: modRevision, createRevision, key, value, expires };
    }
    case 'file':
      return { code: codes.file, revision: 0, createRevision: 0, key: record.name, value: record.content };
    case 'compact':
      return { code: codes.compact, revision: record.revision, createRevision: 0, key: '', value: nothing };
    case 'end':
      return { code: codes.end, revision: record.revision, createRevision: record.count, key: '', value: nothing };
  }
}

/** One batch, ready to be written. */
export function encodeBatch(records: readonly LogRecord[]): Buffer {
  const fields = records.map(fieldsOf);
  let size = batchHeaderLength;
  for (const { key, value, expires } of fields) {
    size += recordHeaderLength + Buffer.byteLength(key) + value.length + (expires === undefined ? 0 : timeLength);
  }
  const batch = Buffer.allocUnsafe(size);
  let at = batchHeaderLength;
  for (const each of fields) at = encodeRecord(batch, at, each);
  batch.writeUInt32LE(magic, 0);
  batch.writeUInt32LE(size - batchHeaderLength, 4);
  batch.writeUInt32LE(checksum(batch, 0, size), 8);
  return batch;
}

function encodeRecord(batch: Buffer, start: number, fields: Fields): number {
  const { code, revision, createRevision, key, value, expires } = fields;
  const keyLength = batch.write(key, start + recordHeaderLength);
  batch[start] = code;
  writeRevision(batch, start + 1, revision);
  writeRevision(batch, start + 9, createRevision);
  batch.writeUInt32LE(keyLength, start + 17);
  batch.writeUInt32LE(value.length + (expires === undefined ? 0 : timeLength), start + 21);
  let at = start + recordHeaderLength + keyLength;
  if (expires !== undefined) {
    writeRevision(batch, at, expires);
    at += timeLength;
  }
  batch.set(value, at);
  return at + value.length;
}

function writeRevision(batch: Buffer, at: number, revision: Revision): void {
  batch.writeUInt32LE(revision % 2 ** 32, at);
  batch.writeUInt32LE(Math.floor(revision / 2 ** 32), at + 4);
}

const readRevision = (batch: Buffer, at: number) => batch.readUInt32LE(at) + batch.readUInt32LE(at + 4) * 2 ** 32;

function checksum(file: Buffer, start: number, end: number): number {
  return crc32(file.subarray(start + batchHeaderLength, end), crc32(file.subarray(start + 4, start + 8)));
}

/** How many bytes the batch that begins at `at` says that it has; undefined if that cannot be one. */
export function batchLength(file: Buffer, at: number): number | undefined {
  if (at + batchHeaderLength > file.length || file.readUInt32LE(at) !== magic) return undefined;
  return batchHeaderLength + file.readUInt32LE(at + 4);
}

/** Where the batch that begins at `at` ends; undefined if there is no sound one. */
export function batchEnd(file: Buffer, at: number): number | undefined {
  if (at + batchHeaderLength > file.length || file.readUInt32LE(at) !== magic) return undefined;
  const end = at + batchHeaderLength + file.readUInt32LE(at + 4);
  return end <= file.length && checksum(file, at, end) === file.readUInt32LE(at + 8) ? end : undefined;
}

/** Where the next sound batch begins after `at`, if there is any: a search, for damaged files only. */
export function nextBatch(file: Buffer, at: number): number | undefined {
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(magic);
  for (let found = file.indexOf(mark, at + 1); found >= 0; found = file.indexOf(mark, found + 1)) {
    if (batchEnd(file, found) !== undefined) return found;
  }
  return undefined;
}

/** The records of a sound batch. Values are copies, so that the file's buffer can go. */
export function decodeBatch(file: Buffer, start: number, end: number): LogRecord[] {
  const records: LogRecord[] = [];
  for (let at = start + batchHeaderLength; at < end; ) {
    const code = file[at] ?? 0;
    const keyAt = at + recordHeaderLength;
    let valueAt = keyAt + file.readUInt32LE(at + 17);
    const next = valueAt + file.readUInt32LE(at + 21);
    const key = file.toString('utf8', keyAt, valueAt);
    let expires: number | undefined;
    if (code === codes.expiringPut || code === codes.expiringEntry) {
      expires = readRevision(file, valueAt);
      valueAt += timeLength;
    }
    const value = Buffer.from(file.subarray(valueAt, next));
    records.push(toRecord(code, readRevision(file, at + 1), readRevision(file, at + 9), key, value, expires));
    at = next;
  }
  return records;
}

function toRecord(
  code: number,
  revision: Revision,
  createRevision: number,
  key: string,
  value: Uint8Array,
  expires: number | undefined,
): LogRecord {
  switch (code) {
    case codes.put:
    case codes.expiringPut: {
      const entry = { key, value, createRevision, modRevision: revision };
      return { type: 'event', event: { type: 'put', key, revision, entry, ...(expires !== undefined && { expires }) } };
    }
    case codes.delete:
      return { type: 'event', event: { type: 'delete', key, revision } };
    case codes.file:
      return { type: 'file', name: key, content: value };
    case codes.compact:
      return { type: 'compact', revision };
    case codes.entry:
    case codes.expiringEntry: {
      const entry = { key, value, createRevision, modRevision: revision };
      return { type: 'entry', entry, ...(expires !== undefined && { expires }) };
    }
    case codes.end:
      return { type: 'end', revision, count: createRevision };
    default:
      throw new RangeError(`unknown record type ${code}`);
  }
}
