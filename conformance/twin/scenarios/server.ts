import type { Step, TwinCase } from '../case.ts';
import type { Kind } from '../kinds.ts';
import type { Scenario } from './write-read.ts';

const aggregated = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`;
const openApiForms = [
  'application/json',
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  '*/*',
  'text/plain',
];

/** What discovery says of the kind's group and version. */
export const discovery: Scenario = (kind: Kind, rng) => {
  const root = kind.group === '' ? '/api' : `/apis/${kind.group}`;
  const choices: Step[] = [
    { method: 'GET', path: root },
    { method: 'GET', path: `${root}/` },
    { method: 'GET', path: `${root}/${kind.version}` },
    { method: 'GET', path: `${root}/${kind.version}/` },
    { method: 'GET', path: `${root}/${kind.version}`, headers: { accept: 'application/yaml' } },
    { method: 'GET', path: `${root}/${kind.version}`, headers: { accept: 'application/vnd.kubernetes.protobuf' } },
    { method: 'GET', path: `${root}/${kind.version}`, headers: { accept: aggregated('v2') } },
    { method: 'GET', path: `${root}/v9` },
    { method: 'POST', path: `${root}/${kind.version}`, json: {} },
    { method: 'GET', path: `/apis/none-{{id}}.example.com` },
    { method: 'GET', path: `/apis/none-{{id}}.example.com/v1` },
    { method: 'GET', path: `${root}/${kind.version}`, headers: { accept: 'text/plain' } },
    { method: 'DELETE', path: root },
  ];
  return rng.shuffled(choices).slice(0, 5);
};

/** Requests about the server itself; they run alone, before the others make anything. */
export const serverCases: readonly TwinCase[] = [
  ...[
    '/',
    '/api',
    '/apis',
    '/version',
    '/version/',
    '/healthz',
    '/livez',
    '/readyz',
    '/healthz?verbose',
    '/livez?verbose',
    '/readyz?verbose',
    '/healthz/ping',
    '/livez/ping',
    '/readyz/ping',
    '/readyz/etcd',
    '/livez/nothing',
    '/readyz?exclude=ping',
    '/livez?exclude=nothing',
    '/openapi/v3',
    '/openapi/v3/',
    '/openapi/v3/version',
    '/openapi/v3/nothing',
    '/nothing',
    '/api/',
    '/apis/',
    '/api/v2',
    '/apis/apps/v9',
    '/openid/v1/jwks',
    '/.well-known/openid-configuration',
    '/swagger.json',
    '/logs',
    '/debug/pprof/',
    '/flagz',
    '/statusz',
    '/metrics/slis',
  ].map((path): Step => ({ method: 'GET', path })),
  ...['v2', 'v2beta1', 'v1'].flatMap((version) =>
    ['/api', '/apis'].map((path): Step => ({ method: 'GET', path, headers: { accept: aggregated(version) } })),
  ),
  ...openApiForms.flatMap((accept) =>
    ['/openapi/v2', '/openapi/v3'].map((path): Step => ({ method: 'GET', path, headers: { accept } })),
  ),
  ...['/version', '/healthz', '/api', '/openapi/v3'].flatMap((path) => [
    { method: 'POST', path, json: {} } as const,
    { method: 'GET', path, headers: { accept: 'text/html' } } as const,
    { method: 'GET', path, headers: { accept: 'application/yaml' } } as const,
    { method: 'GET', path, headers: { accept: 'image/png' } } as const,
  ]),
].map((step): TwinCase => ({ kind: 'server', scenario: 'server', namespaced: false, steps: [step] }));
