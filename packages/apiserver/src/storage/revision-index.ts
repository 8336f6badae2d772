import {
  CompactedError,
  FutureRevisionError,
  type ListOptions,
  type ListResult,
  type Revision,
  type StorageEvent,
  type StoredEntry,
} from './contract.ts';
import { SortedMap } from './sorted-map.ts';

/** One state of one key; older states hang on it. Never changed, so that forks can share it. */
interface Version {
  readonly revision: Revision;
  /** Undefined: deleted at this revision. */
  readonly entry: StoredEntry | undefined;
  readonly older: Version | undefined;
}

/**
 * All that a store remembers, in memory: the present, and the past back to the compaction. It knows of no disk and no
 * time. Every change has its own revision without gaps, so a change is found by counting.
 */
export class RevisionIndex {
  private keys = new SortedMap<Version>();
  private events: StorageEvent[] = [];
  /** How many of `events` at its beginning are already forgotten. */
  private forgotten = 0;
  private compacted: Revision;
  private bytes = 0;

  /** @param compacted the revision at which history begins */
  constructor(compacted: Revision = 0) {
    this.compacted = compacted;
  }

  get currentRevision(): Revision {
    return this.compacted + this.events.length - this.forgotten;
  }

  get compactedRevision(): Revision {
    return this.compacted;
  }

  /** Bytes of all values in the history since the compaction. */
  get historyBytes(): number {
    return this.bytes;
  }

  /** Puts an entry of a snapshot in place: it is part of the state at the compaction. */
  restore(entry: StoredEntry): void {
    this.keys.set(entry.key, { revision: entry.modRevision, entry, older: undefined });
  }

  /** Makes a change visible. Its revision must be the next one. */
  apply(event: StorageEvent): void {
    if (event.revision !== this.currentRevision + 1) {
      throw new Error(`revision ${event.revision} does not follow ${this.currentRevision}`);
    }
    const older = this.keys.get(event.key);
    this.keys.set(event.key, { revision: event.revision, entry: event.entry, older });
    this.events.push(event);
    this.bytes += sizeOf(event);
  }

  latest(key: string): StoredEntry | undefined {
    return this.keys.get(key)?.entry;
  }

  get(key: string, revision?: Revision): { entry: StoredEntry | undefined; revision: Revision } {
    const at = this.checked(revision);
    return { entry: versionAt(this.keys.get(key), at)?.entry, revision: this.currentRevision };
  }

  list(prefix: string, { revision, limit, after }: ListOptions = {}): ListResult {
    const at = this.checked(revision);
    const entries: StoredEntry[] = [];
    let remaining = 0;
    this.keys.scan(prefix, after !== undefined && after > prefix ? after : prefix, (key, version) => {
      if (after !== undefined && key === after) return true;
      const entry = versionAt(version, at)?.entry;
      if (!entry) return true;
      if (limit === undefined || entries.length < limit) entries.push(entry);
      else remaining++;
      return true;
    });
    return { entries, revision: at, remaining };
  }

  count(prefix: string): number {
    let count = 0;
    this.keys.scan(prefix, prefix, (_, version) => {
      if (version.entry) count++;
      return true;
    });
    return count;
  }

  /** Up to `limit` changes after `from`. The caller has seen to it that they are not compacted. */
  eventsAfter(from: Revision, limit: number): readonly StorageEvent[] {
    const start = this.forgotten + from - this.compacted;
    return this.events.slice(start, start + limit);
  }

  /** Forgets what was overwritten or deleted at or before `revision`. Below the last compaction it does nothing. */
  compact(revision: Revision): void {
    if (revision > this.currentRevision) throw new FutureRevisionError(revision, this.currentRevision);
    if (revision <= this.compacted) return;
    const end = this.forgotten + revision - this.compacted;
    const touched = new Set<string>();
    for (let at = this.forgotten; at < end; at++) {
      const event = this.events[at]!;
      this.bytes -= sizeOf(event);
      touched.add(event.key);
    }
    for (const key of touched) this.trim(key, revision);
    this.forgotten = end;
    this.compacted = revision;
    if (this.forgotten > 1024 && this.forgotten * 2 > this.events.length) {
      this.events = this.events.slice(this.forgotten);
      this.forgotten = 0;
    }
  }

  /** The state as of the compaction: with the changes after it, all that must be kept. */
  compactedState(): readonly StoredEntry[] {
    return this.list('', { revision: this.compacted }).entries;
  }

  /** An index of its own with the same content. */
  fork(): RevisionIndex {
    const copy = new RevisionIndex(this.compacted);
    copy.keys = this.keys.fork();
    copy.events = this.events.slice(this.forgotten);
    copy.bytes = this.bytes;
    return copy;
  }

  private trim(key: string, revision: Revision): void {
    const newest = this.keys.get(key);
    const trimmed = trimmedVersion(newest, revision);
    if (trimmed === newest) return;
    if (trimmed) this.keys.set(key, trimmed);
    else this.keys.delete(key);
  }

  private checked(revision: Revision | undefined): Revision {
    if (revision === undefined) return this.currentRevision;
    if (revision < this.compacted) throw new CompactedError(revision, this.compacted);
    if (revision > this.currentRevision) throw new FutureRevisionError(revision, this.currentRevision);
    return revision;
  }
}

function versionAt(version: Version | undefined, revision: Revision): Version | undefined {
  while (version && version.revision > revision) version = version.older;
  return version;
}

/** The chain without what nobody may read once `revision` is the oldest; itself if there is nothing to cut. */
function trimmedVersion(newest: Version | undefined, revision: Revision): Version | undefined {
  const kept: Version[] = [];
  let version = newest;
  for (; version && version.revision > revision; version = version.older) kept.push(version);
  if (version && !version.older && version.entry) return newest;
  if (!version) return newest;
  let chain: Version | undefined = version.entry ? { ...version, older: undefined } : undefined;
  for (const each of kept.reverse()) chain = { ...each, older: chain };
  return chain;
}

function sizeOf(event: StorageEvent): number {
  return event.key.length + (event.entry?.value.length ?? 0);
}
