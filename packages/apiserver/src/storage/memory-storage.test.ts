import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, storageConformance } from './conformance.ts';
import { SlowWatcherError } from './contract.ts';
import { MemoryStorage } from './memory-storage.ts';
import { SortedMap } from './sorted-map.ts';

storageConformance('MemoryStorage', async () => {
  const storage = new MemoryStorage();
  return { storage, dispose: () => storage.close() };
});

const value = new Uint8Array([1]);

describe('MemoryStorage', () => {
  it('forks into stores that know nothing of each other', async () => {
    const parent = new MemoryStorage();
    for (let at = 0; at < 600; at++) await parent.create(`/${at}`, value);
    const child = parent.fork();
    await parent.update('/5', new Uint8Array([2]), 6);
    await child.delete('/5', 6);
    await child.create('/new', value);
    expect((await parent.get('/5')).entry?.value).toEqual(new Uint8Array([2]));
    expect((await child.get('/5')).entry).toBeUndefined();
    expect([await parent.count(''), await child.count('')]).toEqual([600, 600]);
    await child.compact(602);
    expect((await collect(parent, '', 0, 601)).length).toBe(601);
    expect((await parent.get('/5', { revision: 10 })).entry?.modRevision).toBe(6);
  });

  it('keeps as much history as it was told', async () => {
    const storage = new MemoryStorage({ history: { revisions: 100 } });
    const { modRevision } = await storage.create('/a', value);
    let revision = modRevision;
    for (let at = 0; at < 500; at++) revision = (await storage.update('/a', value, revision)).modRevision;
    expect((await collect(storage, '', revision - 100, revision)).length).toBe(100);
    await expect(collect(storage, '', revision - 112, revision)).rejects.toThrow('has been compacted');
  });

  it('tells a watcher that is too slow', async () => {
    const storage = new MemoryStorage({ longestWatchLag: 10 });
    const watcher = storage.watch('', 0, new AbortController().signal)[Symbol.asyncIterator]();
    await storage.create('/first', value);
    expect((await watcher.next()).value).toHaveLength(1);
    const waiting = watcher.next();
    await storage.create('/second', value);
    await waiting;
    for (let at = 0; at < 20; at++) await storage.create(`/${at}`, value);
    await expect(watcher.next()).rejects.toThrow(SlowWatcherError);
  });
});

describe('SortedMap', () => {
  it('is a map, in byte order, and its forks are too', () => {
    const operation = fc.tuple(
      fc.constantFrom('set', 'set', 'set', 'delete', 'fork'),
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.nat(),
    );
    fc.assert(
      fc.property(fc.array(operation, { minLength: 300, maxLength: 1500 }), (operations) => {
        let map = new SortedMap<number>();
        const model = new Map<string, number>();
        let frozen: { map: SortedMap<number>; content: Map<string, number> } | undefined;
        for (const [what, key, each] of operations) {
          if (what === 'set') {
            map.set(key, each);
            model.set(key, each);
          } else if (what === 'delete') {
            map.delete(key);
            model.delete(key);
          } else {
            const fork = map.fork();
            frozen = { map, content: new Map(model) };
            map = fork;
          }
        }
        check(map, model);
        if (frozen) check(frozen.map, frozen.content);
      }),
      { numRuns: 20 },
    );
  });

  function check(map: SortedMap<number>, model: ReadonlyMap<string, number>): void {
    const found: [string, number][] = [];
    map.scan('', '', (key, each) => {
      found.push([key, each]);
      return true;
    });
    const expected = [...model].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(found).toEqual(expected);
    expect(map.size).toBe(model.size);
    for (const [key, each] of model) expect(map.get(key)).toBe(each);
  }
});
