import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseLabelSelector, systemClock } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPki, type Pki } from '../../pki/index.ts';
import type { AuthorizationRequest } from '../../registry/contract.ts';
import { authorizerChain } from '../authorizer-chain.ts';
import { selectionOf } from '../selection.ts';
import { WebhookAuthorizer, type WebhookAuthorizerOptions } from './webhook-authorizer.ts';

let pki: Pki;
let server: Server;
let asked: string[] = [];
let answer: { code: number; text: string };

beforeAll(async () => {
  pki = await openPki(undefined, { clock: systemClock });
  const { certificate: cert, key } = pki.server;
  server = createServer({ cert, key }, (request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      asked.push(`${request.url} ${request.headers.authorization} ${text}`);
      response.statusCode = answer.code;
      response.end(answer.text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  says({ allowed: true, reason: 'hook says yes' });
});

const says = (status: object) => {
  const text = JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', status });
  answer = { code: 200, text };
};

function open(options: Partial<WebhookAuthorizerOptions> = {}) {
  const clock = new FakeClock();
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/authorize`;
  const webhook = new WebhookAuthorizer({
    clock,
    config: { server: url, ca: pki.ca, token: 'sekret' },
    version: 'v1',
    timeoutMs: 3_000,
    authorizedTtlMs: 300_000,
    unauthorizedTtlMs: 30_000,
    failurePolicy: 'NoOpinion',
    matchConditions: [],
    random: () => 0,
    ...options,
  });
  return { clock, webhook };
}

const user = { name: 'allow', groups: ['system:authenticated'] };
const version: AuthorizationRequest = { user, verb: 'get', path: '/version' };

describe('an authorization webhook', () => {
  it('is asked in the words of a real server', async () => {
    const { webhook } = open();
    const fieldSelector = 'status.phase!=Running,spec.nodeName=n1';
    const labelSelector = 'a=b,c,!d,e in (z,y),f!=g,n>5';
    const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' };
    const selection = selectionOf('list', undefined, { fieldSelector, labelSelector });
    expect(parseLabelSelector(labelSelector)).toHaveLength(6);
    await webhook.authorize({ user, verb: 'list', ...pods, ...selection });
    const other = { ...user, groups: ['g2', 'g1', 'system:authenticated'], extra: { foo: ['a'] }, uid: '77' };
    await webhook.authorize({ user: other, verb: 'get', ...pods, name: 'x', subresource: 'log' });
    await webhook.authorize(version);
    const sent = (spec: string) =>
      `/authorize?timeout=3s Bearer sekret {"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":${spec},"status":{"allowed":false}}`;
    expect(asked).toEqual([
      sent(
        '{"resourceAttributes":{"namespace":"default","verb":"list","version":"v1","resource":"pods","fieldSelector":{"requirements":[{"key":"spec.nodeName","operator":"In","values":["n1"]},{"key":"status.phase","operator":"NotIn","values":["Running"]}]},"labelSelector":{"requirements":[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"Exists"},{"key":"d","operator":"DoesNotExist"},{"key":"e","operator":"In","values":["y","z"]},{"key":"f","operator":"NotIn","values":["g"]}]}},"user":"allow","groups":["system:authenticated"]}',
      ),
      sent(
        '{"resourceAttributes":{"namespace":"default","verb":"get","version":"v1","resource":"pods","subresource":"log","name":"x"},"user":"allow","groups":["g2","g1","system:authenticated"],"extra":{"foo":["a"]},"uid":"77"}',
      ),
      sent(
        '{"nonResourceAttributes":{"path":"/version","verb":"get"},"user":"allow","groups":["system:authenticated"]}',
      ),
    ]);
  });

  it('is not asked again while its answer is remembered: a yes for longer than what is none', async () => {
    const { clock, webhook } = open();
    expect(await webhook.authorize(version)).toEqual({ allowed: true, reason: 'hook says yes' });
    await clock.advance(299_000);
    expect(webhook.authorize(version)).toEqual({ allowed: true, reason: 'hook says yes' });
    await clock.advance(2_000);
    says({ allowed: false, reason: 'no opinion of mine' });
    expect(await webhook.authorize(version)).toEqual({ allowed: false, reason: 'no opinion of mine' });
    await clock.advance(29_000);
    expect(webhook.authorize(version)).not.toBeInstanceOf(Promise);
    await clock.advance(2_000);
    expect(await webhook.authorize(version)).toEqual({ allowed: false, reason: 'no opinion of mine' });
    expect(asked).toHaveLength(3);
  });

  it('is asked every time where nothing is to be remembered', async () => {
    const { webhook } = open({ authorizedTtlMs: 0 });
    await webhook.authorize(version);
    await webhook.authorize(version);
    expect(asked).toHaveLength(2);
  });

  const denied = 'webhook subject access review returned both allow and deny response';
  const rejected = 'the server rejected our request for an unknown reason';
  it.each([
    [
      { denied: true, reason: 'no' },
      { allowed: false, denied: true, reason: 'no' },
    ],
    [
      { allowed: true, denied: true, reason: 'both' },
      { allowed: false, denied: true, reason: 'both', error: denied },
    ],
    [
      { allowed: false, reason: 'why', evaluationError: 'cannot' },
      { allowed: false, reason: 'why' },
    ],
  ])('answers %j as Kubernetes reads it', async (status, decision) => {
    says(status);
    expect(await open().webhook.authorize(version)).toEqual(decision);
  });

  it('gives no opinion when it cannot answer, or denies, as the policy has it', async () => {
    answer = { code: 400, text: 'nope' };
    expect(await open().webhook.authorize(version)).toEqual({ allowed: false, reason: '', error: rejected });
    const strict = open({ failurePolicy: 'Deny' }).webhook;
    expect(await strict.authorize(version)).toEqual({ allowed: false, denied: true, reason: '', error: rejected });
  });

  it('is asked five times before a failing server is given up', async () => {
    answer = { code: 500, text: 'boom' };
    const { clock, webhook } = open();
    const decision = Promise.resolve(webhook.authorize(version));
    const given: unknown[] = [];
    void decision.then((each) => given.push(each));
    while (given.length === 0) {
      await new Promise(setImmediate);
      await clock.advance(100);
    }
    const error = 'an error on the server ("boom") has prevented the request from succeeding';
    expect(given).toEqual([{ allowed: false, reason: '', error }]);
    expect(asked).toHaveLength(5);
  });

  it('is asked where its conditions hold', async () => {
    const second = "!request.user.startsWith('fails') || request.resourceAttributes.namespace == 'x'";
    const { webhook } = open({ matchConditions: ["!request.user.startsWith('skip')", second] });
    const as = (name: string) => webhook.authorize({ ...version, user: { name, groups: [] } });
    expect(await as('allow')).toMatchObject({ allowed: true });
    expect(as('skip')).toEqual({ allowed: false, reason: '' });
    const error = `cel evaluation error: expression '${second}' resulted in error: no such key: resourceAttributes`;
    expect(as('fails')).toEqual({ allowed: false, reason: '', error });
    const secrets = { resource: 'secrets', group: '', version: 'v1', namespace: 'default' };
    expect(webhook.authorize({ user: { name: 'fails', groups: [] }, verb: 'get', ...secrets })).toEqual({
      allowed: false,
      reason: '',
    });
    expect(asked).toHaveLength(1);
  });
});

describe('a chain of authorizers', () => {
  const late = (decision: { allowed: boolean; denied?: true; reason: string; error?: string }) => ({
    authorize: async () => decision,
  });
  const yes = { authorize: () => ({ allowed: true, reason: 'yes' }) };
  const shrug = { authorize: () => ({ allowed: false, reason: 'why' }) };

  it('answers at once where nobody is waited for, and stops at who denies', async () => {
    expect(authorizerChain([shrug, yes]).authorize(version)).toEqual({ allowed: true, reason: 'yes' });
    const no = { allowed: false, denied: true, reason: 'no', error: 'e' } as const;
    expect(await authorizerChain([shrug, late(no), yes]).authorize(version)).toEqual(no);
  });

  it('tells the reasons and errors of all that have no opinion', async () => {
    const failing = late({ allowed: false, reason: 'r', error: 'e' });
    const chain = authorizerChain([shrug, failing, failing, shrug]);
    expect(await chain.authorize(version)).toEqual({ allowed: false, reason: 'why\nr\nr\nwhy', error: 'e' });
    expect(await authorizerChain([failing, yes]).authorize(version)).toEqual({ allowed: true, reason: 'yes' });
  });
});
