import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ClusterProcess, cli, command } from './cluster-process.ts';

const kubeconfigSchema = z.object({
  clusters: z
    .array(z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.string() }) }))
    .min(1),
  users: z
    .array(z.object({ user: z.object({ 'client-certificate-data': z.string(), 'client-key-data': z.string() }) }))
    .min(1),
});
const statusSchema = z.object({
  kind: z.literal('Status'),
  status: z.literal('Failure'),
  code: z.number(),
  reason: z.string().optional(),
  message: z.string(),
});

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly warnings: readonly string[];
}

describe('bad input to the API', () => {
  let cluster: ClusterProcess;
  let server: URL;
  let agent: Agent;
  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '0'] });
    const { clusters, users } = kubeconfigSchema.parse(parse(readFileSync(cluster.kubeconfig, 'utf8')));
    const decode = (text: string) => Buffer.from(text, 'base64');
    server = new URL(clusters[0]!.cluster.server);
    agent = new Agent({
      ca: decode(clusters[0]!.cluster['certificate-authority-data']),
      cert: decode(users[0]!.user['client-certificate-data']),
      key: decode(users[0]!.user['client-key-data']),
    });
  });
  afterAll(() => cluster?.remove());

  const send = (
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
    by = agent,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          host: server.hostname,
          port: server.port,
          path,
          method,
          agent: by,
          headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () =>
            resolve({ code: response.statusCode ?? 0, body: text, warnings: [response.headers.warning ?? []].flat() }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  const status = async (answer: Promise<Answer>) => statusSchema.parse(JSON.parse((await answer).body));
  const configMaps = '/api/v1/namespaces/default/configmaps';
  const object = (more = '') => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"${more}}}`;

  it('answers malformed JSON and YAML with 400', async () => {
    expect(await status(send('POST', configMaps, '{"kind":'))).toMatchObject({ code: 400, reason: 'BadRequest' });
    expect(await status(send('POST', configMaps, 'a: [1', { 'content-type': 'application/yaml' }))).toMatchObject({
      code: 400,
      reason: 'BadRequest',
    });
    expect(await status(send('POST', configMaps, object(), { 'content-type': 'text/plain' }))).toMatchObject({
      code: 415,
      reason: 'UnsupportedMediaType',
    });
  });

  it('names unknown and duplicate fields, strictly or as warnings', async () => {
    const unknown = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"unknown"},"dat":{}}';
    expect(await status(send('POST', `${configMaps}?fieldValidation=Strict`, unknown))).toMatchObject({
      code: 400,
      message: expect.stringContaining('strict decoding error: unknown field "dat"'),
    });
    const warned = await send('POST', configMaps, unknown);
    expect(warned.code).toBe(201);
    expect(warned.warnings.join()).toContain('unknown field \\"dat\\"');
    const twice =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1"},"data":{"a":"2"}}';
    expect(await status(send('POST', `${configMaps}?fieldValidation=Strict`, twice))).toMatchObject({
      code: 400,
      message: expect.stringContaining('duplicate field "data"'),
    });
    expect((await send('GET', `${configMaps}/twice`)).code).toBe(404);
  });

  it('names the field of a wrong type', async () => {
    const wrong = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"wrong"},"data":[1]}';
    expect(await status(send('POST', configMaps, wrong))).toMatchObject({ code: 400, reason: 'BadRequest' });
    const pod = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"Bad_Name"},"spec":{"containers":[{"name":"c"}]}}';
    const invalid = await status(send('POST', '/api/v1/namespaces/default/pods', pod));
    expect(invalid).toMatchObject({ code: 422, reason: 'Invalid' });
    for (const part of ['metadata.name', 'spec.containers[0].image: Required value'])
      expect(invalid.message).toContain(part);
  });

  it('refuses a body of 4 MiB and a nesting of 10,000, and goes on', async () => {
    const large = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"large"},"data":{"a":"${'x'.repeat(4 << 20)}"}}`;
    expect(await status(send('POST', configMaps, large))).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
    const deep = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect((await status(send('POST', configMaps, deep))).code).toBe(400);
    expect((await send('GET', '/readyz')).code).toBe(200);
  });

  it('answers a stale resourceVersion with a conflict', async () => {
    const made = JSON.parse((await send('POST', configMaps, object())).body) as {
      metadata: { resourceVersion: string };
    };
    await send('PATCH', `${configMaps}/x`, '{"data":{"a":"1"}}', { 'content-type': 'application/merge-patch+json' });
    const stale = await status(
      send('PUT', `${configMaps}/x`, object(`,"resourceVersion":"${made.metadata.resourceVersion}"`)),
    );
    expect(stale).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "x": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  it('knows nobody without credentials, nor with expired ones, and forbids with reason', async () => {
    const nobody = new Agent({ ca: agent.options.ca });
    expect(await status(send('GET', configMaps, undefined, {}, nobody))).toMatchObject({
      code: 401,
      message: 'Unauthorized',
    });
    expect(await status(send('GET', configMaps, undefined, { authorization: 'Bearer a.b.c' }, nobody))).toMatchObject({
      code: 401,
      reason: 'Unauthorized',
    });
    const expired = ['{"alg":"ES256"}', '{"exp":1}', 'x']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    expect(
      await status(send('GET', configMaps, undefined, { authorization: `Bearer ${expired}` }, nobody)),
    ).toMatchObject({ code: 401, reason: 'Unauthorized' });
    expect(await status(send('DELETE', `${configMaps}/x`, undefined, { 'impersonate-user': 'jane' }))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'configmaps "x" is forbidden: User "jane" cannot delete resource "configmaps" in API group "" in the namespace "default"',
    });
  });
});

describe('mistakes at the command line', () => {
  let cluster: ClusterProcess;
  beforeAll(async () => {
    cluster = await ClusterProcess.start({ args: ['--runtime', 'simulated', '--nodes', '0'] });
  });
  afterAll(() => cluster?.remove());

  const up = async (config: string, args: readonly string[] = []) => {
    const dir = join(cluster.dir, `try-${Math.random().toString(36).slice(2)}`);
    await mkdir(dir);
    await writeFile(join(dir, 'keelson.yaml'), config);
    return command(process.execPath, [cli, 'up', '--config', join(dir, 'keelson.yaml'), '--port', '0', ...args]);
  };

  it('gives one line that says what to do', async () => {
    const second = await command(process.execPath, [cli, 'up', '--data-dir', join(cluster.dir, 'data'), '--port', '0']);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^keelson: .*another Keelson.*keelson down.*--data-dir.*\n$/),
    });

    const port = new URL(
      kubeconfigSchema.parse(parse(readFileSync(cluster.kubeconfig, 'utf8'))).clusters[0]!.cluster.server,
    ).port;
    const taken = await up('runtime: simulated\nnodes: 0\n', ['--port', port]);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringMatching(/^keelson: .*port.*--port/) });
    expect(taken.stderr.trim().split('\n')).toHaveLength(1);

    const unknown = await up('runtime: simulated\nplugins: ["@nobody/nothing"]\n');
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^keelson: plugins\.0: @nobody\/nothing is not installed.*npm install/),
    });
  });

  it('names a plugin that throws at start, and leaves nothing running', async () => {
    const plugin = join(cluster.dir, 'bad.mjs');
    await writeFile(
      plugin,
      `export default { name: 'bad', register({ provide }) { provide.value({ name: 'Lifecycles', many: true, id: Symbol.for('keelson/Lifecycles') }, { name: 'bad', phase: 'ready', async start() { throw new Error('no luck today'); } }); } };`,
    );
    const failed = await up(`runtime: simulated\nnodes: 0\nplugins: ["${plugin}"]\n`);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/bad.*no luck today/);
  });
});
