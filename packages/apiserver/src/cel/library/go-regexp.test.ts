import { describe, expect, it } from 'vitest';
import { goRegexp } from './go-regexp.ts';

const refused: readonly (readonly [pattern: string, problem: string])[] = [
  ['(', 'missing closing ): `(`'],
  ['a)', 'unexpected ): `a)`'],
  ['[a', 'missing closing ]: `[a`'],
  ['x[z-a]', 'invalid character class range: `z-a`'],
  ['[[:foo:]]', 'invalid character class range: `[:foo:]`'],
  ['\\p{Foo}', 'invalid character class range: `\\p{Foo}`'],
  ['*', 'missing argument to repetition operator: `*`'],
  ['a**', 'invalid nested repetition operator: `**`'],
  ['a{1001}', 'invalid repeat count: `{1001}`'],
  ['a{3,2}', 'invalid repeat count: `{3,2}`'],
  ['\\1', 'invalid escape sequence: `\\1`'],
  ['\\q', 'invalid escape sequence: `\\q`'],
  ['\\', 'trailing backslash at end of expression: ``'],
  ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
  ['(?P<n', 'invalid named capture: `(?P<n`'],
];

// `+` before what the pattern finds, `-` before what it does not.
const read: readonly (readonly [pattern: string, ...texts: string[]])[] = [
  ['^(?i)abc$', '+aBC', '-abcd'],
  ['a(?i:b)c', '+aBc', '-ABC'],
  ['(?i)[a-c]', '+B', '-d'],
  ['^\\w+\\z', '+a_1', '-a\n', '-é'],
  ['(?m)^b$', '+a\nb\nc', '-ab'],
  ['a.b', '+axb', '-a\nb'],
  ['(?s)a.b', '+a\nb'],
  ['[[:alpha:]]\\d', '+x1', '-11'],
  ['[^\\D]', '+1', '-a'],
  ['[]a]', '+]', '-b'],
  ['\\Q.*\\E', '+.*', '-ab'],
  ['\\p{Greek}', '+α', '-a'],
  ['{a}', '+{a}', '-a'],
  ['^(?P<year>\\d{4})-', '+2026-', '-26-'],
  ['(?<x>a)[(?<y>]\\(?(?<x>b)', '+a<b', '-ab'],
];

const pattern = (text: string) => {
  const found = goRegexp(text);
  if (!('regexp' in found)) throw new Error(found.problem);
  return found.regexp;
};

describe('regular expressions of Go', () => {
  it.each(refused)('refuses %s', (pattern, problem) => {
    expect(goRegexp(pattern)).toEqual({ problem: `error parsing regexp: ${problem}` });
  });

  it.each(read)('reads %s', (pattern, ...texts) => {
    const found = goRegexp(pattern);
    if (!('regexp' in found)) throw new Error(found.problem);
    const said = texts.map((text) => `${found.regexp.test(text.slice(1)) ? '+' : '-'}${text.slice(1)}`);
    expect(said).toEqual(texts);
  });

  it('finds all matches, but no empty one that touches the one before', () => {
    expect(pattern('[0-9]*').findAll('123 abc 456')).toEqual(['123', '', '', '', '', '456']);
    expect(pattern('a').findAll('aaa', 2)).toEqual(['a', 'a']);
    expect(pattern('.').findAll('😀x😀')).toEqual(['😀', 'x', '😀']);
    expect(pattern('x').find('abc')).toBeUndefined();
  });

  it('takes time linear to the text, where JavaScript would try for ever', () => {
    expect(pattern('^(a+)+$').test(`${'a'.repeat(100_000)}!`)).toBe(false);
    expect(pattern('(x+x+)+y').test('x'.repeat(20_000))).toBe(false);
  });
});
