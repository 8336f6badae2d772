import type { KubernetesObject } from '@keelson/core';
import { StatusError } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import type { TokenSpec } from './service-account-tokens.ts';
import { requestToken } from './token-requests.ts';

/** The answers of kube-apiserver v1.35 to the same requests. */

const own = ['https://kubernetes.default.svc.cluster.local'];
const stored: Record<string, object> = {
  'serviceaccounts/bot': {},
  'pods/p1': { spec: { serviceAccountName: 'bot', nodeName: 'n' } },
  'pods/p2': { spec: { serviceAccountName: 'bot', nodeName: 'gone' } },
  'pods/p3': { spec: { serviceAccountName: 'bot' } },
  'pods/other': { spec: { serviceAccountName: 'b2' } },
  'secrets/s1': {},
  'nodes/n': {},
};

async function ask(spec: object): Promise<TokenSpec> {
  let issued: TokenSpec | undefined;
  await requestToken('shop', 'bot', spec, {
    audiences: own,
    issuer: {
      async issue(asked) {
        issued = asked;
        return { token: 't', expirationTimestamp: '2026-01-01T00:00:00Z' };
      },
    },
    async lookup(resource, _namespace, name): Promise<KubernetesObject> {
      const found = stored[`${resource}/${name}`];
      if (!found) throw StatusError.notFound({ group: '', resource }, name);
      return { metadata: { name, uid: `uid-${name}` }, ...found };
    },
  });
  if (!issued) throw new Error('nothing was issued');
  return issued;
}

const ref = (kind: string, name: string, more: object = {}) => ({
  boundObjectRef: { kind, name, apiVersion: 'v1', ...more },
});

describe('a token request', () => {
  it('binds to pods with their nodes, to Secrets and to nodes', async () => {
    expect(await ask({})).toEqual({
      namespace: 'shop',
      name: 'bot',
      uid: 'uid-bot',
      audiences: own,
      expirationSeconds: 3600,
    });
    expect(await ask(ref('Pod', 'p1'))).toMatchObject({
      boundObject: { kind: 'Pod', name: 'p1', uid: 'uid-p1' },
      node: { name: 'n', uid: 'uid-n' },
    });
    expect((await ask(ref('Pod', 'p2'))).node).toEqual({ name: 'gone' });
    expect((await ask(ref('Pod', 'p3'))).node).toBeUndefined();
    expect((await ask(ref('Pod', 'p1', { apiVersion: 'v2' }))).boundObject?.name).toBe('p1');
    expect((await ask(ref('Secret', 's1'))).boundObject?.uid).toBe('uid-s1');
    expect((await ask(ref('Node', 'n'))).boundObject?.kind).toBe('Node');
  });

  it('of a kubelet for the volume that every pod gets lives on for a year', async () => {
    const mounted = { expirationSeconds: 3607, ...ref('Pod', 'p3') };
    const year = { expirationSeconds: 31_536_000, warnAfterSeconds: 3607 };
    expect(await ask(mounted)).toMatchObject(year);
    expect(await ask({ ...mounted, audiences: own })).toMatchObject(year);
    for (const other of [
      { ...mounted, audiences: ['vault'] },
      { ...mounted, audiences: [...own, 'vault'] },
      { expirationSeconds: 3607 },
    ])
      expect(await ask(other)).toMatchObject({ expirationSeconds: 3607 });
    expect((await ask({ ...mounted, expirationSeconds: 3608 })).warnAfterSeconds).toBeUndefined();
  });

  const uidMismatch = (kind: string, name: string) =>
    `Operation cannot be fulfilled on ${kind} "${name}": the UID in the bound object reference (x) does not match the UID in record. The object might have been deleted and then recreated`;
  const refused: [object, number, string][] = [
    [ref('Pod', 'p1', { uid: 'x' }), 409, uidMismatch('Pod', 'p1')],
    [ref('Secret', 's1', { uid: 'x' }), 409, uidMismatch('Secret', 's1')],
    [ref('Node', 'n', { uid: 'x' }), 409, uidMismatch('Node', 'n')],
    [ref('Pod', 'nope'), 404, 'pods "nope" not found'],
    [ref('Pod', ''), 400, 'Name parameter required.'],
    [ref('ConfigMap', 'x'), 400, 'cannot bind token to object of type /v1, Kind=ConfigMap'],
    [ref('Pod', 'p1', { apiVersion: 'apps/v1' }), 400, 'cannot bind token to object of type apps/v1, Kind=Pod'],
    [
      ref('Pod', 'other'),
      400,
      'cannot bind token for serviceaccount "bot" to pod running with different serviceaccount name.',
    ],
  ];
  it.each(refused)('%o is refused with %i', async (spec, code, message) => {
    await expect(ask(spec)).rejects.toMatchObject({ code, message });
  });
});
