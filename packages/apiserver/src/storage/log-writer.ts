import type { FrozenStore, Revision } from './contract.ts';
import type { LogDirectory, LogFile } from './log-files.ts';
import { encodeBatch, encodeHeader, headerLength, type LogRecord } from './log-format.ts';
import { type Segment, segmentName, snapshotName, temporarySuffix } from './log-recovery.ts';
import { writeState } from './snapshot-state.ts';

/**
 * The segments on disk: appends to the newest, begins a new one when it is full, and replaces old ones by a snapshot.
 * One call of `append` or `rotate` at a time.
 */
export class LogWriter {
  private readonly directory: LogDirectory;
  private readonly segmentBytes: number;
  private readonly sealed: Segment[];
  private file: LogFile;
  private name: string;
  private after: Revision;

  private constructor(directory: LogDirectory, segmentBytes: number, sealed: Segment[], file: LogFile, last: Segment) {
    this.directory = directory;
    this.segmentBytes = segmentBytes;
    this.sealed = sealed;
    this.file = file;
    this.name = last.name;
    this.after = last.after;
  }

  static async open(
    directory: LogDirectory,
    segments: readonly Segment[],
    revision: Revision,
    segmentBytes: number,
  ): Promise<LogWriter> {
    const sealed = [...segments];
    const last = sealed.pop() ?? { name: segmentName(revision), after: revision, size: 0 };
    const file = await openSegment(directory, last.name, last.size);
    return new LogWriter(directory, segmentBytes, sealed, file, last);
  }

  /** Bytes in all segments. */
  get bytes(): number {
    return this.sealed.reduce((sum, each) => sum + each.size, this.file.size);
  }

  /** Resolves when the records would survive a loss of power. */
  async append(records: readonly LogRecord[]): Promise<void> {
    await this.file.append(encodeBatch(records));
    await this.file.sync();
  }

  /** Begins a new segment if the newest is full. `revision` is the last one written. */
  async rotateIfFull(revision: Revision): Promise<void> {
    if (this.file.size < this.segmentBytes || revision === this.after) return;
    const name = segmentName(revision);
    const next = await openSegment(this.directory, name, 0);
    await this.file.close();
    this.sealed.push({ name: this.name, after: this.after, size: this.file.size });
    this.file = next;
    this.name = name;
    this.after = revision;
  }

  /**
   * Writes a state, then removes the segments that hold nothing later than it. Resolves to the snapshot's
   * size. May run while records are appended.
   */
  async snapshot(state: FrozenStore, signal: AbortSignal): Promise<number> {
    const { revision } = state;
    const name = snapshotName(revision);
    const file = await this.directory.open(name + temporarySuffix, 0);
    let whole = false;
    try {
      await writeState((bytes) => file.append(bytes), 'KEELSONSNP', state, signal);
      await file.sync();
      whole = true;
    } finally {
      await file.close();
      // Given up, by an error or because the store closes: a part of a snapshot is of no use to anybody.
      if (!whole) await this.directory.remove(name + temporarySuffix);
    }
    await this.directory.rename(name + temporarySuffix, name);
    await this.directory.sync();
    await this.removeSuperseded(revision, name);
    return file.size;
  }

  private async removeSuperseded(revision: Revision, snapshot: string): Promise<void> {
    for (const name of await this.directory.list()) {
      if (/^snapshot-\d{16}$/.test(name) && name < snapshot) await this.directory.remove(name);
    }
    for (;;) {
      const oldest = this.sealed[0];
      const next = this.sealed[1]?.after ?? this.after;
      if (!oldest || next > revision) break;
      await this.directory.remove(oldest.name);
      this.sealed.shift();
    }
    await this.directory.sync();
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

async function openSegment(directory: LogDirectory, name: string, size: number): Promise<LogFile> {
  const file = await directory.open(name, size < headerLength ? 0 : size);
  if (size < headerLength) {
    await file.append(encodeHeader('KEELSONLOG'));
    await file.sync();
    await directory.sync();
  }
  return file;
}
