import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@keelson/core';
import { FakeClock } from '@keelson/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openPki, type Pki } from '../../pki/index.ts';
import { WebhookTokens } from './webhook-tokens.ts';

const Asked = z.object({
  apiVersion: z.string(),
  kind: z.literal('TokenReview'),
  spec: z.object({ token: z.string(), audiences: z.array(z.string()).optional() }),
});

let pki: Pki;
let server: Server;
let url: string;
let asked: z.infer<typeof Asked>[] = [];
let headers: (string | undefined)[] = [];
let answer: { code: number; status: object };

beforeAll(async () => {
  pki = await openPki(undefined, { clock: systemClock });
  const tls = {
    cert: pki.server.certificate,
    key: pki.server.key,
    ca: pki.ca,
    requestCert: true,
    rejectUnauthorized: true,
  };
  server = createServer(tls, (request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      asked.push(Asked.parse(JSON.parse(text)));
      headers.push(request.headers.authorization);
      response.statusCode = answer.code;
      response.end(
        JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status: answer.status }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/review`;
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  headers = [];
  answer = {
    code: 200,
    status: { authenticated: true, user: { username: 'zoe', uid: '7', groups: ['g'], extra: { k: ['v'] } } },
  };
});

const zoe = { name: 'zoe', uid: '7', groups: ['g'], extra: { k: ['v'] } };
function open(clock = new FakeClock()) {
  const { certificate: cert, key } = pki.admin;
  const config = { server: url, ca: pki.ca, cert, key, token: 'mine' };
  const webhook = new WebhookTokens({
    clock,
    config,
    version: 'v1',
    cacheTtlMs: 120_000,
    audiences: () => ['api'],
    random: () => 0,
  });
  return { clock, webhook };
}

describe('a token webhook', () => {
  it('is asked by a TokenReview, and its answers are remembered for their time', async () => {
    const { clock, webhook } = open();
    expect(await webhook.authenticateToken('t')).toEqual({ user: zoe, audiences: ['api'] });
    expect(await webhook.authenticateToken('t')).toMatchObject({ user: zoe });
    expect(asked).toEqual([
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 't', audiences: ['api'] } },
    ]);
    expect(headers).toEqual(['Bearer mine']);
    answer = { code: 200, status: { authenticated: false } };
    expect(await webhook.authenticateToken('no')).toBeUndefined();
    answer = { code: 200, status: { authenticated: true, user: { username: 'zoe' } } };
    expect(await webhook.authenticateToken('no')).toBeUndefined();
    await clock.advance(120_000);
    expect(await webhook.authenticateToken('no')).toMatchObject({ user: { name: 'zoe' } });
  });

  it('must answer for an audience that was asked for', async () => {
    const { webhook } = open();
    expect(await webhook.authenticateToken('a', ['other'])).toBeUndefined();
    const status = { authenticated: true, user: { username: 'zoe' }, audiences: ['other', 'more'] };
    answer = { code: 200, status };
    expect((await webhook.authenticateToken('b', ['other', 'api']))?.audiences).toEqual(['other']);
    expect(await webhook.authenticateToken('c')).toBeUndefined();
  });

  it('tells why a token is wrong, and what it cannot say is no yes', async () => {
    const { webhook } = open();
    answer = { code: 200, status: { error: 'it is stale' } };
    await expect(webhook.authenticateToken('a')).rejects.toThrow('it is stale');
    answer = { code: 403, status: {} };
    await expect(webhook.authenticateToken('b')).rejects.toThrow(`Post "${url}": unexpected status 403`);
    answer = { code: 200, status: { authenticated: 'yes' } };
    await expect(webhook.authenticateToken('c')).rejects.toThrow("the webhook's answer is no TokenReview");
  });

  it('is asked again, later each time, while it fails', async () => {
    const { clock, webhook } = open();
    answer = { code: 500, status: {} };
    const failed = webhook.authenticateToken('a').then(
      () => 'answered',
      (error: Error) => error.message,
    );
    let done: string | undefined;
    void failed.then((message) => {
      done = message;
    });
    const begun = asked.length;
    for (let turn = 0; turn < 2000 && done === undefined; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(10);
    }
    expect(await failed).toBe(`Post "${url}": unexpected status 500`);
    expect(asked.length - begun).toBe(5);
  });

  it('is not believed without a certificate of its authority', async () => {
    const { ca } = await openPki(undefined, { clock: systemClock });
    const config = { server: url, ca };
    const webhook = new WebhookTokens({
      clock: new FakeClock(),
      config,
      version: 'v1',
      cacheTtlMs: 0,
      audiences: () => [],
      random: () => 0,
    });
    await expect(webhook.authenticateToken('t')).rejects.toThrow(/certificate/);
    expect(asked).toEqual([]);
  });
});
