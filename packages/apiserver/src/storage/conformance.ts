import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commands, emptyModel } from './conformance-model.ts';
import {
  CompactedError,
  FencedError,
  FutureRevisionError,
  KeyExistsError,
  RevisionMismatchError,
  type Storage,
  type StorageEvent,
} from './contract.ts';

/** One empty store to be tested. */
export interface StorageSubject {
  readonly storage: Storage;
  /** Closes the store and opens it again on the same data. Absent: it keeps nothing. */
  reopen?(): Promise<Storage>;
  dispose(): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);

/** What every implementation of `Storage` must do. `open` gives an empty store each time. */
export function storageConformance(name: string, open: () => Promise<StorageSubject>): void {
  describe(`${name} is a storage`, () => {
    let subject: StorageSubject;
    let storage: Storage;
    /** The revision of the empty store: 0, or where one that was used before had come to. */
    let base: number;
    beforeEach(async () => {
      subject = await open();
      storage = subject.storage;
      base = storage.currentRevision();
    });
    afterEach(() => subject.dispose());

    /** The changes after `from` until the present one. */
    async function changes(prefix: string, from: number): Promise<StorageEvent[]> {
      const { revision } = await storage.list('', { limit: 0 });
      return (await collect(storage, prefix, from, revision)).filter((each) => each.key.startsWith(prefix));
    }

    it('agrees with a simple model over random operations', async () => {
      await fc.assert(
        fc.asyncProperty(commands(subject.reopen !== undefined), async (run) => {
          const own = await open();
          try {
            const model = emptyModel(own.storage.currentRevision());
            await fc.asyncModelRun(() => ({ model, real: { ...own, storage: own.storage } }), run);
          } finally {
            await own.dispose();
          }
        }),
        { numRuns: 60 },
      );
    });

    it('begins empty', async () => {
      expect(await storage.list('')).toEqual({ entries: [], revision: base, remaining: 0 });
      expect(await storage.get('/a')).toEqual({ entry: undefined, revision: base });
      await storage.healthy();
    });

    it('creates once', async () => {
      const entry = await storage.create('/a', bytes('1'));
      expect(entry).toMatchObject({ key: '/a', createRevision: base + 1, modRevision: base + 1 });
      await expect(storage.create('/a', bytes('2'))).rejects.toThrow(KeyExistsError);
      expect(text((await storage.get('/a')).entry?.value)).toBe('1');
    });

    it('updates and deletes only what is as expected, and tells what it is', async () => {
      await expect(storage.update('/a', bytes('1'), base + 1)).rejects.toMatchObject({ current: undefined });
      const created = await storage.create('/a', bytes('1'));
      const updated = await storage.update('/a', bytes('2'), created.modRevision);
      expect(updated).toMatchObject({ createRevision: base + 1, modRevision: base + 2 });
      const stale = storage.update('/a', bytes('3'), created.modRevision);
      await expect(stale).rejects.toThrow(RevisionMismatchError);
      await expect(stale).rejects.toMatchObject({ current: { modRevision: base + 2 } });
      await expect(storage.delete('/a', base + 1)).rejects.toThrow(RevisionMismatchError);
      expect(await storage.delete('/a', base + 2)).toMatchObject({
        revision: base + 3,
        previous: { modRevision: base + 2 },
      });
      expect((await storage.create('/a', bytes('4'))).createRevision).toBe(base + 4);
    });

    it('writes only while what the write depends on stands', async () => {
      const first = await storage.create('/fence/1', bytes('1'));
      const second = await storage.create('/fence/2', bytes('1'));
      const fences = [first, second].map(({ key, modRevision }) => ({ key, revision: modRevision }));
      const created = await storage.create('/a', bytes('1'), { fences });
      const updated = await storage.update('/a', bytes('2'), created.modRevision, { fences });
      const moving = storage.update('/fence/2', bytes('1'), second.modRevision);
      // At the same time: decided in one order or the other.
      const late = [
        moving,
        storage.create('/b', bytes('1'), { fences }),
        storage.update('/a', bytes('3'), updated.modRevision, { fences }),
      ];
      for (const each of await Promise.allSettled(late)) {
        if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(FencedError);
      }
      await expect(storage.create('/c', bytes('1'), { fences })).rejects.toThrow(FencedError);
      await expect(storage.create('/a', bytes('1'), { fences })).rejects.toThrow(KeyExistsError);
      await expect(storage.update('/a', bytes('1'), 1_000_000, { fences })).rejects.toThrow(RevisionMismatchError);
      const { entry } = await storage.get('/a');
      const stale = storage.update('/a', bytes('4'), entry?.modRevision ?? 0, { fences });
      await expect(stale).rejects.toThrow(FencedError);
      expect((await storage.get('/c')).entry).toBeUndefined();
      expect((await storage.get('/a')).entry).toEqual(entry);
      await expect(storage.create('/c', bytes('1'), { fences: [{ key: '/none', revision: 7 }] })).rejects.toThrow(
        FencedError,
      );
    });

    it('lists in byte order, in pages, as of a revision', async () => {
      for (const key of ['/b/1', '/a/é', '/a/z', '/a/\u{1f600}', '/a/\uffee', '/a/1', '/a']) {
        await storage.create(key, bytes(key));
      }
      const keys = (result: { entries: readonly { key: string }[] }) => result.entries.map((each) => each.key);
      const ordered = ['/a/1', '/a/z', '/a/é', '/a/\uffee', '/a/\u{1f600}'];
      expect(keys(await storage.list('/a/'))).toEqual(ordered);
      const first = await storage.list('/a/', { limit: 2 });
      expect([keys(first), first.remaining]).toEqual([ordered.slice(0, 2), 3]);
      await storage.create('/a/5', bytes('later'));
      const second = await storage.list('/a/', { revision: first.revision, from: '/a/z\0' });
      expect([keys(second), second.revision]).toEqual([ordered.slice(2), first.revision]);
      expect(keys(await storage.list('/a/', { from: '/a/2', limit: 1 }))).toEqual(['/a/5']);
      expect(keys(await storage.list('/a/', { limit: 0 }))).toEqual([]);
      expect(await storage.count('/a/')).toBe(6);
      await expect(storage.list('', { revision: base + 99 })).rejects.toThrow(FutureRevisionError);
    });

    it('does not read for one who has given up', async () => {
      const signal = AbortSignal.abort(new Error('given up'));
      await expect(storage.list('', { signal })).rejects.toThrow('given up');
      await expect(storage.get('/a', { signal })).rejects.toThrow('given up');
    });

    it('shows each change once, in order, from the revision asked for, with what was there before', async () => {
      await storage.create('/a', bytes('1'));
      await storage.create('/b', bytes('1'));
      await storage.update('/a', bytes('2'), base + 1);
      await storage.delete('/a', base + 3);
      const all = await changes('', base);
      expect(
        all.map((each) => [
          each.type,
          each.key,
          each.revision - base,
          text(each.entry?.value),
          text(each.previous?.value),
        ]),
      ).toEqual([
        ['put', '/a', 1, '1', undefined],
        ['put', '/b', 2, '1', undefined],
        ['put', '/a', 3, '2', '1'],
        ['delete', '/a', 4, undefined, '2'],
      ]);
      expect((await changes('/a', base + 1)).map((each) => each.revision - base)).toEqual([3, 4]);
    });

    it('shows a watcher what happens after it began, and ends when told to', async () => {
      const controller = new AbortController();
      const seen: number[] = [];
      const done = (async () => {
        for await (const batch of storage.watch('/a', base, controller.signal)) {
          seen.push(...batch.map((each) => each.revision - base));
          if (seen.includes(3)) controller.abort();
        }
      })();
      await storage.create('/a/1', bytes('1'));
      await storage.create('/b/1', bytes('1'));
      await storage.create('/a/2', bytes('1'));
      await done;
      expect(seen).toEqual([1, 3]);
    });

    it('ends watches that wait when they are aborted or the store closes', async () => {
      const controller = new AbortController();
      const wait = async (signal: AbortSignal) => {
        for await (const batch of storage.watch('', storage.currentRevision(), signal)) expect(batch).toEqual([]);
      };
      const aborted = wait(controller.signal);
      const closed = wait(new AbortController().signal);
      controller.abort();
      await aborted;
      await storage.close();
      await closed;
      await expect(storage.create('/a', bytes('1'))).rejects.toThrow();
      await expect(storage.healthy()).rejects.toThrow();
    });

    it('forgets what was compacted, and nothing else', async () => {
      await storage.create('/a', bytes('1'));
      await storage.update('/a', bytes('2'), base + 1);
      await storage.create('/gone', bytes('1'));
      await storage.delete('/gone', base + 3);
      await storage.update('/a', bytes('3'), base + 2);
      await storage.compact(base + 4);
      await expect(storage.list('', { revision: base + 3 })).rejects.toMatchObject({ compactedRevision: base + 4 });
      await expect(storage.get('/a', { revision: base + 1 })).rejects.toThrow(CompactedError);
      await expect(changes('', base + 3)).rejects.toThrow(CompactedError);
      expect(text((await storage.get('/a', { revision: base + 4 })).entry?.value)).toBe('2');
      expect((await changes('', base + 4)).map((each) => each.revision - base)).toEqual([5]);
      await storage.compact(base + 2);
      await expect(storage.compact(base + 99)).rejects.toThrow(FutureRevisionError);
      expect((await storage.list('')).entries).toHaveLength(1);
    });

    it('tells when a revision is reached, and gives up when told to', async () => {
      const later = storage.waitFor(base + 2, AbortSignal.timeout(10_000));
      await storage.waitFor(base, AbortSignal.timeout(10_000));
      await storage.create('/a', bytes('1'));
      await storage.create('/b', bytes('1'));
      await later;
      expect((await storage.list('', { atLeast: base + 2 })).entries).toHaveLength(2);
      expect((await storage.list('', { atLeast: 0 })).revision).toBeGreaterThanOrEqual(base);
      const abort = new AbortController();
      const never = storage.waitFor(base + 99, abort.signal);
      abort.abort(new Error('enough'));
      await expect(never).rejects.toThrow('enough');
    });

    it('keeps large and empty values as they are', async () => {
      const large = new Uint8Array(3_000_000).map((_, at) => at % 251);
      await storage.create('/large', large);
      await storage.create('/empty', new Uint8Array());
      if (subject.reopen) storage = await subject.reopen();
      expect(Buffer.compare((await storage.get('/large')).entry?.value ?? large.subarray(1), large)).toBe(0);
      expect((await storage.get('/empty')).entry?.value).toHaveLength(0);
    });

    it('gives one history to many writers at once', async () => {
      await manyWriters(storage);
      const events = await changes('', base);
      expect(events.map((each) => each.revision)).toEqual(events.map((_, at) => base + at + 1));
      const last = new Map<string, number>();
      for (const each of events) {
        expect(each.previous?.modRevision).toBe(last.get(each.key));
        if (each.type === 'put') last.set(each.key, each.revision);
        else last.delete(each.key);
      }
      if (subject.reopen) storage = await subject.reopen();
      const { entries } = await storage.list('');
      expect(new Map(entries.map((each) => [each.key, each.modRevision]))).toEqual(last);
    });

    it('lets an acknowledged write be read at once', async () => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, at) => {
          const { modRevision } = await storage.create(`/${at}`, bytes('x'));
          const read = await storage.get(`/${at}`);
          expect([read.entry?.modRevision, read.revision >= modRevision]).toEqual([modRevision, true]);
        }),
      );
    });
  });
}

/** 20 writers, each 40 random writes, among 5 keys: most of them collide. */
async function manyWriters(storage: Storage): Promise<void> {
  await Promise.all(
    Array.from({ length: 20 }, async (_, writer) => {
      for (let turn = 0; turn < 40; turn++) {
        const key = `/${(writer * 7 + turn) % 5}`;
        const { entry } = await storage.get(key);
        const value = bytes(`${writer}.${turn}`);
        const write = !entry
          ? storage.create(key, value)
          : turn % 7 === 0
            ? storage.delete(key, entry.modRevision)
            : storage.update(key, value, entry.modRevision);
        await write.catch((error: unknown) => {
          if (!(error instanceof KeyExistsError || error instanceof RevisionMismatchError)) throw error;
        });
      }
    }),
  );
}

/** The changes after `from` up to revision `to`. */
export async function collect(storage: Storage, prefix: string, from: number, to: number): Promise<StorageEvent[]> {
  const controller = new AbortController();
  const events: StorageEvent[] = [];
  // Watching everything tells when `to` was reached, whatever the prefix.
  for await (const batch of storage.watch('', from, from >= to ? AbortSignal.abort() : controller.signal)) {
    events.push(...batch.filter((each) => each.key.startsWith(prefix)));
    if ((batch.at(-1)?.revision ?? 0) >= to) controller.abort();
  }
  return events;
}
