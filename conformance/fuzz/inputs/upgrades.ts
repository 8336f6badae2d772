import fc, { type Arbitrary } from 'fast-check';
import type { FuzzRequest } from '../request.ts';
import { query } from './targets.ts';
import { of } from './texts.ts';

const streams = of(
  '/api/v1/namespaces/{{ns}}/pods/{{id}}-a/exec',
  '/api/v1/namespaces/{{ns}}/pods/{{id}}-a/attach',
  '/api/v1/namespaces/{{ns}}/pods/{{id}}-a/portforward',
  '/api/v1/namespaces/{{ns}}/pods/{{id}}-a/proxy/x',
  '/api/v1/namespaces/{{ns}}/pods/{{id}}-a/log',
  '/api/v1/namespaces/{{ns}}/pods/missing/exec',
  '/api/v1/namespaces/{{ns}}/services/{{id}}-a/proxy/x',
  '/api/v1/namespaces/{{ns}}/services/http:{{id}}-a:80/proxy',
  '/api/v1/nodes/{{id}}-a/proxy/x',
  '/api/v1/nodes/{{id}}-a:0/proxy/x',
  '/api/v1/namespaces/{{ns}}/configmaps',
  '/api/v1/watch/pods',
  '/apis/apps/v1/deployments',
  '/openapi/v2',
  '/x',
);
const asked = fc
  .tuple(
    streams,
    fc.oneof(
      of(
        '?watch=1',
        '?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
        '?command=sh&stdin=1&stdout=1&tty=1',
        '?ports=80',
      ),
      query,
    ),
  )
  .map((all) => all.join(''));

const frame = fc
  .tuple(
    of(0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x00, 0xf1, 0x8f, 0xc1),
    of(
      '\x80\0\0\0\0',
      '\x85\0\0\0\0hello',
      '\x05hello',
      '\xfe\xff\xff\0\0\0\0',
      '\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0',
      '\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0',
      '\x82\0\0\0\0\x03\xe8',
      '\x82\0\0\0\0\0\x01',
      '\x81\0\0\0\0\xff',
      '',
    ),
  )
  .map(([first, rest]) => String.fromCharCode(first) + rest);
const spdy = of(
  '\x80\x03\0\x01\x01\0\0\x12',
  '\x80\x03\0\x04\0\xff\xff\xff',
  '\x80\x03\0\x06\0\0\0\x04\0\0\0\x01',
  '\0\0\0\x01\0\xff\xff\xff',
  '\x80\x03\0\x07\0\0\0\x08\0\0\0\0\0\0\0\0',
  '\xff\xff\xff\xff',
);
const frames = fc.oneof(
  { weight: 3, arbitrary: fc.array(frame, { maxLength: 5 }).map((all) => all.join('')) },
  { weight: 1, arbitrary: spdy },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((all) => Buffer.from(all).toString('latin1')) },
);

type Header = readonly [string, string];
const sometimes = (name: string, value: Arbitrary<string>): Arbitrary<readonly Header[]> =>
  value.map((each) => (each === '-' ? [] : [[name, each] as const]));

/** A request that would rather go on in another protocol, and what it says then. */
export const upgradeRequest: Arbitrary<FuzzRequest> = fc
  .record({
    method: fc.oneof(
      { weight: 6, arbitrary: of('GET', 'POST') },
      { weight: 1, arbitrary: of('PUT', 'DELETE', 'HEAD', 'OPTIONS') },
    ),
    target: asked,
    headers: fc
      .tuple(
        fc.oneof(
          { weight: 8, arbitrary: fc.constant<readonly Header[]>([['connection', 'Upgrade']]) },
          { weight: 1, arbitrary: sometimes('connection', of('close', '-', 'x, upgrade')) },
        ),
        sometimes('upgrade', of('websocket', 'SPDY/3.1', 'h2c', 'x', 'WebSocket')),
        fc.oneof(
          { weight: 6, arbitrary: fc.constant<readonly Header[]>([['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ==']]) },
          { weight: 1, arbitrary: sometimes('sec-websocket-key', of('x', '-', '')) },
        ),
        fc.oneof(
          { weight: 6, arbitrary: fc.constant<readonly Header[]>([['sec-websocket-version', '13']]) },
          { weight: 1, arbitrary: sometimes('sec-websocket-version', of('8', '99', 'x', '-')) },
        ),
        sometimes(
          'sec-websocket-protocol',
          of(
            '-',
            'v5.channel.k8s.io',
            'v4.channel.k8s.io',
            'channel.k8s.io',
            'base64.channel.k8s.io',
            'SPDY/3.1+portforward.k8s.io',
            'a,b',
            ',',
            'base64url.bearer.authorization.k8s.io.eHg',
            'v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.',
            'a b',
          ),
        ),
        sometimes('origin', of('-', 'http://x', 'x', 'null', '')),
        sometimes('x-stream-protocol-version', of('-', 'v4.channel.k8s.io', 'portforward.k8s.io', 'x')),
        sometimes('sec-websocket-extensions', of('-', 'permessage-deflate', 'permessage-deflate; x=y', ';;', 'x')),
      )
      .map((all) => all.flat()),
    body: of(undefined, undefined, undefined, 'x'),
    frames,
  })
  .map(({ body, ...rest }) => ({ ...rest, framing: 'length' as const, ...(body !== undefined && { body }) }));
