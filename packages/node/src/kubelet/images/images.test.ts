import type { Secret } from '@keelson/core/api';
import { describe, expect, it } from 'vitest';
import { parseImageName, withDefaultTag } from './image-name.ts';
import { credentialsFor } from './registry-credentials.ts';

describe('image names', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  it.each([
    ['busybox', 'busybox:latest'],
    ['busybox:1', 'busybox:1'],
    ['localhost:5000/a/b', 'localhost:5000/a/b:latest'],
    [`r.io/a@${digest}`, `r.io/a@${digest}`],
    ['UPPER', undefined],
    ['', undefined],
    ['a b', undefined],
    ['a:', undefined],
    ['a@sha256:x', undefined],
  ])('%s with a tag is %s', (image, expected) => expect(withDefaultTag(image)).toBe(expected));
  it('know where they come from', () => {
    expect(parseImageName('busybox')).toMatchObject({ registry: 'docker.io', repository: 'library/busybox' });
    expect(parseImageName('me/app:2')).toMatchObject({ registry: 'docker.io', repository: 'me/app', tag: '2' });
    expect(parseImageName('r.io:5000/a/b')).toMatchObject({ registry: 'r.io:5000', repository: 'a/b' });
  });
});

describe('pull secrets', () => {
  const secret = (auths: object): Secret => ({
    metadata: { name: 's' },
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  });
  const auth = Buffer.from('user:pa:ss').toString('base64');
  it('fit by host and path, the longest first', () => {
    const secrets = [
      secret({
        'r.io': { auth },
        'r.io/team': { username: 'team', password: 'x' },
        '*.example.com': { auth },
        'https://index.docker.io/v1/': { auth },
      }),
    ];
    expect(credentialsFor('r.io/team/app', secrets).map((each) => each.username)).toEqual(['team', 'user']);
    expect(credentialsFor('r.io/other', secrets)).toMatchObject([{ username: 'user', password: 'pa:ss' }]);
    expect(credentialsFor('eu.example.com/a', secrets)).toHaveLength(1);
    expect(credentialsFor('a.b.example.com/a', secrets)).toHaveLength(0);
    expect(credentialsFor('busybox', secrets)).toHaveLength(1);
  });
  it('that cannot be read count as none', () => {
    expect(
      credentialsFor('r.io/a', [{ metadata: { name: 's' }, data: { '.dockerconfigjson': 'bm90IGpzb24=' } }]),
    ).toEqual([]);
  });
});
