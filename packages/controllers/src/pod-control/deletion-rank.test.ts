import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareForDeletion, rankForDeletion } from './deletion-rank.ts';
import { meta, ms, pod } from './test-objects.ts';

const now = ms(10_000);
const first = (...pods: ReturnType<typeof pod>[]) => rankForDeletion(pods, [], now)[0]?.metadata.name;
const ready = { node: 'n1', readyAt: 0 };

describe('the order in which pods go', () => {
  it('takes the unassigned, the pending, and the not ready first', () => {
    const running = pod('running', ready);
    const unready = pod('unready', { node: 'n1', phase: 'Running' });
    const pending = pod('pending', { node: 'n1' });
    const unassigned = pod('unassigned');
    expect(rankForDeletion([running, unready, pending, unassigned], [], now).map((each) => each.metadata.name)).toEqual(
      ['unassigned', 'pending', 'unready', 'running'],
    );
  });

  it('takes the cheaper one by annotation', () => {
    const cost = (value: string) => ({ annotations: { 'controller.kubernetes.io/pod-deletion-cost': value } });
    const cheap = pod('cheap', { ...ready, metadata: cost('-5') });
    const dear = pod('dear', { ...ready, metadata: cost('10') });
    expect(first(dear, pod('plain', ready), cheap)).toBe('cheap');
    expect(first(dear, pod('plain', ready))).toBe('plain');
  });

  it('takes from the node with more related pods', () => {
    const crowded = pod('crowded', { node: 'n2', readyAt: 0 });
    const related = [pod('x', { node: 'n2', readyAt: 0 }), crowded, pod('lonely', ready)];
    const order = rankForDeletion([pod('lonely', ready), crowded], related, now);
    expect(order[0]?.metadata.name).toBe('crowded');
  });

  it('takes the one that has been ready for less time, by powers of two', () => {
    expect(first(pod('old', ready), pod('young', { node: 'n1', readyAt: 9_990 }))).toBe('young');
    // 10,000 s and 9,000 s are of one magnitude: the uid decides.
    expect(first(pod('b', ready), pod('a', { node: 'n1', readyAt: 1_000 }))).toBe('a');
  });

  it('takes the one with more restarts, then the younger', () => {
    expect(first(pod('calm', { ...ready, restarts: 0 }), pod('wild', { ...ready, restarts: 3 }))).toBe('wild');
    const young = pod('young', { ...ready, metadata: { creationTimestamp: new Date(ms(9_999)).toISOString() } });
    expect(first(pod('old', ready), young)).toBe('young');
  });

  it('is a total order', () => {
    const anyPod = fc
      .record({
        node: fc.constantFrom('', 'n1', 'n2'),
        phase: fc.constantFrom('Pending', 'Running', 'Unknown'),
        readyAt: fc.option(fc.integer({ min: 0, max: 9_999 }), { nil: undefined }),
        restarts: fc.integer({ min: 0, max: 3 }),
        uid: fc.uuid(),
      })
      .map(({ uid, ...state }) => ({ pod: pod(uid, { ...state, metadata: meta(uid) }), neighbours: state.restarts }));
    fc.assert(
      fc.property(anyPod, anyPod, anyPod, (a, b, c) => {
        const ab = compareForDeletion(a, b, now);
        expect(Math.sign(ab)).toBe(-Math.sign(compareForDeletion(b, a, now)) + 0);
        if (ab <= 0 && compareForDeletion(b, c, now) <= 0) expect(compareForDeletion(a, c, now)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
