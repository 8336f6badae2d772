import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';
import { TestRequests } from '../server/test-requests.ts';

const answered = { code: z.number(), answer: z.unknown() };
const Line = z.union([
  z.strictObject({ make: z.string(), body: z.unknown() }),
  z.strictObject({ review: z.string(), body: z.looseObject({ spec: z.unknown() }), ...answered }),
  z.strictObject({ impersonate: z.array(z.tuple([z.string(), z.string()])), ...answered }),
]);

// Recorded: roles and bindings, and what a real Kubernetes 1.35.4 answered to reviews and impersonation with them.
const lines = readFileSync(new URL('./recorded-reviews.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => Line.parse(JSON.parse(line)));
const reviews = lines.flatMap((line) => ('review' in line ? [line] : []));
const impersonations = lines.flatMap((line) => ('impersonate' in line ? [line] : []));

let server: TestApiServer;
let requests: TestRequests;
let token: string;

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  requests = new TestRequests(server);
  for (const line of lines) {
    if (!('make' in line)) continue;
    const { code, message } = await requests.send({ method: 'POST', path: line.make, body: line.body });
    expect([code, message]).toEqual([201, '']);
  }
  const path = '/api/v1/namespaces/reviews-table/serviceaccounts/imp/token';
  const { body } = await requests.send({ method: 'POST', path, body: { spec: {} } });
  token = z.object({ status: z.object({ token: z.string() }) }).parse(body).status.token;
});
afterAll(() => server.stop());

it.each(reviews)('reviews $body.spec', async ({ review: path, body, code, answer }) => {
  const reply = await requests.send({ method: 'POST', path, body });
  const status = z.looseObject({ status: z.unknown() }).parse(reply.body).status;
  expect([reply.code, reply.code === 201 ? status : reply.message]).toEqual([code, answer]);
});

it.each(impersonations)('lets somebody with a few rights be $impersonate', async ({ impersonate, code, answer }) => {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of impersonate)
    headers[name.toLowerCase()] = [...(headers[name.toLowerCase()] ?? []), value];
  expect(await whoAmI(headers)).toEqual([code, answer]);
});

const Reply = z.union([
  z.object({ status: z.object({ userInfo: z.looseObject({}) }) }),
  z.object({ message: z.string() }),
]);

/** The answer to a SelfSubjectReview of who has the token and sends headers, without what differs from time to time. */
async function whoAmI(headers: Record<string, string[]>): Promise<readonly [number, unknown]> {
  const { listening, pki } = server;
  const url = `${listening?.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
  const own = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const [code, text] = await new Promise<[number, string]>((resolve, reject) => {
    const sent = httpsRequest(url, { method: 'POST', ca: pki?.ca, headers: { ...own, ...headers } }, (response) => {
      let body = '';
      response.on('data', (part: Buffer) => {
        body += part.toString();
      });
      response.on('end', () => resolve([response.statusCode ?? 0, body]));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }));
  });
  const reply = Reply.parse(JSON.parse(text));
  if ('message' in reply) return [code, reply.message];
  const { uid, extra, ...user } = reply.status.userInfo;
  const isTokens = z.object({ 'authentication.kubernetes.io/credential-id': z.unknown() }).safeParse(extra).success;
  return [
    code,
    isTokens ? user : { ...user, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) },
  ];
}
