import { systemClock } from '@keelson/core';
import { silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { EventHub } from './event-hub.ts';
import { DecodeCache } from './stored-object.ts';
import type { Change, Subscriber } from './watch-index.ts';

const pods = '/registry/pods/';
const bytes = (nodeName: string) =>
  Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p' }, spec: { nodeName } }));

describe('EventHub', () => {
  let storage: MemoryStorage;
  let hub: EventHub;
  beforeEach(() => {
    storage = new MemoryStorage();
    hub = open();
  });
  afterEach(async () => {
    await hub.stop();
    await storage.close();
  });

  function open(capacity?: number, capacityBytes?: number): EventHub {
    const cache = new DecodeCache(() => undefined);
    return new EventHub({
      storage,
      cache,
      clock: systemClock,
      logger: silentLogger,
      ...(capacity && { capacity }),
      ...(capacityBytes && { capacityBytes }),
    });
  }

  function subscriber(more: Partial<Subscriber> = {}) {
    const seen: string[] = [];
    const own: Subscriber = {
      prefix: pods,
      kindPrefix: pods,
      change: (change: Change) => seen.push(change.key.slice(pods.length)),
      progress: () => undefined,
      end: (error) => seen.push(`end ${error?.code ?? ''}`),
      ...more,
    };
    return { seen, own };
  }

  it('shows a change to those alone whom it may concern', async () => {
    hub.start();
    const asked: string[] = [];
    const onNode = (value: string) => ({
      only: {
        field: 'spec.nodeName',
        value,
        fieldsOf: (object: unknown) => {
          asked.push(value);
          return (object as { spec: { nodeName: string } }).spec.nodeName;
        },
      },
    });
    const all = subscriber();
    const inA = subscriber({ prefix: `${pods}a/` });
    const named = subscriber({ only: { name: 'x' } });
    const nodes = Array.from({ length: 1000 }, (_, at) => subscriber(onNode(`n${at}`)));
    for (const { own } of [all, inA, named, ...nodes]) hub.subscribe(own, 0);
    const { modRevision } = await storage.create(`${pods}a/x`, bytes('n7'));
    await storage.update(`${pods}a/x`, bytes('n8'), modRevision);
    await storage.create(`${pods}b/y`, bytes(''));
    await storage.create('/registry/services/specs/a/x', bytes('n7'));
    await waitFor(() => all.seen.length === 3);
    expect(all.seen).toEqual(['a/x', 'a/x', 'b/y']);
    expect([inA.seen, named.seen]).toEqual([
      ['a/x', 'a/x'],
      ['a/x', 'a/x'],
    ]);
    expect(nodes.flatMap(({ seen }, at) => seen.map(() => at))).toEqual([7, 7, 8]);
    expect(asked.length).toBeLessThan(10);
  });

  it('tells kinds apart whose prefixes have one part or two', async () => {
    hub.start();
    const kinds = ['/registry/services/specs/', '/registry/services/endpoints/', '/registry/example.com/pods/', pods];
    const each = kinds.map((kindPrefix) => {
      const seen: string[] = [];
      hub.subscribe({ ...subscriber().own, prefix: kindPrefix, kindPrefix, change: ({ key }) => seen.push(key) }, 0);
      return seen;
    });
    for (const kind of kinds) await storage.create(`${kind}specs/name`, bytes(''));
    await waitFor(() => each.every((seen) => seen.length === 1));
    expect(each.flat()).toEqual(kinds.map((kind) => `${kind}specs/name`));
  });

  it('begins in a past that it never saw itself, and goes on with the present, once and in order', async () => {
    for (let at = 0; at < 50; at++) await storage.create(`${pods}a/${at}`, bytes(''));
    hub = open(10);
    hub.start();
    const watchers = [0, 1, 25, 49, 50].map((from) => {
      const { seen, own } = subscriber();
      hub.subscribe(own, from);
      return { seen, from };
    });
    for (let at = 50; at < 150; at++) await storage.create(`${pods}a/${at}`, bytes(''));
    for (const { seen, from } of watchers) {
      await waitFor(() => seen.length === 150 - from);
      expect(seen).toEqual(Array.from({ length: 150 - from }, (_, at) => `a/${from + at}`));
    }
    await storage.compact(100);
    const late = subscriber();
    hub.subscribe(late.own, 60);
    await waitFor(() => late.seen.length > 0);
    expect(late.seen).toEqual(['end 410']);
  });

  it('keeps few changes that are large, and reads older ones from the store', async () => {
    hub = open(1000, 10_000);
    hub.start();
    const large = bytes('x'.repeat(3000));
    for (let at = 0; at < 20; at++) await storage.create(`${pods}a/${at}`, large);
    await waitFor(() => hub.position === 20);
    const read: number[] = [];
    const watch = storage.watch.bind(storage);
    storage.watch = (prefix, from, signal) => {
      read.push(from);
      return watch(prefix, from, signal);
    };
    const [old, young] = [subscriber(), subscriber()];
    hub.subscribe(old.own, 1);
    hub.subscribe(young.own, 18);
    expect(read).toEqual([1]);
    await waitFor(() => old.seen.length === 19 && young.seen.length === 2);
  });

  it('lets nobody in twice after they have left', async () => {
    hub.start();
    const { seen, own } = subscriber({ only: { name: 'x' } });
    const other = subscriber();
    hub.subscribe(other.own, 0);
    hub.subscribe(own, 0)();
    await storage.create(`${pods}a/x`, bytes(''));
    await waitFor(() => other.seen.length === 1);
    expect(seen).toEqual([]);
  });
});
