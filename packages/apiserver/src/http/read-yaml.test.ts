import { deepestJson } from '@keelson/core/machinery';
import { describe, expect, it } from 'vitest';
import { checkUtf8, readYaml, YamlError } from './read-yaml.ts';

const refusal = (text: string) => {
  try {
    readYaml(text);
    return undefined;
  } catch (error) {
    return error instanceof YamlError ? error.message : error;
  }
};

describe('readYaml', () => {
  // In the words of a real API server.
  it.each([
    ['a: 1\n<<: 1\n', 'map merge requires map or sequence of maps as the value'],
    ['<<: [1]\n', 'map merge requires map or sequence of maps as the value'],
    ['a: &x [1]\n<<: *x\n', 'map merge requires map or sequence of maps as the value'],
    ['a: &a\n  b: *a\n', "anchor 'a' value contains itself"],
    ['a: *missing\n', "unknown anchor 'missing' referenced"],
    ['? [a, b]\n: c\n', 'invalid map key: []interface {}{"a", "b"}'],
    ['? {a: 1}\n: c\n', 'invalid map key: map[interface {}]interface {}{"a":1}'],
  ])('refuses %j', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  it.each([
    ['keys in keys', '? '.repeat(3000)],
    ['lists in lists', `${'- '.repeat(20_000)}x`],
    ['brackets', '['.repeat(9_000)],
    ['indentation', Array.from({ length: 1500 }, (_, at) => `${' '.repeat(at)}a:\n`).join('')],
    [
      'aliases of aliases',
      `a: &a [${'x,'.repeat(9)}]\n${[...'bcdefgh'].map((each, at) => `${each}: &${each} [${`*${'abcdefg'[at]},`.repeat(9)}]`).join('\n')}`,
    ],
  ])('is not held up by %s', (_, text) => {
    const begun = performance.now();
    refusal(text);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  /** Of so many levels. */
  const nested: Readonly<Record<string, (levels: number) => string>> = {
    'lists in brackets': (levels) => `${'['.repeat(levels)}${']'.repeat(levels)}`,
    'maps in braces': (levels) => `${'{a: '.repeat(levels)}${'}'.repeat(levels)}`,
    'maps by indentation': (levels) => Array.from({ length: levels }, (_, at) => `${' '.repeat(at)}a:\n`).join(''),
    'lists in a line': (levels) => `${'- '.repeat(levels)}x`,
    'lists and maps': (levels) => Array.from({ length: levels / 2 }, (_, at) => `${'  '.repeat(at)}- a:\n`).join(''),
    'lists of maps that begin where their keys do': (levels) =>
      Array.from({ length: levels / 2 }, (_, at) => `${'  '.repeat(at)}${at > 0 ? '- ' : ''}a:\n`).join(''),
    'tagged lists': (levels) => `${'!!seq ['.repeat(levels)}${']'.repeat(levels)}`,
  };

  it.each(Object.entries(nested))('reads %s as deep as may be, and no deeper', (_, make) => {
    const depthOf = (value: unknown): number => {
      let depth = 0;
      for (let each = value; typeof each === 'object' && each !== null; depth += 1) [each] = Object.values(each);
      return depth;
    };
    expect(refusal(make(deepestJson - 2))).toBeUndefined();
    expect(depthOf(readYaml(make(deepestJson - 2)).value)).toBeGreaterThanOrEqual(deepestJson - 4);
    for (let levels = deepestJson + 4; levels < 20_000; levels = Math.ceil(levels * 1.3)) {
      // By indentation a text of so many levels is longer than a request may be.
      const text = make(levels);
      if (text.length < 4_000_000) expect(refusal(text)).toBe('exceeded max depth of 400');
    }
  });

  // A regular expression that was compiled near the end of the stack ended the process.
  it.each([
    '[',
    '{? ',
    '? ',
    '- ',
    '? - ',
    '!!seq [',
    '&a [',
    '{a: ',
    '"a": {',
  ])('survives any number of %j, and is not held up', (part) => {
    const begun = performance.now();
    for (let count = 50; count < 12_000; count = Math.ceil(count * 1.2)) refusal(part.repeat(count));
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('merges maps, and reads no more than one document', () => {
    expect(readYaml('a: &a {x: 1}\nb:\n  <<: *a\n  z: 2\n---\nc: 1\n').value).toEqual({
      a: { x: 1 },
      b: { x: 1, z: 2 },
    });
  });
});

describe('checkUtf8', () => {
  it.each([
    ['\xff', 'invalid leading UTF-8 octet'],
    ['\x80', 'invalid leading UTF-8 octet'],
    ['b\xc3', 'incomplete UTF-8 octet sequence'],
    ['\xc3x', 'invalid trailing UTF-8 octet'],
    ['\xe2\x82\nb', 'invalid trailing UTF-8 octet'],
    ['\xc0\x80', 'invalid length of a UTF-8 sequence'],
    ['\xed\xa0\x80', 'invalid Unicode character'],
    ['\xf4\x90\x80\x80', 'invalid Unicode character'],
  ])('refuses %j', (bytes, message) => {
    expect(() => checkUtf8(Buffer.from(bytes, 'latin1'))).toThrow(new YamlError(message));
  });

  it('takes all that is UTF-8', () => {
    expect(() => checkUtf8(Buffer.from('aé€😀'))).not.toThrow();
  });
});
