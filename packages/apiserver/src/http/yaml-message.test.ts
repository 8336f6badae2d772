import { expect, it } from 'vitest';
import { readYaml, YamlError } from './read-yaml.ts';

// Each as a real v1.35 was seen to say it.
it.each([
  ['{', 'line 1: did not find expected node content'],
  ['[', 'line 1: did not find expected node content'],
  ['{"metadata":', 'line 1: did not find expected node content'],
  ['{"a":\n', 'line 1: did not find expected node content'],
  ['[a,', 'line 1: did not find expected node content'],
  ['{a: b,\n', 'line 1: did not find expected node content'],
  ['{a: b, c', "line 1: did not find expected ',' or '}'"],
  ['[{a: b}', "line 1: did not find expected ',' or ']'"],
  ['a: [b\n', "line 1: did not find expected ',' or ']'"],
  ['{? a', "line 1: did not find expected ',' or '}'"],
  ['[,', 'did not find expected node content'],
  ['{a: b', "line 1: did not find expected ',' or '}'"],
  ['[a', "line 1: did not find expected ',' or ']'"],
  ['a: {\nb: c', "line 2: did not find expected ',' or '}'"],
  ['a: "b', 'found unexpected end of stream'],
  ['a: b: c', 'mapping values are not allowed in this context'],
  ['a: b\nc: d: e', 'line 2: mapping values are not allowed in this context'],
  ['a: b\n c: d', 'line 2: mapping values are not allowed in this context'],
  ['a\nb: c', 'line 2: mapping values are not allowed in this context'],
  ['a: b\n- c', 'line 1: did not find expected key'],
  ['a:\n\tb: c', 'line 2: found character that cannot start any token'],
  ['`a', 'found character that cannot start any token'],
  ['"\\q"', 'found unknown escape character'],
  ['a: |x', 'did not find expected comment or line break'],
  [']', 'did not find expected node content'],
  ['a: *x', "unknown anchor 'x' referenced"],
])('%j', (text, message) => {
  expect(() => readYaml(text)).toThrow(new YamlError(message));
});
