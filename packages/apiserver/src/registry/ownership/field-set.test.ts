import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  differenceOf,
  equalSets,
  type FieldNode,
  type FieldSet,
  intersectionOf,
  leaf,
  matchingFields,
  noFields,
  recursiveDifferenceOf,
  unionOf,
} from './field-set.ts';
import { formatFields, parseFields, pathsOf } from './fields-v1.ts';
import { keyElement, valueElement } from './path-element.ts';

const element = fc.oneof(
  fc.constantFrom('f:a', 'f:b', 'f:c', 'f:é', 'f:.'),
  fc.constantFrom('x', 'y', '<&>', '"').map((each) => keyElement([['name', each]])),
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('TCP', 'UDP')).map(([port, protocol]) =>
    keyElement([
      ['port', port],
      ['protocol', protocol],
    ]),
  ),
  fc.constantFrom<unknown>('x', 1, 2.5, true).map(valueElement),
  fc.nat(3).map((each) => `i:${each}`),
);

const { set } = fc.letrec<{ set: FieldSet; node: FieldNode }>((tie) => ({
  set: fc.array(fc.tuple(element, tie('node')), { maxLength: 4, depthIdentifier: 'set' }).map((each) => new Map(each)),
  node: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'set' },
    fc.constant(leaf),
    fc.tuple(fc.boolean(), tie('set')).map(([member, children]) => (children.size === 0 ? leaf : { member, children })),
  ),
}));

const same = (a: FieldSet, b: FieldSet) => expect(equalSets(a, b)).toBe(true);
const law = (check: (a: FieldSet, b: FieldSet, c: FieldSet) => void) =>
  fc.assert(fc.property(set, set, set, check), { numRuns: 300 });

describe('sets of fields', () => {
  it('unite and intersect in any order and grouping', () => {
    law((a, b, c) => {
      same(unionOf(a, b), unionOf(b, a));
      same(unionOf(a, unionOf(b, c)), unionOf(unionOf(a, b), c));
      same(intersectionOf(a, b), intersectionOf(b, a));
      same(intersectionOf(a, intersectionOf(b, c)), intersectionOf(intersectionOf(a, b), c));
      same(intersectionOf(a, unionOf(b, c)), unionOf(intersectionOf(a, b), intersectionOf(a, c)));
    });
  });

  it('are made of what is in the other and what is not', () => {
    law((a, b, c) => {
      same(unionOf(differenceOf(a, b), intersectionOf(a, b)), a);
      same(intersectionOf(differenceOf(a, b), b), noFields);
      same(differenceOf(differenceOf(a, b), c), differenceOf(a, unionOf(b, c)));
      same(differenceOf(a, a), noFields);
    });
  });

  it('are returned themselves where nothing changes', () => {
    law((a, b) => {
      const both = unionOf(a, b);
      expect(unionOf(both, a)).toBe(both);
      expect(differenceOf(a, differenceOf(b, a))).toBe(a);
      expect(intersectionOf(a, a)).toBe(a);
    });
  });

  it('lose what lies below, when asked to', () => {
    law((a, b) => {
      const left = recursiveDifferenceOf(a, b);
      same(differenceOf(left, b), left);
      same(unionOf(left, a), a);
    });
    const deep = parseFields({ 'f:a': { 'f:b': { 'f:c': {} } }, 'f:d': {} });
    expect(pathsOf(recursiveDifferenceOf(deep, parseFields({ 'f:a': { 'f:b': {} } })))).toEqual(['.d']);
    expect(pathsOf(differenceOf(deep, parseFields({ 'f:a': { 'f:b': {} } })))).toEqual(['.d', '.a.b.c']);
  });

  it('are read as they are written', () => {
    law((a) => {
      const written = JSON.parse(JSON.stringify(formatFields(a))) as unknown;
      same(parseFields(written), a);
      expect(JSON.stringify(formatFields(parseFields(written)))).toBe(JSON.stringify(written));
    });
  });

  it('are written in one order, whichever way they were made', () => {
    law((a, b) => {
      expect(JSON.stringify(formatFields(unionOf(a, b)))).toBe(JSON.stringify(formatFields(unionOf(b, a))));
      expect(formatFields(unionOf(a, b))).toBe(formatFields(unionOf(b, a)));
    });
  });

  it('have paths as messages show them', () => {
    const fields = {
      'f:spec': {
        'f:ports': { 'k:{"protocol":"TCP","port":80}': { '.': {}, 'f:name': {} }, 'v:"x"': {}, 'i:2': {}, 'q:new': {} },
      },
    };
    expect(pathsOf(parseFields(fields))).toEqual([
      '.spec.ports[port=80,protocol="TCP"]',
      '.spec.ports[="x"]',
      '.spec.ports[2]',
      '.spec.ports[port=80,protocol="TCP"].name',
    ]);
    const matched = matchingFields(parseFields(fields), [['f:spec', '*', 'i:2']]);
    expect(pathsOf(matched)).toEqual(['.spec.ports[2]']);
  });
});
