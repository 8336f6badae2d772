import type { Pod } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { SchedulingQueue } from './scheduling-queue.ts';

const pod = (name: string, priority = 0): Pod => ({
  metadata: { name, namespace: 'n' },
  spec: { containers: [], priority },
});
const nodeAdded = { kind: 'NodeAdded', object: { metadata: { name: 'x' } } } as const;

function open(helps = true) {
  const clock = new FakeClock();
  const queue = new SchedulingQueue({
    clock,
    compare: (a, b) => b.priority - a.priority || a.queuedAt - b.queuedAt,
    gate: (each) => (each.spec?.schedulingGates?.length ? 'SchedulingGates' : undefined),
    helps: () => helps,
  });
  return { clock, queue };
}

describe('the scheduling queue', () => {
  it('gives pods by priority, then by arrival', () => {
    const { queue } = open();
    for (const each of [pod('a'), pod('b', 5), pod('c')]) queue.set(each);
    expect(
      [queue.takeNow(), queue.takeNow(), queue.takeNow(), queue.takeNow()].map((each) => each?.pod.metadata.name),
    ).toEqual(['b', 'a', 'c', undefined]);
  });

  it('sets aside what was rejected until an event helps', () => {
    const { queue } = open();
    queue.set(pod('a'));
    queue.putBack(queue.takeNow()!, new Set(['P']));
    expect(queue.takeNow()).toBeUndefined();
    queue.event(nodeAdded);
    expect(queue.takeNow()?.attempts).toBe(1);
  });

  it('does not lose an event that happens while the pod is tried', () => {
    const { queue } = open();
    queue.set(pod('a'));
    const entry = queue.takeNow()!;
    queue.event(nodeAdded);
    queue.putBack(entry, new Set(['P']));
    expect(queue.takeNow()?.pod.metadata.name).toBe('a');
  });

  it('waits after errors: 1 s, 2 s, … 10 s at most', async () => {
    const { clock, queue } = open();
    queue.set(pod('a'));
    for (const wait of [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]) {
      queue.putBack(queue.takeNow()!, new Set());
      await clock.advance(wait - 1);
      expect(queue.takeNow()).toBeUndefined();
      await clock.advance(1);
    }
    expect(queue.takeNow()?.attempts).toBe(6);
  });

  it('tries everything again after five minutes, and forgets what was deleted', async () => {
    const { clock, queue } = open(false);
    for (const name of ['a', 'b']) queue.set(pod(name));
    for (const _ of [1, 2]) queue.putBack(queue.takeNow()!, new Set(['P']));
    queue.delete('n/b');
    queue.event(nodeAdded);
    expect(queue.takeNow()).toBeUndefined();
    await clock.advance(300_000);
    expect(queue.takeNow()?.pod.metadata.name).toBe('a');
    expect(queue.takeNow()).toBeUndefined();
  });
});
