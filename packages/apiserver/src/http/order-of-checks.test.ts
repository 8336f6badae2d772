import { request as httpsRequest } from 'node:https';
import { isStatusError } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';
import { checkMediaType, decodeObject } from './decode-body.ts';
import { readYaml } from './read-yaml.ts';
import { checkListQuery, parseQueryOptions } from './request-options.ts';

const failure = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    if (isStatusError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return '';
};

// Each as a real v1.35 was seen to say it.
describe('options of writes', () => {
  const options = (
    query: string,
    ...rest: [Parameters<typeof parseQueryOptions>[1], Parameters<typeof parseQueryOptions>[2]?]
  ) => failure(() => parseQueryOptions(new URLSearchParams(query), ...rest));

  it('are told together, the manager before the rest', () => {
    expect(options(`dryRun=x&fieldValidation=s&fieldManager=${'x'.repeat(129)}`, 'create')).toBe(
      '422 CreateOptions.meta.k8s.io "" is invalid: [fieldManager: Too long: may not be more than 128 bytes, ' +
        'dryRun: Unsupported value: ["x"]: supported values: "All", ' +
        'fieldValidation: Unsupported value: "s": supported values: "", "Ignore", "Strict", "Warn"]',
    );
  });

  it('are those of the patch', () => {
    expect(options('dryRun=x', 'patch', 'application/apply-patch+yaml')).toBe(
      '422 PatchOptions.meta.k8s.io "" is invalid: [fieldManager: Required value: is required for apply patch, ' +
        'dryRun: Unsupported value: ["x"]: supported values: "All"]',
    );
    expect(options('force=true', 'patch', 'application/merge-patch+json')).toContain(
      'force: Forbidden: may not be specified for non-apply patch',
    );
  });

  it('of lists are read before they are compared', () => {
    const list = (query: string) => failure(() => checkListQuery(new URLSearchParams(query), 'list'));
    expect(list('labelSelector=!!!&resourceVersionMatch=b')).toContain("400 unable to parse requirement: found '!'");
    expect(list('resourceVersionMatch=b')).toContain('422 ListOptions.meta.k8s.io "" is invalid');
  });
});

describe('bodies', () => {
  it('show a character by its first byte, as Go does', () => {
    const refusal = (text: string) => failure(() => decodeObject(text, 'application/json', 'ConfigMap'));
    expect(refusal('{"a":\x01}')).toContain(String.raw`invalid character '\x01' looking for beginning of value`);
    expect(refusal('{"a":é}')).toContain("invalid character 'Ã' looking");
    expect(refusal('{"a":😀}')).toContain("invalid character 'ð' looking");
  });

  it('in YAML end with the brackets that they begin with, and hold no control characters', () => {
    expect(readYaml('{a: b}} x').value).toEqual({ a: 'b' });
    expect(decodeObject('{"a":1}{"a":2}', 'application/yaml', 'Pod').value).toEqual({ a: 1 });
    expect(failure(() => decodeObject('a: "\x01"', 'application/yaml', 'Pod'))).toContain(
      'yaml: control characters are not allowed',
    );
    expect(decodeObject('{"a":1,"a":2}', 'application/yaml', 'Pod').findings).toEqual([
      'line 1: key "a" already set in map',
    ]);
  });

  it('of no known type are refused', () => {
    expect(failure(() => checkMediaType('application/json;a'))).toContain('415');
    expect(failure(() => checkMediaType(''))).toBe('');
  });
});

describe('on the wire', () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
  });
  afterAll(() => server.stop());

  function call(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
    const { pki, listening } = server;
    const identity = { ca: pki?.ca, cert: pki?.admin.certificate, key: pki?.admin.key };
    return new Promise<{ readonly code: number; readonly text: string }>((resolve, reject) => {
      const where = { host: '127.0.0.1', port: listening?.port, agent: false, method, path, headers };
      const outgoing = httpsRequest({ ...where, ...identity }, async (incoming) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
        resolve({ code: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }
  const configMaps = '/api/v1/namespaces/default/configmaps';

  it('looks at the type of what is created before its options, of what is updated after', async () => {
    const xml = { 'content-type': 'application/xml' };
    expect((await call('POST', `${configMaps}?dryRun=x`, 'x', xml)).code).toBe(415);
    expect((await call('PUT', `${configMaps}/a?dryRun=x`, 'x', xml)).code).toBe(422);
  });

  it('looks at the options of a list before its form', async () => {
    const strange = { accept: 'application/json;as=Table;v=v9;g=meta.k8s.io' };
    expect((await call('GET', `${configMaps}?limit=a`, undefined, strange)).code).toBe(400);
    expect((await call('GET', configMaps, undefined, strange)).code).toBe(406);
    const yaml = { accept: 'application/yaml' };
    expect((await call('GET', `${configMaps}?watch=1&sendInitialEvents=true`, undefined, yaml)).code).toBe(422);
    expect((await call('GET', `${configMaps}?watch=1`, undefined, yaml)).code).toBe(406);
  });

  it('refuses a new object with a version after all else that is wrong with it', async () => {
    const body = (name: string) => JSON.stringify({ metadata: { name, resourceVersion: '5' } });
    expect((await call('POST', configMaps, body('A_B'))).code).toBe(422);
    expect((await call('POST', configMaps, body('versioned'))).code).toBe(500);
    expect((await call('GET', `${configMaps}/versioned`)).code).toBe(404);
  });

  it('reads queries and paths as Go does', async () => {
    expect((await call('GET', `${configMaps}?limit=`)).code).toBe(400);
    expect((await call('GET', `${configMaps}?limit=9223372036854775807`)).code).toBe(200);
    expect((await call('GET', `${configMaps}?limit=9223372036854775808`)).code).toBe(400);
    expect((await call('GET', `${configMaps}?limit=-9223372036854775809`)).code).toBe(400);
    expect((await call('GET', `${configMaps}?limit=&timeoutSeconds=x`)).text).toContain('parsing \\"x\\"');
    // What cannot be read is left out.
    expect((await call('GET', `${configMaps}?limit=1;x`)).code).toBe(200);
    expect((await call('GET', `${configMaps}?labelSelector=%zz`)).code).toBe(200);
    expect((await call('GET', `${configMaps}?%zz=1&limit=x`)).code).toBe(400);
    for (const method of ['GET', 'DELETE']) expect((await call(method, `${configMaps}/a%25b`)).code, method).toBe(400);
    const groups = await Promise.all(
      ['/apis/', '/apis//', '/apis//apps', '/apis/apps//'].map((each) => call('GET', each)),
    );
    expect(groups.map(({ code }) => code)).toEqual([200, 404, 404, 200]);
    expect((await call('GET', '/version//')).code).toBe(200);
  });

  it('answers every method where groups are listed', async () => {
    expect((await call('DELETE', '/apis/apps')).code).toBe(200);
    expect((await call('POST', '/apis')).code).toBe(200);
    expect((await call('POST', '/apis/apps/v1')).code).toBe(405);
    expect((await call('POST', '/apis/apps')).code).toBe(200);
    expect((await call('POST', '/apis/apiregistration.k8s.io')).code).toBe(405);
  });

  it('leaves out of bare metadata what only stands for fields', async () => {
    const labels = { app: 'x' };
    const spec = {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } },
    };
    const path = '/apis/apps/v1/namespaces/default/daemonsets';
    const json = { 'content-type': 'application/json' };
    const made = await call('POST', path, JSON.stringify({ metadata: { name: 'a' }, spec }), json);
    expect(made.text).toContain('deprecated.daemonset.template.generation');
    const partial = { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' };
    expect(JSON.parse((await call('GET', `${path}/a`, undefined, partial)).text).metadata.annotations).toBeUndefined();
  });

  it('decodes the bodies of subresources by their own schemas', async () => {
    const body = '{"metadata":{"name":"p"},"a":1,"target":{"name":"n","name":"n"}}';
    const json = { 'content-type': 'application/json' };
    const path = '/api/v1/namespaces/default/pods/p/binding';
    expect((await call('POST', `${path}?fieldValidation=Strict`, body, json)).text).toContain(
      String.raw`strict decoding error: unknown field \"a\", duplicate field \"target.name\"`,
    );
    const wrong = await call('POST', path, '{"metadata":{"name":5}}', json);
    expect(wrong.text).toContain(
      'cannot be handled as a Binding: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string',
    );
  });
});
