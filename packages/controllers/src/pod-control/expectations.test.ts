import type { InformerEvent, Pod } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Expectations } from './expectations.ts';
import { pod } from './test-objects.ts';

const owned = (name: string, more = {}) =>
  pod(name, {
    metadata: {
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'o', uid: 'owner', controller: true }],
      ...more,
    },
  });

function setUp() {
  const events$ = new Subject<InformerEvent<Pod>>();
  const clock = new FakeClock();
  const expectations = new Expectations(clock, events$);
  const seen = (type: 'added' | 'deleted', object: Pod) => events$.next({ type, key: object.metadata.name, object });
  return { clock, expectations, events$, seen };
}

describe('Expectations', () => {
  it('waits for a created pod to appear', async () => {
    const { expectations, seen } = setUp();
    expect(expectations.satisfied('owner')).toBe(true);
    await expectations.creation('owner', async () => owned('a'));
    expect(expectations.satisfied('owner')).toBe(false);
    seen('added', owned('other'));
    expect(expectations.satisfied('owner')).toBe(false);
    seen('added', owned('a'));
    expect(expectations.satisfied('owner')).toBe(true);
  });

  it('is not fooled by an event that comes before the answer', async () => {
    const { expectations, seen } = setUp();
    await expectations.creation('owner', async () => {
      seen('added', owned('a'));
      return owned('a');
    });
    expect(expectations.satisfied('owner')).toBe(true);
  });

  it('is content with the deletion timestamp', async () => {
    const { expectations, events$ } = setUp();
    await expectations.deletion('owner', 'uid-a', async () => undefined);
    const before = owned('a');
    events$.next({ type: 'updated', key: 'a', object: owned('a', { labels: {} }), previous: before });
    expect(expectations.satisfied('owner')).toBe(false);
    const going = owned('a', { deletionTimestamp: '2026-01-01T00:00:00Z' });
    events$.next({ type: 'updated', key: 'a', object: going, previous: before });
    expect(expectations.satisfied('owner')).toBe(true);
  });

  it('expects nothing of a write that failed', async () => {
    const { expectations } = setUp();
    const fail = async () => {
      throw new Error('no');
    };
    await expect(expectations.creation('owner', fail)).rejects.toThrow('no');
    await expect(expectations.deletion('owner', 'uid-a', fail)).rejects.toThrow('no');
    expect(expectations.satisfied('owner')).toBe(true);
  });

  it('gives up after five minutes', async () => {
    const { clock, expectations } = setUp();
    await expectations.creation('owner', async () => owned('a'));
    expect(expectations.remaining('owner')).toBe(300_000);
    await clock.advance(300_000);
    expect(expectations.satisfied('owner')).toBe(true);
  });
});
