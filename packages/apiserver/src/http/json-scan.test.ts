import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonSyntaxError, maxDepth, scanJson } from './json-scan.ts';

const messageOf = (text: string) => {
  try {
    scanJson(text);
    return '';
  } catch (error) {
    return error instanceof JsonSyntaxError ? error.message : String(error);
  }
};

describe('scanJson', () => {
  it('accepts and refuses what JSON.parse does', () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: fc.constantFrom(...'{}[]",:0123456789.eE+-truefalsn \\ub'), maxLength: 20 }),
    );
    fc.assert(
      fc.property(text, (each) => {
        let parses = true;
        try {
          JSON.parse(each);
        } catch {
          parses = false;
        }
        expect(messageOf(each) === '').toBe(parses);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds keys given twice, with their path', () => {
    const text = '{"a":1,"b":[{"c":1},{"c":{"x":1},"c":2}],"a":{"d":1,"\\u0064":2}}';
    expect(scanJson(text).duplicates).toEqual(['b[1].c', 'a', 'a.d']);
  });

  it('refuses nesting beyond the limit without overflowing the stack', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(messageOf(nested(maxDepth))).toBe('');
    expect(messageOf(nested(100_000))).toBe("invalid character '[' exceeded max depth");
  });

  it.each([
    ['', 'unexpected end of JSON input'],
    ['{"a"', 'unexpected end of JSON input'],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
  ])('says what is wrong with %s', (text, message) => {
    expect(messageOf(text)).toBe(message);
  });
});
