import { Agent, request as httpsRequest } from 'node:https';
import { ClusterRole, Node, Pod, Role, RoleBinding, Secret, ServiceAccount } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { KeyPair } from '../pki/index.ts';
import { startTestApiServer, type TestApiServer } from './index.ts';

/** Attempts to get more than one has, over real TLS connections with certificates of one's own. */

const Answer = z.looseObject({ message: z.string().optional() });
const namespace = 'default';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const group = 'rbac.authorization.k8s.io';

let server: TestApiServer;
let joe: KeyPair;
let first: KeyPair;
let second: KeyPair;

async function sendAs(
  { certificate: cert, key }: KeyPair,
  method: string,
  path: string,
  body?: object,
  type = 'application/json',
): Promise<{ readonly code: number; readonly message: string; readonly text: string }> {
  const agent = new Agent({ ca: server.pki?.ca, cert, key });
  try {
    return await new Promise((resolve, reject) => {
      const headers = { 'content-type': type };
      const sent = httpsRequest(new URL(path, server.listening?.url), { agent, method, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.once('end', () => {
          const { message = '' } = Answer.parse(JSON.parse(text));
          resolve({ code: answer.statusCode ?? 0, message, text });
        });
      });
      sent.once('error', reject);
      sent.end(body && JSON.stringify(body));
    });
  } finally {
    agent.destroy();
  }
}

const roleBinding = (name: string, roleRef: object, subject = 'joe') => ({
  apiVersion: `${group}/v1`,
  kind: 'RoleBinding',
  metadata: { name },
  roleRef: { apiGroup: group, ...roleRef },
  subjects: [{ apiGroup: group, kind: 'User', name: subject }],
});

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  const { pki, client } = server;
  if (!pki) throw new Error('no certificates');
  joe = await pki.issueClient({ commonName: 'joe' });
  const node = (name: string) =>
    pki.issueClient({ commonName: `system:node:${name}`, organizations: ['system:nodes'] });
  [first, second] = await Promise.all([node('first'), node('second')]);
  await client.create(Role, {
    metadata: { name: 'joe', namespace },
    rules: [
      { apiGroups: [group], resources: ['roles', 'rolebindings'], verbs: ['create', 'get', 'update', 'patch'] },
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
    ],
  });
  await client.create(RoleBinding, {
    metadata: { name: 'joe', namespace },
    roleRef: { apiGroup: group, kind: 'Role', name: 'joe' },
    subjects: [{ apiGroup: group, kind: 'User', name: 'joe' }],
  });
  await client.create(ClusterRole, {
    metadata: { name: 'reads-configmaps' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }],
  });
  await client.create(ServiceAccount, { metadata: { name: 'default', namespace } });
  for (const name of ['first', 'second']) {
    await client.create(Node, { metadata: { name }, spec: {} });
    await client.create(Secret, { metadata: { name: `of-${name}`, namespace }, data: { a: 'aGlkZGVu' } });
    await client.create(Pod, {
      metadata: { name, namespace },
      spec: {
        nodeName: name,
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', secret: { secretName: `of-${name}` } }],
      },
    });
  }
  const known = `${rbac}/namespaces/${namespace}/roles/joe`;
  await waitFor(async () => (await sendAs(joe, 'GET', known)).code === 200);
});
afterAll(() => server.stop());

describe('who may write roles and bindings', () => {
  const roles = `${rbac}/namespaces/${namespace}/roles`;
  const bindings = `${rbac}/namespaces/${namespace}/rolebindings`;
  const refused =
    'is forbidden: user "joe" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:';

  it('gives away no more than they have, by a binding or by a role', async () => {
    const held = roleBinding('held', { kind: 'ClusterRole', name: 'reads-configmaps' }, 'ann');
    expect(await sendAs(joe, 'POST', bindings, held)).toMatchObject({ code: 201 });
    for (const name of ['cluster-admin', 'admin', 'edit', 'view', 'system:node']) {
      const answer = await sendAs(joe, 'POST', bindings, roleBinding('more', { kind: 'ClusterRole', name }));
      expect(answer).toMatchObject({ code: 403, message: expect.stringContaining(`"more" ${refused}`) });
    }
    const everything = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const role = { apiVersion: `${group}/v1`, kind: 'Role', metadata: { name: 'all' }, rules: everything };
    expect(await sendAs(joe, 'POST', roles, role)).toMatchObject({
      code: 403,
      message: `roles.rbac.authorization.k8s.io "all" ${refused}\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}`,
    });
    expect((await sendAs(joe, 'GET', `${bindings}/more`)).code).toBe(404);
    expect((await sendAs(joe, 'GET', `${roles}/all`)).code).toBe(404);
  });

  it('does not gain by changing what is there, nor by a role that is not there yet', async () => {
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
    const patches = {
      'application/merge-patch+json': { rules },
      'application/strategic-merge-patch+json': { rules },
      'application/json-patch+json': [{ op: 'replace', path: '/rules', value: rules }],
    };
    for (const [type, body] of Object.entries(patches)) {
      const answer = await sendAs(joe, 'PATCH', `${roles}/joe`, body, type);
      expect(answer).toMatchObject({ code: 403, message: expect.stringContaining(`"joe" ${refused}`) });
    }
    const later = roleBinding('later', { kind: 'Role', name: 'later' });
    expect((await sendAs(joe, 'POST', bindings, later)).code).toBe(404);
    expect(
      (await sendAs(joe, 'POST', `${rbac}/clusterrolebindings`, { ...later, kind: 'ClusterRoleBinding' })).code,
    ).toBe(403);
    expect((await sendAs(joe, 'GET', `/api/v1/namespaces/${namespace}/secrets/of-first`)).code).toBe(403);
  });
});

describe('a node', () => {
  const secret = (name: string) => `/api/v1/namespaces/${namespace}/secrets/${name}`;

  it('reads the Secrets of its own pods and of no others', async () => {
    expect(await sendAs(first, 'GET', secret('of-first'))).toMatchObject({
      code: 200,
      text: expect.stringContaining('aGlkZGVu'),
    });
    for (const [pair, name] of [
      [first, 'of-second'],
      [second, 'of-first'],
    ] as const) {
      const answer = await sendAs(pair, 'GET', secret(name));
      expect(answer).toMatchObject({
        code: 403,
        message: expect.stringContaining('no relationship found between node'),
      });
      expect(answer.text).not.toContain('aGlkZGVu');
    }
    expect((await sendAs(first, 'GET', `/api/v1/namespaces/${namespace}/secrets`)).code).toBe(403);
    expect((await sendAs(first, 'GET', '/api/v1/secrets?watch=1')).code).toBe(403);
  });

  it('does not come by them through a pod of its own, another node, or a token', async () => {
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const mirror = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'stolen', annotations: { 'kubernetes.io/config.mirror': 'x' } },
      spec: {
        nodeName: 'first',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', secret: { secretName: 'of-second' } }],
      },
    };
    expect((await sendAs(first, 'POST', pods, mirror)).code).toBe(403);
    expect((await sendAs(first, 'DELETE', `${pods}/second`)).code).toBe(403);
    const labels = { metadata: { labels: { 'node-restriction.kubernetes.io/a': 'b' } } };
    const merge = 'application/merge-patch+json';
    expect((await sendAs(first, 'PATCH', '/api/v1/nodes/first', labels, merge)).code).toBe(403);
    expect(
      (await sendAs(first, 'PATCH', '/api/v1/nodes/second', { metadata: { labels: { a: 'b' } } }, merge)).code,
    ).toBe(403);
    const token = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const path = '/api/v1/namespaces/kube-system/serviceaccounts/default/token';
    expect((await sendAs(first, 'POST', path, token)).code).toBe(403);
    expect((await sendAs(first, 'GET', secret('of-second'))).code).toBe(403);
  });
});
