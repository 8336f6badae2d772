import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StringPool } from './share-strings.ts';

it('changes nothing that can be seen, whatever the value', () => {
  const pool = new StringPool();
  // Few letters, so that many strings are equal, or nearly.
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\u{1F600}'), maxLength: 40 });
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('node'), { maxLength: 5 }),
      fc.dictionary(text, tie('node'), { maxKeys: 5 }),
    ),
  })).node;
  fc.assert(
    fc.property(value, (before) => {
      const json = JSON.stringify(before);
      const parsed: unknown = JSON.parse(json);
      pool.share(parsed);
      expect(JSON.stringify(parsed)).toBe(json);
    }),
  );
});

it('tells strings apart that differ where it does not look first', () => {
  const pool = new StringPool();
  const texts = Array.from(
    { length: 2_000 },
    (_, at) => `registry.example.com/${String(at).padStart(4, '0')}/web-server:v1.2.3`,
  );
  const parsed: unknown = JSON.parse(JSON.stringify([...texts, ...texts]));
  pool.share(parsed);
  expect(parsed).toEqual([...texts, ...texts]);
});

it('leaves what is nested deeper than any object of an API as it is', () => {
  const depth = 100_000;
  const parsed: unknown = JSON.parse(`${'['.repeat(depth)}"a long enough string"${']'.repeat(depth)}`);
  expect(() => new StringPool().share(parsed)).not.toThrow();
});
