import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonPatchBetween } from './json-diff.ts';
import { applyJsonPatch } from './json-patch.ts';

describe('the patch between two values', () => {
  it('makes one of the other', () => {
    const objects = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(objects, objects, (before, after) => {
        const patched = applyJsonPatch(json(before), jsonPatchBetween(json(before), json(after)));
        expect(json(patched)).toEqual(json(after));
      }),
    );
  });

  it('changes no more than it must', () => {
    const before = { a: { 'b/c': 1, d: [1, 2], gone: true }, same: 'x' };
    const after = { a: { 'b/c': 2, d: [1, 3], e: null }, same: 'x' };
    expect(jsonPatchBetween(before, after)).toEqual([
      { op: 'remove', path: '/a/gone' },
      { op: 'replace', path: '/a/b~1c', value: 2 },
      { op: 'replace', path: '/a/d/1', value: 3 },
      { op: 'add', path: '/a/e', value: null },
    ]);
    expect(jsonPatchBetween(before, structuredClone(before))).toEqual([]);
    expect(jsonPatchBetween([1], [1, 2])).toEqual([{ op: 'replace', path: '', value: [1, 2] }]);
  });
});

const json = (value: unknown) => JSON.parse(JSON.stringify(value));
