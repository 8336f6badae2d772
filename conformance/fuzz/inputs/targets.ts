import fc, { type Arbitrary } from 'fast-check';
import { collection, type Kind, kinds, pathOf } from './kinds.ts';
import { escaped, numeral, of, text, whole } from './texts.ts';

/** What selectors are made of. */
const token = of(
  'a',
  'app',
  'twin',
  '{{id}}',
  '=',
  '==',
  '!=',
  ' in ',
  ' notin ',
  'in',
  '(',
  ')',
  ',',
  '!',
  ' ',
  '>',
  '<',
  '1',
  '-1',
  '/',
  '.',
  'example.com/a',
  'metadata.name',
  'metadata.namespace',
  'status.phase',
  'spec.nodeName',
  'type',
  '\\',
  '\\,',
  '\\=',
  '"',
  "'",
  '__proto__',
  'constructor',
  'x'.repeat(64),
  'x'.repeat(5000),
  '\0',
  'é',
);
const selector = fc.oneof(
  { weight: 4, arbitrary: fc.array(token, { maxLength: 10 }).map((all) => all.join('')) },
  { weight: 1, arbitrary: text },
  {
    weight: 1,
    arbitrary: of(
      'a in (',
      'a in ()',
      'a,,b',
      '!',
      'a>1e9',
      'metadata.name=a,metadata.name!=a',
      'a='.repeat(3000),
      'a,'.repeat(3000),
      '('.repeat(3000),
    ),
  },
);

const base64 = (value: string) => Buffer.from(value).toString('base64url');

/** A continue token as the server makes it, with anything in it. */
const continueToken: Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        v: of('meta.k8s.io/v1', 'meta.k8s.io/v2', '', '1'),
        rv: of('-1', '0', '1', '10', '999999999', '9223372036854775807', '1.5', '1e300', '"1"', 'null', '{}'),
        start: fc.oneof(of('{{ns}}/{{id}}-a\0', '', '/', '../', '{{ns}}/../../x\0', '\0', 'x'.repeat(2000)), text),
      })
      .map(({ v, rv, start }) => base64(`{"v":${JSON.stringify(v)},"rv":${rv},"start":${JSON.stringify(start)}}`)),
  },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: text.map(base64) },
);

const version = fc.oneof({ weight: 3, arbitrary: numeral }, { weight: 1, arbitrary: text });

/** Query parameters and what may stand in them. */
const parameters: Readonly<Record<string, Arbitrary<string>>> = {
  labelSelector: selector,
  fieldSelector: selector,
  continue: continueToken,
  limit: numeral,
  resourceVersion: version,
  resourceVersionMatch: of('Exact', 'NotOlderThan', 'exact', '', 'x'),
  timeoutSeconds: of('1', '0', '-1', 'x', '1.5', '9223372036854775807', '99999999999999999999'),
  watch: of('1', 'true', '0', 'false', '', 'x'),
  allowWatchBookmarks: of('1', 'true', 'x', ''),
  sendInitialEvents: of('1', 'true', 'false', 'x'),
  dryRun: of('All', '', 'all', 'None', 'All,All'),
  fieldManager: text,
  fieldValidation: of('Strict', 'Warn', 'Ignore', 'strict', ''),
  force: of('true', 'false', '1', 'x', ''),
  gracePeriodSeconds: numeral,
  orphanDependents: of('true', 'false', 'x', ''),
  propagationPolicy: of('Foreground', 'Background', 'Orphan', 'x', ''),
  pretty: of('1', 'true', 'false', '', 'x'),
  includeObject: of('None', 'Object', 'Metadata', 'x', ''),
  exclude: text,
  verbose: of('', '1'),
  timeout: of('1s', '0', '-1s', 'x', '1ns', '9999h', '34s'),
  container: text,
  command: text,
  tailLines: numeral,
  sinceSeconds: numeral,
  sinceTime: text,
  limitBytes: numeral,
  follow: of('true', 'x'),
  previous: of('true', 'x'),
  stream: of('All', 'Stdout', 'x'),
  ports: numeral,
  __proto__x: text,
};
const parameter: Arbitrary<string> = fc.oneof(
  {
    weight: 8,
    arbitrary: of(...Object.keys(parameters)).chain((name) =>
      (parameters[name] ?? text).map((value) => `${name}=${encodeURIComponent(whole(value))}`),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(of(...Object.keys(parameters), '__proto__', 'constructor', ''), escaped)
      .map((pair) => pair.join('=')),
  },
);
export const query: Arbitrary<string> = fc
  .array(parameter, { maxLength: 4 })
  .map((all) => (all.length === 0 ? '' : `?${all.join('&')}`));

const subresource = of(
  'status',
  'scale',
  'log',
  'exec',
  'attach',
  'portforward',
  'proxy',
  'proxy/a/b',
  'eviction',
  'binding',
  'token',
  'approval',
  'finalize',
  'ephemeralcontainers',
  'resize',
  'x',
  'status/x',
  '__proto__',
);

/** A path of a kind: its collection, the object, a part of it. */
export const kindPath = (kind: Kind): Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: of(collection(kind)) },
    { weight: 3, arbitrary: of(pathOf(kind)) },
    {
      weight: 2,
      arbitrary: fc
        .oneof(of(...kind.subresources.keys(), 'status'), subresource)
        .map((each) => `${pathOf(kind)}/${each}`),
    },
    { weight: 1, arbitrary: of(collection(kind).replace('/namespaces/{{ns}}', '')) },
    {
      weight: 1,
      arbitrary: of(
        collection(kind)
          .replace('/namespaces/{{ns}}', '')
          .replace(/^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)/, '$1/watch'),
      ),
    },
    { weight: 1, arbitrary: escaped.map((name) => `${collection(kind)}/${name}`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(escaped, escaped)
        .map(([namespace, name]) => `${collection(kind).replace('{{ns}}', namespace)}/${name}`),
    },
  );

const own = of(
  '/',
  '/api',
  '/apis',
  '/api/v1',
  '/apis/apps',
  '/apis/apps/v1',
  '/apis/x',
  '/apis/x/v1',
  '/version',
  '/healthz',
  '/livez',
  '/readyz',
  '/readyz/ping',
  '/healthz/poststarthook/x',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/api/v1',
  '/openapi/v3/apis/apps/v1',
  '/openapi/v3/../../x',
  '/.well-known/openid-configuration',
  '/openid/v1/jwks',
  '/index.html',
  '/logs',
  '/debug/pprof',
  '/favicon.ico',
  '/ui',
  '/swaggerapi',
  '/readyz/../x',
);
const segment = fc.oneof(
  {
    weight: 3,
    arbitrary: of(
      'api',
      'apis',
      'v1',
      'apps',
      'namespaces',
      '{{ns}}',
      'pods',
      'watch',
      'proxy',
      '',
      '.',
      '..',
      'status',
      'finalize',
      '__proto__',
      'constructor',
    ),
  },
  { weight: 1, arbitrary: escaped },
);

/** Any target of a request: paths that exist, nearly exist, and do not; the last two forms are no paths. */
export const target: Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(of(...kinds).chain(kindPath), query).map((all) => all.join('')) },
  { weight: 2, arbitrary: fc.tuple(own, query).map((all) => all.join('')) },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.array(segment, { maxLength: 9 }), query).map(([all, more]) => `/${all.join('/')}${more}`),
  },
  {
    weight: 1,
    arbitrary: of(
      '*',
      'x',
      'http://other/api/v1',
      '//x/api',
      '/api/v1/pods#x',
      '/?',
      '?',
      '',
      `/api/v1/${'a'.repeat(7000)}`,
      `/api/v1/${'a'.repeat(20_000)}`,
      `/${'a/'.repeat(3000)}`,
      `/api/v1/pods?${'a=1&'.repeat(1900)}`,
    ),
  },
);
