import { encodeBatch, encodeHeader, type FileKind } from './log-format.ts';
import type { RevisionIndex } from './revision-index.ts';

/** Entries per batch: between two of them others get their turn. */
const batchEntries = 500;

/** What a snapshot is made of. Nobody writes to the index. */
export interface SnapshotState {
  readonly index: RevisionIndex;
  /** When an entry goes by itself, in milliseconds since the epoch. */
  expires(key: string): number | undefined;
}

/** Writes all entries as of `revision` (default: the compaction), and how many there were, so that a part is no whole. */
export async function writeState(
  append: (bytes: Uint8Array) => Promise<void>,
  kind: FileKind,
  { index, expires }: SnapshotState,
  signal: AbortSignal,
  revision = index.compactedRevision,
): Promise<number> {
  await append(encodeHeader(kind));
  let count = 0;
  let from = '';
  for (;;) {
    signal.throwIfAborted();
    const entries = index.piece(from, batchEntries, revision);
    const last = entries.at(-1);
    if (!last) break;
    await append(
      encodeBatch(
        entries.map((entry) => {
          const time = expires(entry.key);
          return time === undefined ? { type: 'entry', entry } : { type: 'entry', entry, expires: time };
        }),
      ),
    );
    count += entries.length;
    from = `${last.key}\0`;
  }
  await append(encodeBatch([{ type: 'end', revision, count }]));
  return count;
}
