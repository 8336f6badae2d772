import { request } from 'node:https';
import { loadKubeconfig } from '@keelson/core/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { corpus } from '../../registry/oracle-corpus.test-data.ts';
import { resourceTable } from '../../schema/index.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import { encodeProtobuf, protobufMediaType } from './envelope.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

/** Absent and empty lists and maps are the same in protobuf, as are zero values of fields that are no pointers. */
function bare(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => {
      if (each === null || each === '' || each === 0 || each === false) return undefined;
      return typeof each === 'object' && Object.keys(bareKeys(each)).length === 0 ? undefined : each;
    }) ?? 'null',
  );
}
const bareKeys = (value: object) =>
  Object.fromEntries(
    Object.entries(value).filter(([, each]) => each !== null && each !== '' && each !== 0 && each !== false),
  );

describe.runIf(kubeconfig)('beside a real control plane', () => {
  let ask: (method: string, path: string, accept: string, body?: unknown) => Promise<{ code: number; body: Buffer }>;

  beforeAll(async () => {
    const config = await loadKubeconfig(kubeconfig);
    ask = (method, path, accept, body) =>
      new Promise((resolve, reject) => {
        const sent = request(
          new URL(path, config.server),
          {
            method,
            ca: config.ca,
            cert: config.cert,
            key: config.key,
            headers: { accept, 'content-type': 'application/json', 'user-agent': 'twin/1' },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () => resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
          },
        );
        sent.on('error', reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
      });
  });

  /** Reading and writing again gives the very bytes. */
  function same(bytes: Buffer): unknown {
    const decoded = decodeProtobuf(bytes);
    const type = decoded as { apiVersion: string; kind: string };
    expect(encodeProtobuf(type).toString('latin1')).toBe(bytes.toString('latin1'));
    return decoded;
  }

  const lists = resourceTable()
    .resources.filter(({ verbs }) => verbs.includes('list'))
    .map(({ group, version, resource }) => `/${group === '' ? 'api' : `apis/${group}`}/${version}/${resource}`);

  it.each(lists)('%s', async (path) => {
    const binary = await ask('GET', path, protobufMediaType);
    const text = await ask('GET', path, 'application/json');
    const decoded = same(binary.body);
    if (binary.code === 200) {
      const json: unknown = JSON.parse(text.body.toString());
      expect(bare(decoded)).toEqual(bare(json));
      expect(encodeProtobuf(json as { apiVersion: string; kind: string }).toString('latin1')).toBe(
        binary.body.toString('latin1'),
      );
    }
  });

  it.each(
    corpus.map(([path, body]) => [`${body.kind} ${body.metadata.name}`, path, body] as const),
  )('%s', async (_title, path, body) => {
    same((await ask('POST', `${path}?dryRun=All`, protobufMediaType, body)).body);
  });

  it.each([
    '/api',
    '/apis',
    '/apis/apps',
    '/api/v1',
    '/apis/apps/v1',
    '/api/v1/pods/x',
    '/apis/nope/v1/x',
  ])('%s', async (path) => {
    const { code, body } = await ask('GET', path, protobufMediaType);
    if (code < 500 && body.subarray(0, 3).toString() === 'k8s') same(body);
  });
});
