import fc from 'fast-check';
import { expect } from 'vitest';
import {
  CompactedError,
  KeyExistsError,
  type Revision,
  RevisionMismatchError,
  type Storage,
  type StoredEntry,
} from './contract.ts';

/** The simplest store that could be right: all states there ever were. */
export interface StorageModel {
  /** The revision at which it was empty. */
  readonly base: Revision;
  /** `states[n]` is the content n revisions later. */
  readonly states: ReadonlyMap<string, StoredEntry>[];
  compacted: Revision;
}

export interface StorageReal {
  storage: Storage;
  readonly reopen?: () => Promise<Storage>;
}

type Command = fc.AsyncCommand<StorageModel, StorageReal>;

export const emptyModel = (base: Revision): StorageModel => ({ base, states: [new Map()], compacted: base });

const current = (model: StorageModel) => model.base + model.states.length - 1;
const stateAt = (model: StorageModel, revision: Revision) => model.states[revision - model.base];
const now = (model: StorageModel) => stateAt(model, current(model)) ?? new Map<string, StoredEntry>();

function command(name: string, run: (model: StorageModel, real: StorageReal) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

function commit(model: StorageModel, key: string, entry: StoredEntry | undefined): void {
  const next = new Map(now(model));
  if (entry) next.set(key, entry);
  else next.delete(key);
  model.states.push(next);
}

const key = fc.constantFrom('/a', '/a/1', '/a/2', '/b/1', '/b/é', '/b/\u{1f600}', '/c');
const prefix = fc.constantFrom('', '/a', '/a/', '/b/', '/none');
const value = fc.uint8Array({ maxLength: 20 });
/** A place between the compaction and now, and sometimes before. */
const place = fc.double({ min: -0.3, max: 1, noNaN: true });

function revisionAt(model: StorageModel, where: number): Revision {
  return Math.max(model.base, Math.round(model.compacted + where * (current(model) - model.compacted)));
}

/** What the model says for a prefix, in byte order. */
function selected(model: StorageModel, revision: Revision, wanted: string): StoredEntry[] {
  return [...(stateAt(model, revision) ?? new Map<string, StoredEntry>()).values()]
    .filter((each) => each.key.startsWith(wanted))
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

const plain = ({ key: name, value: content, createRevision, modRevision }: StoredEntry) => ({
  key: name,
  value: Buffer.from(content).toString('hex'),
  createRevision,
  modRevision,
});

const create = fc.tuple(key, value).map(([name, content]) =>
  command(`create ${name}`, async (model, { storage }) => {
    if (now(model).has(name)) {
      await expect(storage.create(name, content)).rejects.toThrow(KeyExistsError);
      return;
    }
    const entry = await storage.create(name, content);
    const revision = current(model) + 1;
    expect(plain(entry)).toEqual(plain({ key: name, value: content, createRevision: revision, modRevision: revision }));
    commit(model, name, entry);
  }),
);

const update = fc.tuple(key, value, fc.nat(9)).map(([name, content, stale]) =>
  command(`update ${name}${stale === 0 ? ' stale' : ''}`, async (model, { storage }) => {
    const old = now(model).get(name);
    if (!old || stale === 0) {
      await expect(storage.update(name, content, (old?.modRevision ?? model.base + 1) - 1)).rejects.toThrow(
        RevisionMismatchError,
      );
      return;
    }
    const entry = await storage.update(name, content, old.modRevision);
    expect(plain(entry)).toEqual(plain({ ...old, value: content, modRevision: current(model) + 1 }));
    commit(model, name, entry);
  }),
);

const remove = fc.tuple(key, fc.nat(9)).map(([name, stale]) =>
  command(`delete ${name}${stale === 0 ? ' stale' : ''}`, async (model, { storage }) => {
    const old = now(model).get(name);
    if (!old || stale === 0) {
      await expect(storage.delete(name, (old?.modRevision ?? model.base + 1) - 1)).rejects.toThrow(
        RevisionMismatchError,
      );
      return;
    }
    const deleted = await storage.delete(name, old.modRevision);
    expect([deleted.revision, plain(deleted.previous)]).toEqual([current(model) + 1, plain(old)]);
    commit(model, name, undefined);
  }),
);

const get = fc.tuple(key, place).map(([name, where]) =>
  command(`get ${name} at ${where}`, async (model, { storage }) => {
    const revision = revisionAt(model, where);
    if (revision < model.compacted) {
      await expect(storage.get(name, { revision })).rejects.toThrow(CompactedError);
      return;
    }
    const expected = stateAt(model, revision)?.get(name);
    const { entry } = await storage.get(name, { revision });
    expect(entry && plain(entry)).toEqual(expected && plain(expected));
  }),
);

const list = fc.tuple(prefix, place, fc.option(fc.integer({ min: 1, max: 4 }))).map(([wanted, where, limit]) =>
  command(`list ${wanted} at ${where} by ${limit}`, async (model, { storage }) => {
    const revision = revisionAt(model, where);
    if (revision < model.compacted) {
      await expect(storage.list(wanted, { revision })).rejects.toThrow(CompactedError);
      return;
    }
    const expected = selected(model, revision, wanted).map(plain);
    const found: StoredEntry[] = [];
    for (;;) {
      const last = found.at(-1)?.key;
      const page = await storage.list(wanted, {
        revision,
        ...(limit && { limit }),
        ...(last !== undefined && { from: `${last}\0` }),
      });
      found.push(...page.entries);
      expect([page.revision, page.remaining]).toEqual([revision, expected.length - found.length]);
      if (page.remaining === 0) break;
    }
    expect(found.map(plain)).toEqual(expected);
    expect(await storage.count(wanted)).toBe(selected(model, current(model), wanted).length);
  }),
);

function was(model: StorageModel, revision: Revision, name: string) {
  const entry = stateAt(model, revision)?.get(name);
  return entry && plain(entry);
}

const watch = fc.tuple(prefix, place).map(([wanted, where]) =>
  command(`watch ${wanted} from ${where}`, async (model, { storage }) => {
    const from = revisionAt(model, where);
    const seen = new Map(stateAt(model, from) ?? []);
    const follow = async () => {
      const controller = new AbortController();
      for await (const batch of storage.watch('', from, controller.signal)) {
        for (const each of batch) {
          expect(each.previous && plain(each.previous)).toEqual(was(model, each.revision - 1, each.key));
          if (each.entry) seen.set(each.key, each.entry);
          else seen.delete(each.key);
        }
        if (batch.at(-1)?.revision === current(model)) controller.abort();
      }
    };
    if (from < model.compacted) {
      await expect(follow()).rejects.toThrow(CompactedError);
      return;
    }
    if (from < current(model)) await follow();
    const mine = [...seen.values()].filter((each) => each.key.startsWith(wanted));
    expect(new Set(mine.map((each) => JSON.stringify(plain(each))))).toEqual(
      new Set(selected(model, current(model), wanted).map((each) => JSON.stringify(plain(each)))),
    );
  }),
);

const compact = place.map((where) =>
  command(`compact to ${where}`, async (model, { storage }) => {
    const revision = revisionAt(model, where);
    await storage.compact(revision);
    model.compacted = Math.max(model.compacted, revision);
  }),
);

const reopen = fc.constant(
  command('reopen', async (model, real) => {
    if (!real.reopen) return;
    real.storage = await real.reopen();
    expect((await real.storage.list('', { limit: 0 })).revision).toBe(current(model));
  }),
);

/** Random runs over a few keys. */
export function commands(durable: boolean): fc.Arbitrary<Iterable<Command>> {
  const writes = [create, create, update, update, remove];
  const reads = [get, list, watch, compact];
  return fc.commands([...writes, ...reads, ...(durable ? [reopen] : [])], { maxCommands: 60 });
}
