import type { FrozenStore } from './contract.ts';
import { encodeBatch, encodeHeader, type FileKind, type LogRecord } from './log-format.ts';

/** Entries per batch: between two of them others get their turn. */
const batchEntries = 500;

/**
 * Writes `first`, then all entries, and at the end how many there were: a part is no whole. Resolves to that number.
 * `append` resolves when more may be written.
 */
export async function writeState(
  append: (bytes: Uint8Array) => Promise<void>,
  kind: FileKind,
  state: FrozenStore,
  signal: AbortSignal,
  first: readonly LogRecord[] = [],
): Promise<number> {
  await append(encodeHeader(kind));
  for (const each of first) await append(encodeBatch([each]));
  let count = 0;
  for (let from = ''; ; ) {
    signal.throwIfAborted();
    const entries = state.piece(from, batchEntries);
    const last = entries.at(-1);
    if (!last) break;
    await append(
      encodeBatch(
        entries.map((entry) => {
          const expires = state.expires(entry.key);
          return expires === undefined ? { type: 'entry', entry } : { type: 'entry', entry, expires };
        }),
      ),
    );
    count += entries.length;
    from = `${last.key}\0`;
  }
  await append(encodeBatch([{ type: 'end', revision: state.revision, count }]));
  return count;
}
