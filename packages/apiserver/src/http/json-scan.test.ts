import { deepestJson } from '@keelson/core/machinery';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from './body-findings.ts';
import { JsonSyntaxError, scanJson } from './json-scan.ts';

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
    expect(messageOf(nested(deepestJson))).toBe('');
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

describe('readJson', () => {
  it('puts an object given twice together, as Go does', () => {
    const text = '{"a":{"x":1,"y":[1]},"b":1,"a":{"y":[2],"z":{"q":1}},"b":2,"a":{"z":{"r":2}},"__proto__":{"c":1}}';
    expect(JSON.stringify(readJson(text).value)).toBe(
      '{"a":{"x":1,"y":[2],"z":{"q":1,"r":2}},"b":2,"__proto__":{"c":1}}',
    );
    expect(readJson(text).findings).toEqual(['duplicate field "a"', 'duplicate field "b"']);
  });

  it('remembers how numbers were written', () => {
    expect([...scanJson('{"a":[1.0,{"b":1e3}],"c":12345678901234567890,"d":-5}').numbers]).toEqual([
      ['a[0]', '1.0'],
      ['a[1].b', '1e3'],
      ['c', '12345678901234567890'],
    ]);
  });
});
