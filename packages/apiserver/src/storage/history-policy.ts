import type { Clock } from '@keelson/core/machinery';
import type { Revision } from './contract.ts';
import type { RevisionIndex } from './revision-index.ts';

/** How much of the past a store keeps. Whichever limit is reached first decides. */
export interface HistoryOptions {
  /** Milliseconds; default five minutes, as Kubernetes asks of etcd. 0: whatever its age. */
  readonly age?: number;
  /** Changes; default 100,000. */
  readonly revisions?: number;
  /** Bytes of values; default 256 MiB. */
  readonly bytes?: number;
}

const defaults = { age: 5 * 60_000, revisions: 100_000, bytes: 256 * 1024 * 1024 };
/** Ticks in the time that history is kept. */
const ticks = 5;

/** The revision to compact to now so that the limits of number and size hold; undefined while they do. */
export function compactionForSize(index: RevisionIndex, options: HistoryOptions): Revision | undefined {
  const { revisions, bytes } = { ...defaults, ...options };
  const kept = index.historyLength;
  // Only when a tenth too many are there: compacting at every write would be waste.
  const tooMany = kept > revisions * 1.1;
  const tooLarge = index.historyBytes > bytes && kept > 1000;
  if (!tooMany && !tooLarge) return undefined;
  return index.revisionBefore(Math.min(revisions, tooLarge ? Math.floor(kept / 2) : kept));
}

/** Calls `compact` regularly with the revision that is now older than `age`. Returns how to stop. */
export function compactByAge(
  clock: Clock,
  options: HistoryOptions,
  currentRevision: () => Revision,
  compact: (revision: Revision) => void,
): () => void {
  const age = options.age ?? defaults.age;
  if (age === 0) return () => undefined;
  const past: Revision[] = [];
  let cancel: () => void;
  const tick = () => {
    past.push(currentRevision());
    if (past.length > ticks) {
      const revision = past.shift();
      if (revision !== undefined && revision > 0) compact(revision);
    }
    cancel = clock.after(age / ticks, tick);
  };
  cancel = clock.after(age / ticks, tick);
  return () => cancel();
}
