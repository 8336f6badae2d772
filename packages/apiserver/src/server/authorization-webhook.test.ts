import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { Authorizers } from '../authorization/index.ts';
import { kubeconfigYaml, openPki } from '../pki/index.ts';
import { ConfiguredAuthorizers } from './compose-authorization.ts';
import { startTestApiServer, type TestApiServer } from './start-test-api-server.ts';
import { TestRequests } from './test-requests.ts';

const Asked = z.object({ spec: z.object({ user: z.string() }) });

/** What the webhook says by the user's name, as the one that a real API server was asked with did. */
function statusOf(user: string): object {
  if (user.includes('allow')) return { allowed: true, reason: 'hook says yes' };
  if (user.includes('denied')) return { allowed: false, denied: true, reason: 'hook says no' };
  if (user.includes('both')) return { allowed: true, denied: true, reason: 'hook says both' };
  return { allowed: false, reason: 'no opinion of mine' };
}

let hook: Server;
let folder: string;
let server: TestApiServer;
let requests: TestRequests;

beforeAll(async () => {
  const pki = await openPki(undefined, { clock: systemClock });
  hook = createServer({ cert: pki.server.certificate, key: pki.server.key }, (request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      const { user } = Asked.parse(JSON.parse(text)).spec;
      if (user.includes('bad')) response.statusCode = 400;
      response.end(JSON.stringify({ status: statusOf(user) }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'authorization-'));
  const kubeConfigFile = join(folder, 'hook');
  const url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/authorize`;
  await writeFile(kubeConfigFile, kubeconfigYaml({ server: url, ca: pki.ca, credentials: pki.admin }));
  const webhook = {
    timeout: '3s',
    subjectAccessReviewVersion: 'v1',
    matchConditionSubjectAccessReviewVersion: 'v1',
    failurePolicy: 'NoOpinion',
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
    matchConditions: [{ expression: "!request.user.startsWith('skip')" }],
  };
  const authorization = new ConfiguredAuthorizers(
    Authorizers.parse([
      { type: 'Node', name: 'node' },
      { type: 'Webhook', name: 'hook', webhook },
      { type: 'RBAC', name: 'rbac' },
    ]),
  );
  await authorization.open({ clock: systemClock, random: systemRandom, logger: silentLogger });
  server = await startTestApiServer({ socket: true, authorization });
  requests = new TestRequests(server);
});
afterAll(async () => {
  await server?.stop();
  hook?.close();
  await rm(folder, { recursive: true, force: true });
});

const secret = '/api/v1/namespaces/default/secrets/a';
const refusal = (user: string, why: string) =>
  `secrets "a" is forbidden: User "${user}" cannot get resource "secrets" in API group "" in the namespace "default"${why}`;
const rejected = 'the server rejected our request for an unknown reason';
const torn = 'webhook subject access review returned both allow and deny response';

it.each([
  ['allow', 404, 'secrets "a" not found'],
  ['nobody', 403, refusal('nobody', ': no opinion of mine')],
  ['denied', 403, refusal('denied', ': hook says no')],
  ['skipallow', 403, refusal('skipallow', '')],
  ['bad', 500, `Internal Server Error: "${secret}": ${rejected}\n`],
  ['both', 500, `Internal Server Error: "${secret}": ${torn}\n`],
])('answers %s with %i', async (user, code, message) => {
  expect(await requests.send({ method: 'GET', path: secret, as: { user } })).toMatchObject({ code, message });
});

it.each([
  ['allow', { allowed: true, reason: 'hook says yes' }],
  ['nobody', { allowed: false, reason: 'no opinion of mine' }],
  ['denied', { allowed: false, denied: true, reason: 'hook says no' }],
  ['both', { allowed: false, denied: true, reason: 'hook says both', evaluationError: torn }],
  ['bad', { allowed: false, evaluationError: rejected }],
  ['skipallow', { allowed: false }],
])('reviews the access of %s', async (user, status) => {
  const spec = { user, resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const reply = await requests.send({ method: 'POST', path, body });
  expect(reply.body).toMatchObject({ spec });
  expect(z.object({ status: z.unknown() }).parse(reply.body).status).toEqual(status);
});

it('says that a list of rules is not whole', async () => {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace: 'default' },
  };
  const reply = await requests.send({ method: 'POST', path, body, as: { user: 'allow' } });
  const evaluationError = 'webhook authorizer does not support user rule resolution';
  expect(reply.body).toMatchObject({ status: { incomplete: true, evaluationError } });
});
