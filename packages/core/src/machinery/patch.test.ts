import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepEqual } from './deep-equal.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch, createMergePatch, readMergePatch } from './merge-patch.ts';

const scalar = fc.oneof(fc.integer(), fc.string({ maxLength: 3 }), fc.boolean());
const { object } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'x/y', 'm~n'), tie('value'), {
    noNullPrototype: true,
    maxKeys: 4,
  }),
}));

const document = deepFreeze({ data: { a: '1' }, list: ['x', 'y'] });
const patched = (...operations: JsonObject[]) => applyJsonPatch(document, operations);

describe('JSON patch', () => {
  it.each<[string, JsonObject, unknown]>([
    ['adds a member', { op: 'add', path: '/data/b', value: 1 }, { data: { a: '1', b: 1 }, list: ['x', 'y'] }],
    ['appends', { op: 'add', path: '/list/-', value: 'z' }, { data: { a: '1' }, list: ['x', 'y', 'z'] }],
    ['inserts', { op: 'add', path: '/list/0', value: 'z' }, { data: { a: '1' }, list: ['z', 'x', 'y'] }],
    ['counts from the end', { op: 'remove', path: '/list/-1' }, { data: { a: '1' }, list: ['x'] }],
    [
      'replaces what is not there, as the API does',
      { op: 'replace', path: '/data/z', value: 1 },
      { data: { a: '1', z: 1 }, list: ['x', 'y'] },
    ],
    ['takes an absent value as null', { op: 'add', path: '/data' }, { data: null, list: ['x', 'y'] }],
    ['replaces the whole', { op: 'replace', path: '', value: { q: 1 } }, { q: 1 }],
    ['moves', { op: 'move', from: '/list/0', path: '/list/1' }, { data: { a: '1' }, list: ['y', 'x'] }],
    ['copies', { op: 'copy', from: '/data/a', path: '/list/0' }, { data: { a: '1' }, list: ['1', 'x', 'y'] }],
    [
      'tests an absent member against null',
      { op: 'test', path: '/data/zz', value: null },
      { data: { a: '1' }, list: ['x', 'y'] },
    ],
    ['unescapes', { op: 'add', path: '/a~1b~0c', value: 1 }, { data: { a: '1' }, list: ['x', 'y'], 'a/b~c': 1 }],
  ])('%s', (_, operation, expected) => expect(patched(operation)).toEqual(expected));

  it.each<[JsonObject]>([
    [{ op: 'test', path: '/data/a', value: '2' }],
    [{ op: 'remove', path: '/data/zz' }],
    [{ op: 'add', path: '/nope/zz', value: 1 }],
    [{ op: 'move', path: '/data/b', from: '/data/zz' }],
    [{ op: 'move', path: '/data/b' }],
    [{ op: 'frob', path: '/data/b' }],
    [{ op: 'add', value: 1 }],
    [{ op: 'add', path: '/list/5', value: 1 }],
    [{ op: 'add', path: '/list/x', value: 1 }],
    [{ op: 'replace', path: '/list/-', value: 1 }],
    [{ op: 'remove', path: '' }],
    [{ op: 'add', path: '', value: {} }],
    [{ op: 'replace', path: '', value: true }],
    [{ op: 'replace', path: '', value: null }],
    [{ op: 'move', path: '/data/a', from: '/data' }],
  ])('refuses %j', (operation) => {
    expect(() => patched(operation)).toThrow(
      expect.objectContaining({ code: 422, message: 'the server rejected our request due to an error in our request' }),
    );
  });

  it('refuses what is no patch, or too much of one', () => {
    const message = (patch: unknown) => {
      try {
        applyJsonPatch(document, patch);
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return 'accepted';
    };
    expect(message({})).toBe(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
    expect(message([1])).toBe(
      'error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp',
    );
    expect(message([{ op: 1 }])).toBe(
      'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string',
    );
    expect(message(new Array(10_001).fill({}))).toBe(
      'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    );
    const untyped = (patch: unknown) => {
      try {
        applyJsonPatch(document, patch, { typed: false });
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
      return 'accepted';
    };
    expect(untyped({})).toBe('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
    expect(untyped([5])).toBe('json: cannot unmarshal number into Go value of type jsonpatch.Operation');
    expect(untyped([{ op: 5, path: '/data/a' }])).toContain('rejected');
    expect(message([null])).toContain('rejected');
    const doubling = [
      { op: 'add', path: '/b', value: 'x'.repeat(1000) },
      ...Array.from({ length: 40 }, (_, n) => ({ op: 'copy', from: '', path: `/c${n}` })),
    ];
    expect(message(doubling)).toContain('rejected');
  });

  it('leaves a document as it was after adding and removing', () => {
    fc.assert(
      fc.property(object, object, (before, value) => {
        fc.pre(!Object.hasOwn(before, 'new'));
        deepFreeze(before);
        const after = applyJsonPatch(before, [
          { op: 'add', path: '/new', value },
          { op: 'remove', path: '/new' },
        ]);
        expect(deepEqual(after, before)).toBe(true);
      }),
    );
  });
});

describe('merge patch', () => {
  it('turns one object into the other', () => {
    fc.assert(
      fc.property(object, object, (from, to) => {
        const patch = createMergePatch(from, to);
        expect(deepEqual(applyMergePatch(deepFreeze(from), patch), to)).toBe(true);
      }),
    );
  });

  it('is empty between equals, and changes nothing the second time', () => {
    fc.assert(
      fc.property(object, object, (from, patch) => {
        expect(createMergePatch(from, structuredClone(from))).toEqual({});
        const once = applyMergePatch(from, patch);
        expect(deepEqual(applyMergePatch(once, patch), once)).toBe(true);
      }),
    );
  });

  it('refuses bodies as the API does', () => {
    expect(() => readMergePatch([])).toThrow(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
    expect(() => readMergePatch(null)).toThrow('Invalid JSON Patch');
  });
});
