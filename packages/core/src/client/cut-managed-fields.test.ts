import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutManagedFields } from './cut-managed-fields.ts';

const cut = (value: unknown) => JSON.parse(cutManagedFields(Buffer.from(JSON.stringify(value))).toString('utf8'));

/** Keys and texts that look like what is searched for. */
const word = fc.constantFrom('managedFields', 'metadata', '"managedFields":[', 'a\\', '\\"', ']}', 'ü€😀', '', 'x');
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    word,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 5 }),
  ),
})).value;

describe('cutManagedFields', () => {
  it('takes out what stands at object.metadata.managedFields, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.dictionary(word, json),
        fc.dictionary(word, json),
        fc.array(json),
        fc.nat(2),
        (object, metadata, fields, place) => {
          const entries = Object.entries(metadata).filter(([key]) => key !== 'managedFields');
          const at = Math.min(place, entries.length);
          const whole = Object.fromEntries([...entries.slice(0, at), ['managedFields', fields], ...entries.slice(at)]);
          const without = Object.fromEntries(entries);
          const { metadata: _, ...rest } = object;
          const around = (inner: unknown) => ({
            type: 'ADDED',
            object: { kind: 'X', ...rest, metadata: inner, spec: rest },
          });
          expect(cut(around(whole))).toEqual(around(without));
          expect(cut(around(without))).toEqual(around(without));
        },
      ),
    );
  });

  it('leaves alone what it does not understand', () => {
    for (const text of [
      '',
      '{',
      '"',
      '{"object":{"metadata":{"managedFields":7}}}',
      '{"object":{"metadata":{"managedFields":["',
    ]) {
      expect(cutManagedFields(Buffer.from(text)).toString()).toBe(text);
    }
  });
});
