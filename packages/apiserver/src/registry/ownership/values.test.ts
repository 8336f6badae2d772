import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareValues } from './compare-values.ts';
import { equalSets, noFields, unionOf } from './field-set.ts';
import { fieldsOf } from './fields-of-value.ts';
import { formatFields, pathsOf } from './fields-v1.ts';
import { deduced, type MergeType } from './merge-type.ts';
import { mergeValues } from './merge-values.ts';
import { removeFields } from './remove-fields.ts';
import { findingsText, validateValue } from './validate-value.ts';

const text: MergeType = { scalar: 'string' };
const number: MergeType = { scalar: 'numeric' };
const field = (type: MergeType, keyDefault?: unknown) => ({ type, keyDefault });
const port: MergeType = {
  map: {
    atomic: false,
    fields: new Map([
      ['port', field(number)],
      ['protocol', field(text, 'TCP')],
      ['name', field(text)],
    ]),
    element: undefined,
  },
};
const type: MergeType = {
  map: {
    atomic: false,
    fields: new Map([
      ['labels', field({ map: { atomic: false, fields: new Map(), element: text } })],
      ['whole', field({ map: { atomic: true, fields: new Map(), element: deduced } })],
      ['ports', field({ list: { atomic: false, keys: ['port', 'protocol'], item: port } })],
      ['tags', field({ list: { atomic: false, keys: [], item: text } })],
      ['args', field({ list: { atomic: true, keys: [], item: text } })],
      ['n', field(number)],
    ]),
    element: undefined,
  },
};

const tag = fc.constantFrom('a', 'b', 'c');
const value = fc.record(
  {
    labels: fc.dictionary(tag, tag, { maxKeys: 3 }),
    whole: fc.dictionary(tag, tag, { maxKeys: 2 }),
    ports: fc.uniqueArray(
      fc.record({ port: fc.nat(3), protocol: fc.constantFrom('TCP', 'UDP'), name: tag }, { requiredKeys: ['port'] }),
      { selector: (each) => `${each.port}/${each.protocol ?? 'TCP'}`, maxLength: 4 },
    ),
    tags: fc.uniqueArray(tag, { maxLength: 3 }),
    args: fc.array(tag, { maxLength: 3 }),
    n: fc.nat(2),
  },
  { requiredKeys: [] },
);

describe('typed values', () => {
  it('do not differ from themselves, and differ back by the same fields', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const none = compareValues(type, a, structuredClone(a));
        expect([none.changed.size, none.removed.size]).toEqual([0, 0]);
        const there = compareValues(type, a, b);
        const back = compareValues(type, b, a);
        const all = (each: typeof there) => unionOf(each.changed, each.removed);
        expect(equalSets(all(there), all(back))).toBe(true);
      }),
    );
  });

  it('set everything when there was nothing', () => {
    fc.assert(
      fc.property(value, (a) => {
        const { changed, removed } = compareValues(type, {}, a);
        expect(removed).toBe(noFields);
        const set = fieldsOf(type, a);
        expect(equalSets(unionOf(changed, set), changed)).toBe(true);
      }),
    );
  });

  it('merge: what is applied is there afterwards, and nothing goes', () => {
    fc.assert(
      fc.property(value, value, (live, applied) => {
        const merged = mergeValues(type, live, applied);
        expect(compareValues(type, live, merged).removed.size).toBe(0);
        const missing = compareValues(type, merged, mergeValues(type, merged, applied));
        expect(missing.changed.size).toBe(0);
        expect(mergeValues(type, live, live)).toEqual(live);
      }),
    );
  });

  it('lose the fields that are taken away, and no other', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const unwanted = fieldsOf(type, b);
        const left = removeFields(type, a, unwanted) ?? {};
        const paths = new Set(pathsOf(fieldsOf(type, left)));
        for (const path of pathsOf(fieldsOf(type, a))) {
          const gone = pathsOf(unwanted).some((each) => path === each || path.startsWith(`${each}.`));
          // What is owned as a whole is not looked into.
          if (gone) expect(paths.has(path)).toBe(false);
        }
      }),
    );
  });

  it('keep the order of what is applied, with what is only live where it stood', () => {
    const merge = (live: string[], applied: string[]) => mergeValues(type, { tags: live }, { tags: applied });
    expect(merge(['a', 'b', 'c'], ['c', 'a'])).toEqual({ tags: ['b', 'c', 'a'] });
    expect(merge(['a', 'x', 'b'], ['a', 'b', 'd'])).toEqual({ tags: ['a', 'x', 'b', 'd'] });
    expect(merge(['x', 'y'], ['d'])).toEqual({ tags: ['x', 'y', 'd'] });
  });

  it('name an element by its keys and their defaults', () => {
    expect(formatFields(fieldsOf(type, { ports: [{ port: 1 }], labels: {}, args: [], tags: [] }))).toEqual({
      'f:args': {},
      'f:labels': {},
      'f:ports': { 'k:{"port":1,"protocol":"TCP"}': { '.': {}, 'f:port': {} } },
    });
  });

  it('are refused in the words of the API', () => {
    const say = (each: unknown) => findingsText(validateValue(type, each));
    expect(say({ n: 'x' })).toBe('.n: expected numeric (int or float), got string');
    expect(say({ labels: { a: 1 } })).toBe('.labels.a: expected string, got &value.valueUnstructured{Value:1}');
    expect(say({ labels: 'x' })).toBe('.labels: expected map, got &{x}');
    expect(say({ zz: 1 })).toBe('.zz: field not declared in schema');
    expect(say({ tags: ['a', 'a'] })).toBe('.tags: duplicate entries for key [="a"]');
    expect(say({ n: 'x', labels: 'y' })).toBe(
      'errors:\n  .n: expected numeric (int or float), got string\n  .labels: expected map, got &{y}',
    );
  });
});
