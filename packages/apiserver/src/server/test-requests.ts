import { Agent, request as httpsRequest } from 'node:https';
import { z } from 'zod';
import type { TestApiServer } from './start-test-api-server.ts';

/** A request as a test sends it; its body is JSON. */
export interface TestRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly type?: string;
  /** Default `application/json`. */
  readonly accept?: string;
  /** Whom the administrator impersonates. */
  readonly as?: { readonly user: string; readonly groups?: readonly string[] };
}

export interface TestReply {
  readonly code: number;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
  /** The texts of its `Warning` headers. */
  readonly warnings: readonly string[];
  /** The `message` of a Status that tells a failure; else `''`. */
  readonly message: string;
}

const failure = z.object({ kind: z.literal('Status'), message: z.string() });

/** Sends requests to a test server's socket as its administrator, who may impersonate others. */
export class TestRequests {
  readonly #url: URL;
  readonly #agent: Agent;

  /** @param server started with `socket` */
  constructor({ listening, pki }: Pick<TestApiServer, 'listening' | 'pki'>) {
    if (!listening || !pki) throw new Error('the test server has no socket');
    const { certificate: cert, key } = pki.admin;
    this.#url = new URL(listening.url);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ca: pki.ca, cert, key });
  }

  send({
    method,
    path,
    body,
    type = 'application/json',
    accept = 'application/json',
    as,
  }: TestRequest): Promise<TestReply> {
    const headers: Record<string, string | string[]> = { accept };
    if (body !== undefined) headers['content-type'] = type;
    if (as) headers['impersonate-user'] = as.user;
    if (as?.groups?.length) headers['impersonate-group'] = [...as.groups];
    const { hostname, port } = this.#url;
    return new Promise((resolve, reject) => {
      const request = httpsRequest({ hostname, port, agent: this.#agent, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const answered: unknown = response.headers['content-type']?.includes('json') ? JSON.parse(text) : text;
          const { data } = failure.safeParse(answered);
          resolve({
            code: response.statusCode ?? 0,
            body: answered,
            warnings: warningsIn(response.rawHeaders),
            message: response.statusCode !== undefined && response.statusCode >= 400 ? (data?.message ?? text) : '',
          });
        });
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function warningsIn(raw: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]?.toLowerCase() !== 'warning') continue;
    const text = /^299 - (".*")$/s.exec(raw[at + 1] ?? '')?.[1];
    if (text !== undefined) found.push(z.string().parse(JSON.parse(text)));
  }
  return found;
}
