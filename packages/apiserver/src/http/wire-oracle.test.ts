import { type RequestOptions, request } from 'node:https';
import { loadKubeconfig } from '@keelson/core/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startTestApiServer, type TestApiServer } from '../server/index.ts';
import { wireRequests } from './wire-oracle.test-data.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

type Ask = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) => Promise<Answer>;

/** What differs by nature: bytes that depend on names, times and versions; lengths; what only tells a server apart. */
const told = [
  'content-type',
  'warning',
  'vary',
  'content-encoding',
  'cache-control',
  'x-content-type-options',
  'location',
  'allow',
  'retry-after',
] as const;

function asker(options: RequestOptions, origin: string): Ask {
  return (method, path, headers, body) =>
    new Promise((resolve, reject) => {
      const sent = request(
        new URL(origin + path),
        {
          ...options,
          method,
          // Node does not say of every method that a body comes.
          headers: { ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
          agent: false,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({
              code: response.statusCode ?? 0,
              headers: Object.fromEntries(
                told.flatMap((name) => (response.headers[name] ? [[name, response.headers[name]]] : [])),
              ),
              body: Buffer.concat(chunks).toString('latin1'),
            }),
          );
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      // The path as it is, not as a URL would have it.
      sent.path = path;
      sent.end(body);
    });
}

function comparable({ code, headers, body }: Answer) {
  const text = body
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'uid')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'time')
    .replaceAll(/("?resourceVersion"?: ?"?)\d+/g, '$1rv')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'address')
    .replaceAll('\\u003c', '<')
    .replaceAll('\\u003e', '>')
    .replaceAll('\\u0026', '&');
  // Errors in YAML say the same in other quotes.
  if (headers['content-type'] === 'application/yaml' && code >= 400) return { code, headers, body: parse(text) };
  // What a success says is compared by others; here it is how it is said.
  return { code, headers, body: code >= 400 ? text : text.startsWith('{\n') ? 'indented' : text.slice(0, 2) };
}

describe.runIf(kubeconfig)('beside a real control plane', () => {
  let server: TestApiServer;
  let ours: Ask;
  let theirs: Ask;
  const namespace = 'default';

  beforeAll(async () => {
    const config = await loadKubeconfig(kubeconfig);
    const { ca, cert, key } = config;
    theirs = asker({ ca, cert, key }, config.server);
    server = await startTestApiServer({ socket: true });
    const { pki, listening } = server;
    ours = asker({ ca: pki?.ca, cert: pki?.admin.certificate, key: pki?.admin.key }, listening?.url ?? '');
    for (const ask of [ours, theirs]) {
      for (const data of [{ x: 'y' }, { x: 'z'.repeat(200_000) }]) {
        const metadata = { name: data.x.length > 1 ? 'wire-big' : 'wire' };
        await ask(
          'POST',
          `/api/v1/namespaces/${namespace}/configmaps`,
          { 'content-type': 'application/json' },
          JSON.stringify({ metadata, data }),
        );
      }
    }
  }, 60_000);

  afterAll(async () => {
    for (const name of ['wire', 'wire-big'])
      await theirs?.('DELETE', `/api/v1/namespaces/${namespace}/configmaps/${name}`, {});
    await server?.stop();
  });

  it.each(wireRequests.map((each) => [each.title, each] as const))('%s', async (_title, {
    method,
    path,
    headers,
    body,
  }) => {
    const both = await Promise.all([ours, theirs].map((ask) => ask(method, path, headers, body)));
    const [mine, real] = both.map((each) => comparable(each));
    expect(mine).toEqual(real);
  });
});
