import { describe, expect, it } from 'vitest';
import { pathCell } from './path-cell.ts';

const now = Date.parse('2026-11-21T16:00:00Z');
const types = ['string', 'integer', 'number', 'boolean', 'date'] as const;
const paths = ['.spec.l[*].n', '.spec.l', '.spec.o'];

// The cells of a real kube-apiserver v1.35.4, a row for each type.
describe.each<[object, readonly (readonly unknown[])[]]>([
  [
    { l: [{ n: 'a' }, { n: 'b' }], o: { z: 1, a: 'x<' } },
    [
      ['a', '[{"n":"a"},{"n":"b"}]', '{"a":"x\\u003c","z":1}'],
      [null, null, null],
      [null, null, null],
      [null, null, null],
      ['<invalid>', null, null],
    ],
  ],
  [
    { l: [{ m: 1 }, { n: 2.5 }], o: [1, 'a', { b: 2 }] },
    [
      ['2.5', '[{"m":1},{"n":2.5}]', '[1,"a",{"b":2}]'],
      [2, null, null],
      [2.5, null, null],
      [null, null, null],
      [null, null, null],
    ],
  ],
  [
    { l: [{ n: true }, { m: 1 }], o: 1e30 },
    [
      ['true', '[{"n":true},{"m":1}]', '1e+30'],
      [null, null, -(2 ** 63)],
      [null, null, 1e30],
      [true, null, null],
      [null, null, null],
    ],
  ],
  [
    { l: [], o: null },
    [
      [null, '[]', '<no value>'],
      [null, null, null],
      [null, null, null],
      [null, null, null],
      [null, null, null],
    ],
  ],
  [
    { l: null, o: '2020-01-01T00:00:00Z' },
    [
      [null, '<no value>', '2020-01-01T00:00:00Z'],
      [null, null, null],
      [null, null, null],
      [null, null, null],
      [null, null, '6y326d'],
    ],
  ],
])('of %j', (spec, rows) => {
  const object = { metadata: { name: 'x' }, spec };
  it.each(types.map((type, at) => [type, rows[at]]))('as %s', (type, expected) =>
    expect(paths.map((path) => pathCell(String(type), path, object, now))).toEqual(expected));
});
