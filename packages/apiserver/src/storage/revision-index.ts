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

/** A state of a key that is deleted, or that has older states which may still be read. Never changed: forks share it. */
class Version {
  readonly revision: Revision;
  /** Undefined: deleted at this revision. */
  readonly entry: StoredEntry | undefined;
  readonly older: State | undefined;

  constructor(revision: Revision, entry: StoredEntry | undefined, older: State | undefined) {
    this.revision = revision;
    this.entry = entry;
    this.older = older;
  }
}

/** Most keys have one state and no history: their entry stands for itself, which saves a third of the memory. */
type State = Version | StoredEntry;

const revisionOf = (state: State) => (state instanceof Version ? state.revision : state.modRevision);
const entryOf = (state: State | undefined) => (state instanceof Version ? state.entry : state);
const olderOf = (state: State) => (state instanceof Version ? state.older : undefined);
const isLive = (state: State) => entryOf(state) !== undefined;

/** All that a store remembers, in memory: the present, and the past back to the compaction. It knows of no disk and no time. */
export class RevisionIndex {
  private keys = new SortedMap<State>(isLive);
  private events: StorageEvent[] = [];
  /** How many of `events` at its beginning are already forgotten. */
  private forgotten = 0;
  private compacted: Revision;
  private current: Revision;
  private bytes = 0;

  /** @param compacted the revision at which history begins */
  constructor(compacted: Revision = 0) {
    this.compacted = compacted;
    this.current = compacted;
  }

  get currentRevision(): Revision {
    return this.current;
  }

  get compactedRevision(): Revision {
    return this.compacted;
  }

  /** Changes in the history since the compaction. */
  get historyLength(): number {
    return this.events.length - this.forgotten;
  }

  /** Bytes of all values in the history since the compaction. */
  get historyBytes(): number {
    return this.bytes;
  }

  /** Puts an entry of a snapshot in place: it is part of the state at the compaction. */
  restore(entry: StoredEntry): void {
    this.keys.set(entry.key, entry);
  }

  /** Makes a change visible. Its revision is a later one than all before, or that of a change in the same transaction. */
  apply(event: StorageEvent): void {
    if (event.revision < this.current || event.revision <= this.compacted) {
      throw new Error(`revision ${event.revision} does not follow ${this.current}`);
    }
    const older = this.keys.get(event.key);
    const first = older === undefined && event.entry !== undefined;
    this.keys.set(event.key, first ? event.entry : new Version(event.revision, event.entry, older));
    this.events.push(event);
    this.current = event.revision;
    this.bytes += sizeOf(event);
  }

  /** Nothing that belongs here has changed up to `revision`. */
  advance(revision: Revision): void {
    if (revision > this.current) this.current = revision;
  }

  latest(key: string): StoredEntry | undefined {
    return entryOf(this.keys.get(key));
  }

  get(key: string, revision?: Revision): { entry: StoredEntry | undefined; revision: Revision } {
    const at = this.checked(revision);
    return { entry: entryAt(this.keys.get(key), at), revision: this.current };
  }

  list(prefix: string, { revision, limit, from }: ListOptions = {}): ListResult {
    const at = this.checked(revision);
    const entries: StoredEntry[] = [];
    const next = this.scan(prefix, from, at, (entry) => entries.length !== limit && entries.push(entry) > 0);
    return { entries, revision: at, remaining: next === undefined ? 0 : this.countAt(prefix, next, at) };
  }

  /** Up to `limit` entries from `from` on, as of a revision that is not compacted: a list without the counting. */
  piece(from: string, limit: number, revision: Revision): readonly StoredEntry[] {
    const entries: StoredEntry[] = [];
    this.scan('', from, revision, (entry) => entries.push(entry) < limit);
    return entries;
  }

  /** Visits entries as of a revision until `visit` returns false; returns the key at which it did. */
  private scan(
    prefix: string,
    from: string | undefined,
    at: Revision,
    visit: (entry: StoredEntry) => boolean,
  ): string | undefined {
    let stopped: string | undefined;
    const newest = at >= this.current;
    this.keys.scan(prefix, from !== undefined && from > prefix ? from : prefix, (key, state) => {
      const entry = newest ? entryOf(state) : entryAt(state, at);
      if (!entry || visit(entry)) return true;
      stopped = key;
      return false;
    });
    return stopped;
  }

  count(prefix: string): number {
    return this.keys.countFrom(prefix, prefix);
  }

  /** At least the next change after `from`, whole revisions, about `limit`. The caller has seen to it that they are not compacted. */
  eventsAfter(from: Revision, limit: number): readonly StorageEvent[] {
    const start = this.positionAfter(from);
    let end = Math.min(start + limit, this.events.length);
    while (end > start && end < this.events.length && this.events[end]!.revision === this.events[end - 1]!.revision)
      end++;
    return this.events.slice(start, end);
  }

  /** How many changes there are after `from`. */
  countAfter(from: Revision): number {
    return this.events.length - this.positionAfter(from);
  }

  /** The revision after which there are `count` changes, or where history begins. */
  revisionBefore(count: number): Revision {
    const at = this.events.length - count - 1;
    return at < this.forgotten ? this.compacted : this.events[at]!.revision;
  }

  /** Forgets what was overwritten or deleted at or before `revision`. Below the last compaction it does nothing. */
  compact(revision: Revision): void {
    if (revision > this.current) throw new FutureRevisionError(revision, this.current);
    if (revision <= this.compacted) return;
    const end = this.positionAfter(revision);
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

  /** An index of its own with the same content. */
  fork(): RevisionIndex {
    const copy = new RevisionIndex(this.compacted);
    copy.keys = this.keys.fork();
    copy.events = this.events.slice(this.forgotten);
    copy.current = this.current;
    copy.bytes = this.bytes;
    return copy;
  }

  /** Live entries from `start` on as of a revision: those of now, less what came and more what went since. */
  private countAt(prefix: string, start: string, at: Revision): number {
    let count = this.keys.countFrom(prefix, start);
    for (let position = this.positionAfter(at); position < this.events.length; position++) {
      const { key, entry, previous } = this.events[position]!;
      if (!key.startsWith(prefix) || this.keys.compareKeys(key, start) < 0) continue;
      if (entry && !previous) count--;
      else if (!entry && previous) count++;
    }
    return count;
  }

  /** The position of the first event after a revision. */
  private positionAfter(revision: Revision): number {
    if (revision >= this.current) return this.events.length;
    let low = this.forgotten;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private trim(key: string, revision: Revision): void {
    const newest = this.keys.get(key);
    if (newest === undefined) return;
    const trimmed = trimmedState(newest, revision);
    if (trimmed === newest) return;
    if (trimmed) this.keys.set(key, trimmed);
    else this.keys.delete(key);
  }

  private checked(revision: Revision | undefined): Revision {
    if (revision === undefined) return this.current;
    if (revision < this.compacted) throw new CompactedError(revision, this.compacted);
    if (revision > this.current) throw new FutureRevisionError(revision, this.current);
    return revision;
  }
}

function entryAt(state: State | undefined, revision: Revision): StoredEntry | undefined {
  while (state && revisionOf(state) > revision) state = olderOf(state);
  return entryOf(state);
}

/** The chain without what nobody may read once `revision` is the oldest; itself if there is nothing to cut. */
function trimmedState(newest: State, revision: Revision): State | undefined {
  const kept: State[] = [];
  let state: State | undefined = newest;
  for (; state && revisionOf(state) > revision; state = olderOf(state)) kept.push(state);
  if (!state || (olderOf(state) === undefined && !(state instanceof Version))) return newest;
  let chain: State | undefined = entryOf(state);
  for (const each of kept.reverse()) {
    const entry = entryOf(each);
    chain = chain === undefined && entry ? entry : new Version(revisionOf(each), entry, chain);
  }
  return chain;
}

function sizeOf(event: StorageEvent): number {
  return event.key.length + (event.entry?.value.length ?? 0);
}
