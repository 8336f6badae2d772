import { request as httpsRequest } from 'node:https';
import { ClusterRoleBinding, FlowSchema, PriorityLevelConfiguration, systemClock } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../pki/index.ts';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';

let server: TestApiServer;
let joe: KeyPair;
const clock = new FakeClock(systemClock.now());

beforeAll(async () => {
  server = await startTestApiServer({ socket: true, clock });
  if (!server.pki) throw new Error('no certificates');
  joe = await server.pki.issueClient({ commonName: 'joe' });
});
afterAll(() => server.stop());

interface Asked {
  readonly code: number;
  readonly flow: unknown;
  readonly level: unknown;
  readonly type: string | undefined;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

function ask(path: string, as?: KeyPair, headers: Record<string, string> = {}): Promise<Asked> {
  const { pki, listening } = server;
  const pair = as && { cert: as.certificate, key: as.key };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      { host: '127.0.0.1', port: listening?.port, path, headers, ca: pki?.ca, ...pair, agent: false },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () =>
          resolve({
            code: answer.statusCode ?? 0,
            flow: answer.headers['x-kubernetes-pf-flowschema-uid'],
            level: answer.headers['x-kubernetes-pf-prioritylevel-uid'],
            type: answer.headers['content-type'],
            retryAfter: answer.headers['retry-after'],
            text,
          }),
        );
      },
    );
    sent.on('error', reject).end();
  });
}

const uids = async (flow: string, level: string) => ({
  flow: (await server.client.get(FlowSchema, { name: flow })).metadata.uid,
  level: (await server.client.get(PriorityLevelConfiguration, { name: level })).metadata.uid,
});

/** On which answers they are was asked of kube-apiserver v1.35. */
describe('the headers of flow control', () => {
  it('are on what was found, not found, refused and debugged', async () => {
    const exempt = await uids('exempt', 'exempt');
    const admin = server.pki?.admin;
    expect(await ask('/api/v1/namespaces/default', admin)).toMatchObject({ code: 200, ...exempt });
    expect(await ask('/nosuch', admin)).toMatchObject({ code: 404, ...exempt });
    expect(await ask('/debug/api_priority_and_fairness/dump_requests', admin)).toMatchObject({ code: 200, ...exempt });
    expect(await ask('/api/v1/namespaces/default', joe)).toMatchObject({
      code: 403,
      ...(await uids('global-default', 'global-default')),
    });
    expect(await ask('/livez')).toMatchObject({ code: 200, ...(await uids('probes', 'exempt')) });
  });

  it('are not on what never came so far, nor on what stays open', async () => {
    const none = { flow: undefined, level: undefined };
    const admin = server.pki?.admin;
    expect(await ask('/api/v1/namespaces/default', undefined, { authorization: 'Bearer x' })).toMatchObject({
      code: 401,
      ...none,
    });
    expect(await ask('/api/v1/namespaces/default?timeout=abc', admin)).toMatchObject({ code: 400, ...none });
    expect(await ask('/api/v1/namespaces/default/pods/none/log', admin)).toMatchObject({ code: 404, ...none });
  });
});

describe('a level without seats', () => {
  it('serves one after the other, and tells the rest to come again', async () => {
    await server.client.create(PriorityLevelConfiguration, {
      metadata: { name: 'none' },
      spec: {
        type: 'Limited',
        limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
      },
    });
    const any = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] };
    await server.client.create(FlowSchema, {
      metadata: { name: 'none' },
      spec: {
        matchingPrecedence: 50,
        priorityLevelConfiguration: { name: 'none' },
        rules: [{ subjects: [{ kind: 'User', user: { name: 'joe' } }], resourceRules: [any] }],
      },
    });
    await server.client.create(ClusterRoleBinding, {
      metadata: { name: 'joe' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'joe' }],
    });
    const own = await uids('none', 'none');
    await waitFor(async () => {
      const { code, flow } = await ask('/api/v1/namespaces/default', joe);
      return code === 200 && flow === own.flow;
    });
    // A write whose body does not come holds its seat, for a while.
    const { pki, listening } = server;
    const holding = httpsRequest({
      host: '127.0.0.1',
      port: listening?.port,
      method: 'POST',
      path: '/api/v1/namespaces',
      headers: { 'content-type': 'application/json', 'content-length': '100' },
      ca: pki?.ca,
      cert: joe.certificate,
      key: joe.key,
      agent: false,
    });
    holding.on('error', () => undefined);
    holding.flushHeaders();
    await waitFor(async () => (await ask('/api/v1/namespaces/default', joe)).code === 429);
    expect(await ask('/api/v1/namespaces/default', joe)).toEqual({
      code: 429,
      ...own,
      type: 'text/plain; charset=utf-8',
      retryAfter: '1',
      text: 'Too many requests, please try again later.\n',
    });
    expect(await server.server.metrics.text()).toMatch(
      /rejected_requests_total\{flow_schema="none",priority_level="none",reason="concurrency-limit"\} [2-9]/,
    );
    await clock.advance(250);
    await waitFor(async () => (await ask('/api/v1/namespaces/default', joe)).code === 200);
    holding.destroy();
    await waitFor(async () => (await ask('/api/v1/namespaces/default', joe)).code === 200);
  });
});
