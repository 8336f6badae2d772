import type { KubernetesObject } from '@keelson/core';
import type { RecordedRequest, RecordedSight, RecordingLine } from '@keelson/core/recording';
import { describe, expect, it } from 'vitest';
import { historyOf } from './history-of.ts';
import { planOf } from './replay-plan.ts';

const begun = Date.UTC(2026, 0, 1);
const kind = { group: '', version: 'v1', resource: 'configmaps' };
const head: RecordingLine = {
  is: 'recording',
  format: 1,
  at: begun,
  operator: 'shop',
  process: 'a',
  part: 1,
  elects: false,
};

const map = (version: number, size: string, more: Partial<KubernetesObject['metadata']> = {}) => ({
  metadata: { name: 'a', namespace: 'default', uid: 'one', resourceVersion: String(version), ...more },
  data: { size },
});
const seen = (at: number, how: RecordedSight['how'], object: KubernetesObject, of?: number): RecordingLine => ({
  is: 'seen',
  at: begun + at,
  how,
  ...kind,
  object,
  ...(of !== undefined && { of }),
});
const asked = (at: number, id: number, more: Partial<RecordedRequest>): RecordingLine => ({
  is: 'request',
  at: begun + at,
  tookMs: 10,
  id,
  verb: 'update',
  ...kind,
  namespace: 'default',
  name: 'a',
  ...more,
});
const history = (...lines: readonly RecordingLine[]) => {
  const { changes, initial, calls, ...rest } = historyOf([head, ...lines]);
  return {
    ...rest,
    all: calls,
    initial: initial.map(({ object }) => object.metadata.resourceVersion),
    changes: changes.map(({ how, at, seenAt, after }) => [
      how,
      at - begun,
      seenAt - begun,
      after.metadata.resourceVersion,
    ]),
    calls: calls.map(({ text, effective, effectAt, seenAt }) => [
      text,
      effective,
      effectAt - begun,
      seenAt === undefined ? undefined : seenAt - begun,
    ]),
  };
};
const watch = (at: number, id: number): RecordingLine => ({ is: 'watch', at: begun + at, id, ...kind });

describe('historyOf', () => {
  it('tells what was there from what others and the operator have done', () => {
    const { initial, changes, calls } = history(
      watch(1, 1),
      seen(5, 'listed', map(10, '1'), 1),
      { is: 'watch-listed', at: begun + 6, id: 1 },
      asked(20, 2, { resourceVersion: '11', body: { data: { size: '2' } } }),
      seen(31, 'modified', map(11, '2'), 1),
      seen(40, 'modified', map(12, '3'), 1),
      // It finds what it wants there.
      asked(50, 3, { resourceVersion: '12', body: { data: { size: '3' } } }),
      seen(70, 'deleted', map(13, '3'), 1),
    );
    expect(initial).toEqual(['10']);
    expect(changes).toEqual([
      ['changed', 40, 40, '12'],
      ['gone', 70, 70, '13'],
    ]);
    expect(calls).toEqual([
      ['update configmaps default/a', true, 30, 31],
      ['update configmaps default/a', false, 60, undefined],
    ]);
  });

  it('has everything done before what has a later version, however late it was seen', () => {
    const { changes, calls } = history(
      watch(1, 1),
      seen(5, 'listed', map(10, '1'), 1),
      { is: 'watch-listed', at: begun + 6, id: 1 },
      asked(20, 2, { resourceVersion: '12', body: {} }),
      seen(500, 'modified', map(11, 'theirs'), 1),
      seen(501, 'modified', map(12, '1'), 1),
    );
    expect(changes).toEqual([['changed', 29, 500, '11']]);
    expect(calls).toEqual([['update configmaps default/a', true, 30, 501]]);
  });

  it('finds writes whose answers were lost among what was seen', () => {
    const lines = [
      watch(1, 1),
      { is: 'watch-listed', at: begun + 6, id: 1 } as const,
      asked(20, 2, {
        verb: 'create',
        body: { metadata: { name: 'a' }, data: { size: '1' } },
        error: { message: 'the connection was reset' },
      }),
    ];
    const { changes, all } = history(...lines, seen(35, 'added', map(10, '1'), 1));
    expect(changes).toEqual([]);
    expect(all[0]).toMatchObject({ effective: true, seenAt: begun + 35 });
    const another = history(...lines, seen(35, 'added', map(10, 'not that'), 1));
    expect(another.changes).toEqual([['made', 35, 35, '10']]);
    expect(another.all[0]).toMatchObject({ effective: false });
  });

  it('knows a deletion by the operator, and one that was missed', () => {
    const listed = [
      asked(1, 1, { verb: 'list' }),
      seen(100, 'listed', map(20, '1', { name: 'b', uid: 'two' }), 2),
      asked(90, 2, { verb: 'list' }),
    ];
    const first = [seen(5, 'listed', map(10, '1'), 1), seen(5, 'listed', map(11, '1', { name: 'b', uid: 'two' }), 1)];
    expect(history(...first, ...listed).changes).toEqual([
      ['gone', 89, 100, '10'],
      ['changed', 90, 100, '20'],
    ]);
    const own = asked(20, 3, { verb: 'delete', gone: true });
    const { changes, calls } = history(watch(1, 9), ...first, own, seen(40, 'deleted', map(12, '1'), 9));
    expect(changes).toEqual([]);
    expect(calls.at(-1)).toEqual(['delete configmaps default/a', true, 30, 40]);
  });

  it('has the disturbances of then: refusals, late events, watches that ended, restarts', () => {
    const lines: readonly RecordingLine[] = [
      head,
      watch(1, 1),
      { is: 'watch-listed', at: begun + 6, id: 1 },
      asked(20, 2, { error: { code: 409, reason: 'Conflict', message: 'modified' } }),
      asked(30, 3, { error: { code: 404, reason: 'NotFound', message: 'not found' } }),
      asked(40, 4, { resourceVersion: '11' }),
      seen(900, 'modified', map(11, '2'), 1),
      { is: 'watch-ended', at: begun + 950, id: 1, error: { code: 410, reason: 'Expired', message: 'too old' } },
      { ...head, process: 'b', at: begun + 2_000 },
    ];
    const { faults } = planOf(historyOf(lines));
    expect(faults.map((each) => each.what)).toEqual(['answer', 'late-write', 'watch-ended', 'restart']);
  });
});
