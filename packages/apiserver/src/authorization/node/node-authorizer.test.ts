import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from '../../server/start-test-api-server.ts';
import { TestRequests } from '../../server/test-requests.ts';
import { makeNodeFixture, readLines } from './node-fixture.test-data.ts';

const review = z.object({
  status: z.object({
    allowed: z.boolean(),
    reason: z.string().optional(),
    evaluationError: z.string().optional(),
  }),
});

const asked = z.looseObject({ as: z.string().optional(), groups: z.array(z.string()).optional() });

/** Answers of a real v1.35.4: verbs by `yes`, or by `no` with the reason. */
const rows = readLines(
  new URL('./recorded-answers.jsonl', import.meta.url),
  z.object({
    asked,
    answers: z.record(z.string(), z.array(z.string())),
    evaluationError: z.string().optional(),
  }),
);

const node = { user: 'system:node:pse-n', groups: ['system:nodes', 'system:authenticated'] };

describe('the Node authorizer', () => {
  let server: TestApiServer;
  let requests: TestRequests;

  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
    requests = new TestRequests(server);
    await makeNodeFixture(requests);
  }, 60_000);

  afterAll(async () => {
    requests.close();
    await server.stop();
  });

  it('answers as a real server does, in its words', async () => {
    const differences: unknown[] = [];
    for (const { asked, answers, evaluationError } of rows) {
      const { as: user = node.user, groups = node.groups, ...attributes } = asked;
      for (const [expected, verbs] of Object.entries(answers)) {
        for (const verb of verbs) {
          const spec = { user, groups, resourceAttributes: { ...attributes, verb } };
          const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
          const reply = await requests.send({ method: 'POST', path, body: { spec } });
          const { status } = review.parse(reply.body);
          const actual = `${status.allowed ? 'yes' : 'no'}${status.reason ? ` ${status.reason}` : ''}`;
          if (actual !== expected || status.evaluationError !== evaluationError) {
            differences.push({ asked, verb, expected, actual, evaluationError: status.evaluationError });
          }
        }
      }
    }
    expect(differences).toEqual([]);
  }, 120_000);

  it('looks at selectors of requests', async () => {
    const list = async (path: string) => {
      const { code, message } = await requests.send({ method: 'GET', path, as: node });
      return message || code;
    };
    expect(await list('/api/v1/nodes?fieldSelector=metadata.name%3Dpse-n')).toBe(200);
    expect(await list('/api/v1/nodes?fieldSelector=metadata.name%3Dpse-m')).toBe(
      'nodes "pse-m" is forbidden: User "system:node:pse-n" cannot list resource "nodes" in API group "" at the cluster ' +
        "scope: node 'pse-n' cannot read 'pse-m', only its own Node object",
    );
    expect(await list('/api/v1/nodes?fieldSelector=metadata.name%3D..')).toBe(
      'nodes is forbidden: User "system:node:pse-n" cannot list resource "nodes" in API group "" at the cluster scope: ' +
        "node 'pse-n' cannot read all nodes, only its own Node object",
    );
    expect(await list('/api/v1/pods?fieldSelector=spec.nodeName%3Dpse-n')).toBe(200);
    expect(await list('/api/v1/pods?fieldSelector=((')).toBe(
      'pods is forbidden: User "system:node:pse-n" cannot list resource "pods" in API group "" at the cluster scope: ' +
        'can only list/watch pods with spec.nodeName field selector',
    );
    expect(await list('/api/v1/namespaces/pse/pods?fieldSelector=metadata.name%3Dp2')).toBe(
      'pods "p2" is forbidden: User "system:node:pse-n" cannot list resource "pods" in API group "" in the namespace ' +
        `"pse": no relationship found between node 'pse-n' and this object`,
    );
    expect(await list('/api/v1/namespaces/pse/secrets?fieldSelector=metadata.name%3Ds-env')).toBe(200);
    expect(await list('/api/v1/namespaces/pse/secrets/s-other')).toBe(
      'secrets "s-other" is forbidden: User "system:node:pse-n" cannot get resource "secrets" in API group "" in the ' +
        `namespace "pse": no relationship found between node 'pse-n' and this object`,
    );
    const collection = await requests.send({
      method: 'DELETE',
      path: '/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dpse-m',
      as: node,
    });
    expect(collection.message).toBe(
      'resourceslices.resource.k8s.io is forbidden: User "system:node:pse-n" cannot deletecollection resource ' +
        '"resourceslices" in API group "resource.k8s.io" at the cluster scope: can only list/watch/deletecollection ' +
        'resourceslices with nodeName field selector',
    );
  });

  it('cannot list what a node may do', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const reply = await requests.send({ method: 'POST', path, body: { spec: { namespace: 'pse' } }, as: node });
    expect(reply.body).toMatchObject({
      status: { incomplete: true, evaluationError: 'node authorizer does not support user rule resolution' },
    });
  });

  it('forgets what a pod needed when it goes', async () => {
    const read = () => requests.send({ method: 'GET', path: '/api/v1/namespaces/pse/secrets/s-pv-stage', as: node });
    expect((await read()).code).toBe(200);
    await requests.send({ method: 'DELETE', path: '/api/v1/namespaces/pse/pods/p1?gracePeriodSeconds=0' });
    await expect.poll(async () => (await read()).code).toBe(403);
  });
});
