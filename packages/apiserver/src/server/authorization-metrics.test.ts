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

const Asked = z.object({ spec: z.looseObject({ user: z.string() }) });

// A real kube-apiserver 1.35.4 was asked the same by the same people, with the same webhooks.
let hook: Server;
let folder: string;
let server: TestApiServer;
let requests: TestRequests;
const asked: object[] = [];

function statusOf(user: string): object {
  if (user.includes('allow')) return { allowed: true, reason: 'hook says yes' };
  if (user.includes('denied')) return { allowed: false, denied: true, reason: 'no' };
  if (user.includes('both')) return { allowed: true, denied: true };
  return { allowed: false, reason: 'no opinion of mine' };
}

beforeAll(async () => {
  const pki = await openPki(undefined, { clock: systemClock });
  hook = createServer({ cert: pki.server.certificate, key: pki.server.key }, (request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      const { spec } = Asked.parse(JSON.parse(text));
      asked.push(spec);
      if (spec.user.includes('slow')) return;
      if (spec.user.includes('bad')) response.statusCode = 400;
      response.end(JSON.stringify({ status: statusOf(spec.user) }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'authorization-'));
  const kubeConfigFile = join(folder, 'hook');
  const url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/authorize`;
  await writeFile(kubeConfigFile, kubeconfigYaml({ server: url, ca: pki.ca, credentials: pki.admin }));
  const webhook = (failurePolicy: string, cached: boolean, conditions: readonly string[]) => ({
    timeout: '1s',
    cacheAuthorizedRequests: cached,
    cacheUnauthorizedRequests: cached,
    subjectAccessReviewVersion: 'v1',
    matchConditionSubjectAccessReviewVersion: 'v1',
    failurePolicy,
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
    matchConditions: conditions.map((expression) => ({ expression })),
  });
  const authorization = new ConfiguredAuthorizers(
    Authorizers.parse([
      { type: 'Node', name: 'node' },
      {
        type: 'Webhook',
        name: 'hook',
        webhook: webhook('NoOpinion', false, [
          "!request.user.startsWith('skip')",
          "!request.user.startsWith('fails') || request.resourceAttributes.namespace == 'x'",
        ]),
      },
      { type: 'Webhook', name: 'second', webhook: webhook('Deny', true, ["request.user.startsWith('fails2')"]) },
      { type: 'RBAC', name: 'rbac' },
    ]),
  );
  await authorization.open({ clock: systemClock, random: systemRandom, logger: silentLogger });
  server = await startTestApiServer({ socket: true, authorization });
  requests = new TestRequests(server);
});
afterAll(async () => {
  await server?.stop();
  hook?.closeAllConnections();
  hook?.close();
  await rm(folder, { recursive: true, force: true });
});

const counts = async () => {
  const { body } = await requests.send({ method: 'GET', path: '/metrics' });
  const lines = z.string().parse(body).split('\n');
  return lines.filter(
    (line) => /^(apiserver_)?authorization_/.test(line) && !/_(bucket|sum)\{|"allowed"\} /.test(line),
  );
};

it('asks a webhook once about each request, and tells how that went under the names of Kubernetes', async () => {
  const path = '/api/v1/namespaces/default/secrets/a';
  for (const user of ['allow', 'nobody', 'denied', 'both', 'bad', 'skipallow', 'fails', 'fails2', 'fails2allow']) {
    await requests.send({ method: 'GET', path, as: { user } });
  }
  await requests.send({ method: 'GET', path: '/version', as: { user: 'slow' } });
  const made = { metadata: { name: 'x' } };
  const configMaps = '/api/v1/namespaces/default/configmaps';
  const reply = await requests.send({ method: 'POST', path: configMaps, body: made, as: { user: 'fails2allow' } });
  expect(reply.code).toBe(201);

  const groups = ['system:authenticated'];
  const secret = { namespace: 'default', verb: 'get', version: 'v1', resource: 'secrets', name: 'a' };
  expect(asked).toEqual([
    ...['allow', 'nobody', 'denied', 'both', 'bad', 'fails2', 'fails2allow'].map((user) => ({
      resourceAttributes: secret,
      user,
      groups,
    })),
    { nonResourceAttributes: { path: '/version', verb: 'get' }, user: 'slow', groups },
    {
      resourceAttributes: { namespace: 'default', verb: 'create', version: 'v1', resource: 'configmaps' },
      user: 'fails2allow',
      groups,
    },
  ]);

  expect((await counts()).sort()).toEqual([
    'apiserver_authorization_decisions_total{decision="allowed",name="hook",type="Webhook"} 1',
    'apiserver_authorization_decisions_total{decision="allowed",name="rbac",type="RBAC"} 1',
    'apiserver_authorization_decisions_total{decision="allowed",name="second",type="Webhook"} 2',
    'apiserver_authorization_decisions_total{decision="denied",name="hook",type="Webhook"} 2',
    'apiserver_authorization_match_condition_evaluation_seconds_count{name="hook",type="Webhook"} 11',
    'apiserver_authorization_match_condition_evaluation_seconds_count{name="second",type="Webhook"} 8',
    'apiserver_authorization_match_condition_exclusions_total{name="hook",type="Webhook"} 5',
    'apiserver_authorization_match_condition_exclusions_total{name="second",type="Webhook"} 5',
    'apiserver_authorization_webhook_duration_seconds_count{name="hook",result="error"} 1',
    'apiserver_authorization_webhook_duration_seconds_count{name="hook",result="success"} 4',
    'apiserver_authorization_webhook_duration_seconds_count{name="hook",result="timeout"} 1',
    'apiserver_authorization_webhook_duration_seconds_count{name="second",result="success"} 3',
    'apiserver_authorization_webhook_evaluations_fail_open_total{name="hook",result="error"} 1',
    'apiserver_authorization_webhook_evaluations_fail_open_total{name="hook",result="timeout"} 1',
    'apiserver_authorization_webhook_evaluations_total{name="hook",result="error"} 1',
    'apiserver_authorization_webhook_evaluations_total{name="hook",result="success"} 4',
    'apiserver_authorization_webhook_evaluations_total{name="hook",result="timeout"} 1',
    'apiserver_authorization_webhook_evaluations_total{name="second",result="success"} 3',
    'authorization_attempts_total{result="denied"} 1',
    'authorization_attempts_total{result="error"} 2',
    'authorization_attempts_total{result="no-opinion"} 4',
    'authorization_duration_seconds_count{result="denied"} 1',
    'authorization_duration_seconds_count{result="error"} 2',
    'authorization_duration_seconds_count{result="no-opinion"} 4',
  ]);
});
