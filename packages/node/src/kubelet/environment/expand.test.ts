import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from './expand.ts';

const variables: Readonly<Record<string, string>> = { A: 'a', B: '$(A)', EMPTY: '' };
const of = (text: string) => expand(text, (name) => variables[name]);

describe('expand', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['$(A)', 'a'],
    ['x$(A)y$(A)', 'xaya'],
    ['$(B)', '$(A)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$(MISSING)', '$(MISSING)'],
    ['$(A', '$(A'],
    ['$A', '$A'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$$', '$'],
    ['[$(EMPTY)]', '[]'],
    ['$()', '$()'],
  ])('%s is %s', (text, expected) => expect(of(text)).toBe(expected));

  it('leaves text without a dollar alone', () => {
    fc.assert(fc.property(fc.string(), (text) => text.includes('$') || of(text) === text));
  });
});
