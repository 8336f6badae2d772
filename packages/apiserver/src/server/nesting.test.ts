import { request } from 'node:https';
import { CustomResourceDefinition } from '@keelson/core';
import { deepestJson } from '@keelson/core/machinery';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from './index.ts';

let server: TestApiServer;

interface Asked {
  readonly type?: string;
  readonly accept?: string;
}

function ask(method: string, path: string, body = '', { type = 'json', accept = 'json' }: Asked = {}) {
  const { pki, listening } = server;
  const identity = { ca: pki?.ca, cert: pki?.admin.certificate, key: pki?.admin.key };
  const headers = { accept: `application/${accept}`, ...(body !== '' && { 'content-type': `application/${type}` }) };
  return new Promise<{ readonly code: number | undefined; readonly text: string }>((resolve, reject) => {
    const asking = request(
      { host: '127.0.0.1', port: listening?.port, path, method, headers, ...identity },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve({ code: answer.statusCode, text }));
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });
}

const all = '/apis/nesting.keelson.dev/v1/namespaces/default/deeps';
const maps = (levels: number, leaf = '1') => `${'{"a":'.repeat(levels)}${leaf}${'}'.repeat(levels)}`;
const deep = (name: string, levels: number, leaf?: string) =>
  `{"apiVersion":"nesting.keelson.dev/v1","kind":"Deep","metadata":{"name":"${name}"},"deep":${maps(levels, leaf)}}`;
/** Of what lies in the object itself. */
const deepest = deepestJson - 1;
/** The owners of fields nest a little deeper than the fields. */
const owned = deepest - 4;

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  await server.client.create(CustomResourceDefinition, {
    metadata: { name: 'deeps.nesting.keelson.dev' },
    spec: {
      group: 'nesting.keelson.dev',
      scope: 'Namespaced',
      names: { plural: 'deeps', kind: 'Deep' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  await waitFor(async () => (await ask('GET', all)).code === 200);
});
afterAll(() => server.stop());

describe('what nests deeply', () => {
  it('can be written and read in every way, as deep as may be', async () => {
    expect((await ask('POST', all, deep('a', owned))).code).toBe(201);
    for (const accept of ['json', 'yaml', 'json;as=Table;g=meta.k8s.io;v=v1']) {
      expect((await ask('GET', `${all}/a`, '', { accept })).code).toBe(200);
    }
    expect((await ask('GET', `${all}/a?pretty=1`)).code).toBe(200);
    const changes: readonly (readonly [type: string, body: string])[] = [
      ['merge-patch+json', `{"deep":${maps(owned, '2')}}`],
      ['json-patch+json', `[{"op":"replace","path":"/deep${'/a'.repeat(owned)}","value":3}]`],
      ['apply-patch+yaml', deep('a', owned, '4')],
      ['apply-patch+yaml', deep('a', owned, '5').replace('{', '{ # YAML\n')],
    ];
    for (const [type, body] of changes) {
      const force = type.startsWith('apply') ? '&force=true' : '';
      const answer = await ask('PATCH', `${all}/a?fieldManager=x${force}`, body, { type });
      expect({ type, ...answer }).toMatchObject({ type, code: 200 });
    }
    expect((await ask('DELETE', `${all}/a`)).code).toBe(200);
  });

  it('is refused when it is deeper, also where a patch would make it so', async () => {
    for (const levels of [deepest + 1, 2_000, 9_000, 100_000]) {
      for (const type of ['json', 'yaml']) {
        expect(await ask('POST', all, deep('b', levels), { type })).toMatchObject({
          code: 400,
          text: expect.stringContaining('exceeded max depth'),
        });
      }
      const flow = deep('b', levels).replace('{', '{ # YAML\n');
      expect(await ask('POST', all, flow, { type: 'yaml' })).toMatchObject({ code: 400 });
    }
    expect((await ask('POST', all, deep('c', owned - 1))).code).toBe(201);
    const json = { type: 'json-patch+json' };
    const leaf = `/deep${'/a'.repeat(owned - 1)}`;
    for (const patch of [
      `[{"op":"add","path":"${leaf}","value":${maps(7)}}]`,
      `[{"op":"replace","path":"${leaf}","value":${maps(300)}}]`,
      `[{"op":"copy","from":"/metadata","path":"${leaf}"},{"op":"copy","from":"/deep","path":"${leaf}/x"}]`,
      `[{"op":"move","from":"/deep/a","path":"/metadata/labels"},{"op":"copy","from":"/metadata","path":"/metadata/labels${'/a'.repeat(200)}"}]`,
    ]) {
      expect((await ask('PATCH', `${all}/c`, patch, json)).code).toBe(422);
    }
    expect((await ask('PATCH', `${all}/c`, `[{"op":"add","path":"${leaf}","value":${maps(1)}}]`, json)).code).toBe(200);
  });
});
