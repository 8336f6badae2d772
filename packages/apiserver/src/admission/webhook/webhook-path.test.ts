import { expect, it } from 'vitest';
import { webhookPath } from './webhook-path.ts';

/** What a v1.35.4 kube-apiserver asked a webhook for whose URL has such a path. */
it.each([
  ['', '/'],
  ['/', '/'],
  ['//a', '/a'],
  ['/a/', '/a'],
  ['/a//b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/./b/', '/a/b'],
  ['/a%2Fb', '/a/b'],
  ['/a%20b', '/a%20b'],
  ['//', '/'],
  ['/a/..', '/'],
  ['/%2e%2e/x', '/x'],
  ['/ä', '/%C3%A4'],
])('asks for %s as %s', (path, asked) => {
  expect(webhookPath(path)).toBe(asked);
});
