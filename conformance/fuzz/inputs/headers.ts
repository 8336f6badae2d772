import fc, { type Arbitrary } from 'fast-check';
import { wire } from '../request.ts';
import { of, text, whole } from './texts.ts';

type Header = readonly [name: string, value: string];

const part = of(
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/*',
  '*/*',
  'text/html',
  'text/plain',
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  ';as=Table',
  ';as=PartialObjectMetadata',
  ';as=PartialObjectMetadataList',
  ';as=APIGroupDiscoveryList',
  ';g=meta.k8s.io',
  ';g=apidiscovery.k8s.io',
  ';v=v1',
  ';v=v2',
  ';v=v1beta1',
  ';stream=watch',
  ';sv=v1',
  ';q=0',
  ';q=x',
  ';q=1e9',
  ';pretty=1',
  ',',
  ';',
  '=',
  '"',
  ' ',
  '/',
  '*',
  '__proto__',
  ';as=__proto__',
  ';charset=utf-8',
);
const media = fc.array(part, { maxLength: 6 }).map((all) => all.join(''));

/** Values that can stand in a header. */
const value = text.map((each) => wire(whole(each)).replace(/[\0\r\n]/g, ''));

/** A JWT of one's own make. */
const jwt = fc
  .tuple(
    of('{"alg":"none"}', '{"alg":"RS256"}', '{"alg":"RS256","kid":"__proto__"}', '{}', 'x', '[]', 'null'),
    of(
      '{}',
      '{"sub":1}',
      '{"iss":"https://kubernetes.default.svc.cluster.local","exp":1e400}',
      '{"iss":"https://kubernetes.default.svc.cluster.local","sub":"x","aud":[]}',
      'x',
      'null',
    ),
    of('', 'x', 'AAAA'),
  )
  .map(
    ([head, claims, signature]) =>
      `${Buffer.from(head).toString('base64url')}.${Buffer.from(claims).toString('base64url')}.${signature}`,
  );

const impersonated = of(
  'fuzz',
  'system:admin',
  'system:anonymous',
  'system:serviceaccount:{{ns}}:default',
  'system:serviceaccount:',
  'system:serviceaccount:a:b:c',
  'system:serviceaccount:A/B:é',
  '',
);

export const header: Arbitrary<Header> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(of('accept'), media) },
  { weight: 2, arbitrary: fc.tuple(of('content-type'), fc.oneof(media, value)) },
  { weight: 2, arbitrary: fc.tuple(of('impersonate-user'), fc.oneof(impersonated, value)) },
  {
    weight: 2,
    arbitrary: fc.tuple(of('impersonate-group', 'impersonate-uid'), fc.oneof(of('system:masters', 'a', ''), value)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      of(
        'impersonate-extra-a',
        'impersonate-extra-',
        'impersonate-extra-%',
        'impersonate-extra-%zz',
        'impersonate-extra-%2f',
        'impersonate-extra-__proto__',
        'impersonate-extra-constructor',
      ),
      value,
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      of('authorization'),
      fc.oneof(
        jwt.map((each) => `Bearer ${each}`),
        value.map((each) => `Bearer ${each}`),
        value,
        of('Basic YTpi', 'Bearer', 'Bearer ', 'bearer a b', 'Negotiate x'),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(of('accept-encoding'), of('gzip', 'gzip;q=0', 'br', '*', 'identity;q=0', 'deflate, gzip', '')),
  },
  { weight: 1, arbitrary: fc.tuple(of('content-encoding'), of('gzip', 'identity', 'x')) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      of(
        'if-none-match',
        'if-match',
        'if-modified-since',
        'range',
        'origin',
        'user-agent',
        'audit-id',
        'x-forwarded-for',
        'host',
        'cookie',
        'referer',
        'te',
        'trailer',
      ),
      value,
    ),
  },
  { weight: 1, arbitrary: fc.tuple(of('expect'), of('100-continue', '200-ok', '', 'x')) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      of('connection'),
      of('close', 'keep-alive', 'upgrade', 'x', 'content-length', 'close, upgrade'),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(of('upgrade'), of('websocket', 'SPDY/3.1', 'h2c', 'x', '')) },
  { weight: 1, arbitrary: fc.tuple(of('__proto__', 'constructor', 'toString', 'x-a', ':path', 'a b', '', 'é'), value) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      of('x-long'),
      of(100, 5000, 9000, 20_000, 70_000).map((size) => 'x'.repeat(size)),
    ),
  },
);

/** Some headers; now and then a great many. */
export const headers: Arbitrary<readonly Header[]> = fc.oneof(
  { weight: 30, arbitrary: fc.array(header, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: of(60, 150, 1500, 5000).map((count) =>
      Array.from({ length: count }, (_, at): Header => [`x-${at}`, 'a']),
    ),
  },
);
