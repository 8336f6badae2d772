import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { isJsonObject, systemClock } from '@keelson/core';
import { type KeyPair, makeCertificate } from '../../pki/index.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What a webhook of the tests answers: the members of its response, or a whole HTTP answer. */
export type TestAnswer =
  | Json
  | {
      readonly raw: string;
      readonly code?: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** It has answered by itself. */
  | undefined;

/** `request`: that of the review, null where something else was sent. */
export type TestHandler = (request: Json, reply: ServerResponse, review: Json) => TestAnswer;

export interface TestWebhookServer {
  readonly port: number;
  /** base64 of PEM, as configurations have it. */
  readonly caBundle: string;
  readonly authority: KeyPair;
  readonly seen: { readonly path: string; readonly request: Json; readonly raw: IncomingMessage }[];
  handle(path: string, handler: TestHandler): void;
  stop(): void;
}

const hour = 3_600_000;

/** A real HTTPS server of webhooks, with an authority of its own. */
export async function testWebhookServer(hosts: readonly string[] = []): Promise<TestWebhookServer> {
  const now = systemClock.now();
  const life = { notBefore: now - 60_000, notAfter: now + hour };
  const authority = await makeCertificate({ subject: { commonName: 'webhooks' }, usages: ['ca'], ...life });
  const names = ['127.0.0.1', 'localhost', ...hosts];
  const pair = await makeCertificate(
    { subject: { commonName: 'webhook' }, hosts: names, usages: ['server'], ...life },
    authority,
  );
  const handlers = new Map<string, TestHandler>();
  const seen: TestWebhookServer['seen'] = [];
  const server = createServer({ key: pair.key, cert: pair.certificate }, async (raw, reply) => {
    let text = '';
    for await (const chunk of raw.setEncoding('utf8')) text += String(chunk);
    const review: unknown = text === '' ? {} : JSON.parse(text);
    const whole = isJsonObject(review) ? review : {};
    const request = isJsonObject(whole['request']) ? whole['request'] : {};
    const path = (raw.url ?? '').split('?')[0] ?? '';
    seen.push({ path: raw.url ?? '', request, raw });
    const answer = handlers.has(path) ? handlers.get(path)?.(request, reply, whole) : { allowed: true };
    if (answer === undefined) return;
    if ('raw' in answer) {
      const { raw: body, code = 200, headers = {} } = answer as Extract<TestAnswer, { readonly raw: string }>;
      reply.writeHead(code, { 'content-type': 'application/json', ...headers });
      reply.end(body);
      return;
    }
    reply.setHeader('content-type', 'application/json');
    const response = { uid: request['uid'], ...answer };
    reply.end(JSON.stringify({ apiVersion: whole['apiVersion'], kind: 'AdmissionReview', response }));
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    authority,
    seen,
    handle: (path, handler) => handlers.set(path, handler),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A response that allows and changes; `operations` as text: whatever stands in the place of a patch. */
export const patch = (operations: readonly Json[] | string, more: Json = {}): Json => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(typeof operations === 'string' ? operations : JSON.stringify(operations)).toString('base64'),
  ...more,
});
