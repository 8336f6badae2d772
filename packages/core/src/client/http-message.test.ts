import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiRequest } from './contract.ts';
import { parseAnswer, toHttpMessage, toStatusError } from './http-message.ts';
import { jsonLines } from './json-lines.ts';

const pods = { group: '', version: 'v1', resource: 'pods' };

describe('toHttpMessage', () => {
  it.each<[ApiRequest, string]>([
    [{ verb: 'get', ...pods, namespace: 'ns', name: 'p' }, 'GET /api/v1/namespaces/ns/pods/p'],
    [
      { verb: 'list', ...pods, options: { labelSelector: 'a in (b,c)', limit: 5 } },
      'GET /api/v1/pods?labelSelector=a+in+%28b%2Cc%29&limit=5',
    ],
    [
      {
        verb: 'watch',
        group: 'apps',
        version: 'v1',
        resource: 'deployments',
        options: { allowWatchBookmarks: true, resourceVersion: '0' },
      },
      'GET /apis/apps/v1/deployments?watch=true&allowWatchBookmarks=true&resourceVersion=0',
    ],
    [{ verb: 'get', group: '', version: 'v1', resource: 'namespaces', name: 'x' }, 'GET /api/v1/namespaces/x'],
    [
      { verb: 'update', ...pods, namespace: 'ns', name: 'p', subresource: 'status', body: {} },
      'PUT /api/v1/namespaces/ns/pods/p/status',
    ],
    [
      { verb: 'create', ...pods, namespace: 'ns', options: { dryRun: ['All'] }, body: {} },
      'POST /api/v1/namespaces/ns/pods?dryRun=All',
    ],
    [
      { verb: 'get', group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles', name: 'system:x/y' },
      'GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Ax%2Fy',
    ],
  ])('%j', (request, expected) => {
    const { method, path } = toHttpMessage(request);
    expect(`${method} ${path}`).toBe(expected);
  });

  it('says in a body what a deletion has to say, and nothing if there is nothing', () => {
    expect(toHttpMessage({ verb: 'delete', ...pods, name: 'p' }).body).toBeUndefined();
    const message = toHttpMessage({
      verb: 'deletecollection',
      ...pods,
      options: {
        labelSelector: 'a=b',
        propagationPolicy: 'Foreground',
        gracePeriodSeconds: 0,
        preconditions: { uid: 'u' },
      },
    });
    expect(message.path).toBe('/api/v1/pods?labelSelector=a%3Db');
    expect(JSON.parse(message.body ?? '')).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Foreground',
      gracePeriodSeconds: 0,
      preconditions: { uid: 'u' },
    });
  });

  it('names the kind of a patch', () => {
    const request: ApiRequest = {
      verb: 'patch',
      ...pods,
      name: 'p',
      body: [],
      patchType: 'application/json-patch+json',
    };
    expect(toHttpMessage(request).headers['content-type']).toBe('application/json-patch+json');
  });
});

describe('toStatusError', () => {
  it('is the Status of the body, with the time to wait from the header', () => {
    const body = JSON.stringify({
      kind: 'Status',
      reason: 'TooManyRequests',
      message: 'slow down',
      code: 429,
      details: { kind: 'pods' },
    });
    const error = toStatusError(429, '3', body);
    expect(error).toMatchObject({ code: 429, reason: 'TooManyRequests', message: 'slow down' });
    expect(error.status.details).toEqual({ kind: 'pods', retryAfterSeconds: 3 });
  });

  it('is made of the code where a proxy has answered', () => {
    expect(toStatusError(503, undefined, '<html>gone</html>')).toMatchObject({
      code: 503,
      reason: 'ServiceUnavailable',
      message: '<html>gone</html>',
    });
    expect(toStatusError(404, undefined, '')).toMatchObject({
      reason: 'NotFound',
      message: 'the server answered with 404',
    });
    expect(toStatusError(418, undefined, '{not json')).toMatchObject({ code: 418, reason: '' });
  });
});

describe('jsonLines', () => {
  const read = async (chunks: readonly Uint8Array[], limit?: number) => {
    const out: unknown[] = [];
    async function* stream() {
      yield* chunks;
    }
    for await (const each of jsonLines(stream(), limit)) out.push(each);
    return out;
  };

  it('reads the same values however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9 })),
        fc.boolean(),
        async (values, cuts, ended) => {
          const lines = values.map((each) => JSON.stringify(each));
          const bytes = Buffer.from(lines.join('\n') + (ended && lines.length > 0 ? '\n' : ''));
          const chunks: Uint8Array[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = cuts[turn % Math.max(1, cuts.length)] ?? 5;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(await read(chunks)).toEqual(lines.map((each) => JSON.parse(each)));
        },
      ),
    );
  });

  it('refuses a line that never ends, and one that is no JSON', async () => {
    await expect(read([Buffer.from('"aaaa'), Buffer.from('aaaa')], 8)).rejects.toThrow('longer than 8 bytes');
    await expect(read([Buffer.from('{]\n')])).rejects.toThrow(SyntaxError);
  });
});

describe('parseAnswer', () => {
  it('reads the list of an empty collection, which Go may write as null', () => {
    const text = '{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":null}';
    expect(parseAnswer({ verb: 'list' }, text)).toMatchObject({ metadata: {}, items: [] });
    expect(parseAnswer({ verb: 'get' }, '{"items":null}')).toEqual({ items: null });
  });
});
