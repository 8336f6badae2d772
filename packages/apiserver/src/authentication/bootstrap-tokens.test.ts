import type { KubernetesObject } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { groupsOf } from './bootstrap-tokens.ts';
import { parseCsv } from './csv.ts';
import { StaticTokens } from './static-tokens.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const base64 = (text: string) => Buffer.from(text).toString('base64');

function secret(data: Record<string, string>, change: object = {}): KubernetesObject {
  const all = {
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-authentication': 'true',
    ...data,
  };
  const encoded = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, base64(value)]));
  return {
    metadata: { name: 'bootstrap-token-abcdef' },
    type: 'bootstrap.kubernetes.io/token',
    data: encoded,
    ...change,
  } as KubernetesObject;
}

/** What kube-apiserver v1.35 says of the same Secrets. */
const cases: [string, KubernetesObject, string[] | undefined][] = [
  ['the usual one', secret({}), ['system:bootstrappers']],
  [
    'further groups',
    secret({ 'auth-extra-groups': 'system:bootstrappers:foo,system:bootstrappers:a:b' }),
    ['system:bootstrappers', 'system:bootstrappers:a:b', 'system:bootstrappers:foo'],
  ],
  ['a group of others', secret({ 'auth-extra-groups': 'foo' }), undefined],
  ['a group with a space', secret({ 'auth-extra-groups': ' system:bootstrappers:foo' }), undefined],
  ['the group that all are in', secret({ 'auth-extra-groups': 'system:bootstrappers' }), undefined],
  ['one that has ended', secret({ expiration: '2020-01-01T00:00:00Z' }), undefined],
  ['one that ends later', secret({ expiration: '2099-01-01T00:00:00+01:00' }), ['system:bootstrappers']],
  ['one that ends nobody knows when', secret({ expiration: 'zz' }), undefined],
  ['one for something else', secret({ 'usage-bootstrap-authentication': 'True' }), undefined],
  ['one of another name', secret({ 'token-id': 'zzzzzz' }), undefined],
  ['another secret', secret({ 'token-secret': '0123456789abcdeg' }), undefined],
  ['another type', secret({}, { type: 'Opaque' }), undefined],
  ['one being deleted', secret({}, { metadata: { name: 'x', deletionTimestamp: '2026-01-01T00:00:00Z' } }), undefined],
];

describe('a bootstrap token', () => {
  it.each(cases)('%s', (_what, object, groups) => {
    expect(groupsOf(object, 'abcdef', '0123456789abcdef', now)).toEqual(groups);
  });
});

describe('a token file', () => {
  it('is read as by Kubernetes', async () => {
    const tokens = new StaticTokens(
      'tok1,alice,u1,"g1,g2"\n\ntok2,bob,u2\r\ntok3,carl,,\n"tok""4",dan,u4,"a, b"\n,nobody,x\n',
      () => ['api'],
    );
    const userOf = async (token: string) => (await tokens.authenticateToken(token))?.user;
    expect(await userOf('tok1')).toEqual({ name: 'alice', uid: 'u1', groups: ['g1', 'g2'] });
    expect(await userOf('tok2')).toEqual({ name: 'bob', uid: 'u2', groups: [] });
    expect(await userOf('tok3')).toEqual({ name: 'carl', groups: [''] });
    expect(await userOf('tok"4')).toEqual({ name: 'dan', uid: 'u4', groups: ['a', ' b'] });
    expect(await userOf('')).toBeUndefined();
    expect((await tokens.authenticateToken('tok1', ['api', 'x']))?.audiences).toEqual(['api']);
    expect(await tokens.authenticateToken('tok1', ['x'])).toBeUndefined();
    expect(() => new StaticTokens('a,b\n')).toThrow(
      'a token file must have at least 3 columns (token, user name, user uid), found 2',
    );
    expect(() => parseCsv('a"b,c\n')).toThrow('line 1: a quote where none may be');
    expect(parseCsv('a,"b\nc"\n"",d')).toEqual([
      ['a', 'b\nc'],
      ['', 'd'],
    ]);
  });
});
