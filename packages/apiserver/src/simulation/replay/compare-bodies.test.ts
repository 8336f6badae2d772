import { describe, expect, it } from 'vitest';
import { changesOf, sameWrite } from './compare-bodies.ts';

describe('what is written', () => {
  it('is the same whenever and wherever it is written', () => {
    const body = (version: string, time: string, uid: string) => ({
      metadata: {
        name: 'a',
        annotations: { 'keelson.dev/applied': uid },
        resourceVersion: version,
        ownerReferences: [{ name: 'b', uid }],
      },
      status: { conditions: [{ type: 'Ready', lastTransitionTime: time }] },
    });
    expect(sameWrite(body('1', '2026-01-01T00:00:00Z', 'x'), body('2', '2026-01-01T00:00:07Z', 'y'))).toBe(true);
  });

  it('is the same where it was not recorded', () => {
    const then = { data: { pin: Buffer.from('redacted-0123456789ab').toString('base64'), plain: '1' } };
    expect(sameWrite(then, { data: { pin: 'c2VjcmV0', plain: '1' } })).toBe(true);
    expect(changesOf(then, { data: { pin: 'c2VjcmV0', plain: '2' } })).toEqual(['data.plain: "1" → "2"']);
  });

  it('differs by its fields', () => {
    expect(changesOf({ a: { b: 1, c: 2 } }, { a: { b: 2, d: 3 } })).toEqual([
      'a.c: 2 → nothing',
      'a.b: 1 → 2',
      'a.d: nothing → 3',
    ]);
  });
});
