import { describe, expect, it } from 'vitest';
import { parseRequestInfo } from './request-info.ts';

const parse = (method: string, url: string) => {
  const [path = '', query = ''] = url.split('?');
  return parseRequestInfo(method, path, new URLSearchParams(query));
};

describe('parseRequestInfo', () => {
  it.each([
    ['GET', '/api/v1/pods', { verb: 'list', group: '', version: 'v1', resource: 'pods' }],
    ['GET', '/api/v1/namespaces/a/pods?watch=1', { verb: 'watch', resource: 'pods', namespace: 'a' }],
    ['GET', '/api/v1/watch/namespaces/a/pods', { verb: 'watch', resource: 'pods', namespace: 'a' }],
    ['GET', '/api/v1/namespaces/a', { verb: 'get', resource: 'namespaces', name: 'a' }],
    [
      'PUT',
      '/api/v1/namespaces/a/finalize',
      { verb: 'update', resource: 'namespaces', name: 'a', subresource: 'finalize' },
    ],
    [
      'DELETE',
      '/apis/apps/v1/namespaces/a/deployments',
      { verb: 'deletecollection', group: 'apps', resource: 'deployments' },
    ],
    ['PATCH', '/apis/apps/v1/namespaces/a/deployments/d/scale', { verb: 'patch', name: 'd', subresource: 'scale' }],
    ['GET', '/api/v1/namespaces/a/services/s:80/proxy/x/y', { name: 's:80', subresource: 'proxy', rest: '/x/y' }],
    ['POST', '/api/v1/namespaces/a/pods/p/exec?command=ls', { verb: 'create', name: 'p', subresource: 'exec' }],
  ])('%s %s', (method, url, expected) => {
    expect(parse(method, url)).toMatchObject({ isResource: true, ...expected });
  });

  it.each(['/', '/version', '/api/v1', '/apis/apps/v1', '/healthz/ping'])('takes %s for no resource', (path) => {
    expect(parse('GET', path)).toEqual({ isResource: false, verb: 'get', path });
  });
});
