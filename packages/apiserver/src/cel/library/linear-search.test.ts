import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { goRegexp } from './go-regexp.ts';
import { LinearSearch } from './linear-search.ts';
import { patternSize } from './pattern-size.ts';
import { PatternWork, PatternWorkError } from './pattern-work.ts';

const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\b', '\\B', '^', '$', '\\w', '\\pL', '(?i)A', 'é', '\\z');
const pattern = fc
  .array(fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2,3}', '|')), { maxLength: 6 })
  .map((parts) => parts.map(([each, suffix]) => `(?:${each})${suffix}`).join(''));
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '\n', 'é', '😀'), maxLength: 12 });

describe('a search that goes along all alternatives at once', () => {
  it('finds what the library finds', () => {
    fc.assert(
      fc.property(pattern, text, (regexp, within) => {
        const compiled = RE2JS.compile(regexp);
        expect(new LinearSearch(compiled).test(within, new PatternWork())).toBe(compiled.test(within));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives up where it takes too long', () => {
    const search = new LinearSearch(RE2JS.compile('[ab]*a[ab]{900}[cd]'));
    const work = new PatternWork();
    expect(() => search.test('ab'.repeat(500_000), work)).toThrow(PatternWorkError);
    expect(search.test('ab'.repeat(100), new PatternWork())).toBe(false);
  });
});

describe('the size of a pattern', () => {
  it('is known before it is read, about', () => {
    const all = ['a', 'abc|d', '(ab){3,5}c*', '((a{10}){10}){10}', 'a{5,}', '[a-z]{3}\\d{2}', '\\Qa{3}\\E', '(?:a|b)?'];
    for (const each of all) {
      const real = RE2JS.compile(each).programSize();
      const { instructions } = patternSize(each);
      expect(instructions * 2 + 8, each).toBeGreaterThanOrEqual(real);
      expect(instructions, each).toBeLessThanOrEqual(real * 2);
    }
    expect(patternSize('a'.repeat(100_000))).toEqual({ instructions: 100_000, repetition: 1 });
    expect(patternSize('(a{1000}b{1000})'.repeat(100)).instructions).toBeGreaterThan(200_000);
    expect(patternSize('['.repeat(100_000)).instructions).toBeGreaterThan(0);
    expect(patternSize('((a{100}){50}b){3}').repetition).toBe(15_000);
  });

  it('is limited, in the words in which Go limits it', () => {
    expect(goRegexp('a'.repeat(20_000))).toEqual({
      problem: `error parsing regexp: expression too large: \`${'a'.repeat(100)}…\``,
    });
    expect(goRegexp('a{1000}')).toHaveProperty('regexp');
  });
});

/** Each would take seconds or minutes. */
const hostile: readonly (readonly [pattern: string, text: string])[] = [
  ['[ab]*a[ab]{100}[cd]', 'abbabaab'.repeat(100_000)],
  ['[ab]*a[ab]{900}[cd]', 'abbabaab'.repeat(100_000)],
  ['([ab]?[ab]?){1000}\\b[cd]$', 'abba'.repeat(100_000)],
  [`(${'[ab]?'.repeat(1900)})[cd]`, 'abba'.repeat(25_000)],
  ['[ab]*a[ab]{15}[cd]', 'abbabaab'.repeat(300_000)],
];

describe('a pattern from a client', () => {
  it.each(hostile)('%.40s does not hold the event loop', async (expression, within) => {
    const read = goRegexp(expression);
    if (!('regexp' in read)) throw new Error(read.problem);
    const { regexp } = read;
    // The first time it is made ready; and what others do on the machine only adds to it.
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      await turnOfEventLoop();
      const from = process.cpuUsage();
      expect(() => regexp.test(within)).toThrow(PatternWorkError);
      const { user, system } = process.cpuUsage(from);
      times.push((user + system) / 1000);
    }
    expect(Math.min(...times)).toBeLessThan(100);
  });

  it('finds long texts good as long as the pattern is simple', async () => {
    await turnOfEventLoop();
    const base64 = goRegexp('^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$');
    if (!('regexp' in base64)) throw new Error(base64.problem);
    expect(base64.regexp.test('QUJD'.repeat(250_000))).toBe(true);
  });
});
