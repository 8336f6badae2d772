import { isStatusError } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { decodeObject, decodePatch } from './decode-body.ts';

const failure = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    if (isStatusError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return '';
};

describe('decodeObject', () => {
  it('reads YAML, telling the lines of keys given twice', () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  name: b\n';
    const { value, findings } = decodeObject(text, 'application/yaml; charset=utf-8', 'ConfigMap');
    expect(value).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } });
    expect(findings).toEqual(['line 5: key "name" already set in map']);
  });

  it('takes half a character for none', () => {
    const text = '{"a":"\\ud800b\\udc00","b":"\\ud83d\\ude00","c":"\\\\ud800"}';
    expect(decodeObject(text, 'application/json', 'ConfigMap').value).toEqual({
      a: '\ufffdb\ufffd',
      b: '😀',
      c: '\\ud800',
    });
  });

  it('answers in the words of Kubernetes', () => {
    const cut = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"';
    expect(failure(() => decodeObject(cut, 'application/json', 'ConfigMap'))).toBe(
      '400 the object provided is unrecognized (must be of type ConfigMap): ' +
        `couldn't get version/kind; json parse error: unexpected end of JSON input ({"apiVersion":"v1","kind":"Con ...)`,
    );
    expect(failure(() => decodeObject('x', 'text/plain', 'Pod'))).toContain(
      '415 the body of the request was in an unknown',
    );
  });

  it('survives nesting of 100,000 in every form', () => {
    for (const type of ['application/json', 'application/yaml']) {
      const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      expect(failure(() => decodeObject(deep, type, 'Pod'))).toContain('exceeded max depth');
      const flow = `a: ${'{a: '.repeat(20_000)}`;
      expect(failure(() => decodeObject(flow, 'application/yaml', 'Pod'))).toContain('400');
    }
  });

  it('does not let aliases grow without bound', () => {
    const levels = Array.from(
      { length: 9 },
      (_, index) => `l${index + 1}: &l${index + 1} [${Array(9).fill(`*l${index}`)}]`,
    );
    const bomb = `l0: &l0 [x]\n${levels.join('\n')}\n`;
    expect(failure(() => decodeObject(bomb, 'application/yaml', 'Pod'))).toContain('400');
  });
});

describe('decodePatch', () => {
  it('wants a list of operations for a JSON patch and an object for the others', () => {
    expect(failure(() => decodePatch('{"a":1}', 'application/json-patch+json'))).toBe(
      '400 error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
    expect(failure(() => decodePatch('[1]', 'application/merge-patch+json'))).toContain(
      '400 error decoding patch: json: cannot unmarshal array',
    );
  });
});
