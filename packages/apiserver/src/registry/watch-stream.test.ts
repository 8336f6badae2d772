import type { KubernetesObject } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { everything } from './selection.ts';
import { DecodeCache } from './stored-object.ts';
import type { Change } from './watch-index.ts';
import { WatchStream } from './watch-stream.ts';

const pods = '/registry/pods/';
const value = (name: string, size: number) =>
  Buffer.from(
    JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { name }, spec: { nodeName: 'x'.repeat(size) } }),
  );

function stream(): WatchStream {
  return new WatchStream({
    prefix: pods,
    kindPrefix: pods,
    selection: everything,
    bookmarks: false,
    blank: { object: {} },
    serve: (stored) => stored,
  });
}

const cache = new DecodeCache(() => undefined);
function change(at: number, size: number): Change {
  const entry = {
    key: `${pods}a/${at}`,
    value: value(`p${at}`, size),
    createRevision: at,
    modRevision: at,
    version: 1,
  };
  return { key: entry.key, revision: at, current: cache.get(entry), previous: undefined, bytes: entry.value.length };
}

const names = async (events: AsyncIterable<readonly { readonly value: { readonly object: KubernetesObject } }[]>) => {
  const seen: string[] = [];
  for await (const batch of events) seen.push(...batch.map((each) => each.value.object.metadata.name ?? ''));
  return seen;
};

describe('a watch that nobody reads', () => {
  it('is cut off when too many events wait, and keeps none of them', async () => {
    const slow = stream();
    let closed = 0;
    slow.onClose(() => closed++);
    for (let at = 1; at <= 25_000 && !slow.ended; at++) slow.change(change(at, 1));
    expect(closed).toBe(1);
    expect(await names(slow)).toEqual([]);
  });

  it('is cut off when too many bytes wait', async () => {
    const slow = stream();
    let count = 0;
    const large = change(1, 1_000_000);
    while (!slow.ended && count < 1000) {
      slow.change(large);
      count++;
    }
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThan(80);
    expect(await names(slow)).toEqual([]);
  });

  it('goes on as long as it is read now and then', async () => {
    const reader = stream();
    const iterator = reader[Symbol.asyncIterator]();
    const large = change(1, 1_000_000);
    for (let round = 0; round < 10; round++) {
      for (let each = 0; each < 50; each++) reader.change(large);
      expect((await iterator.next()).value).toHaveLength(50);
    }
    expect(reader.ended).toBe(false);
  });
});
