import fc, { type Arbitrary } from 'fast-check';
import type { Framing, FuzzCase, FuzzRequest } from '../request.ts';
import { type Body, objectBody, patchBody } from './bodies.ts';
import { customCase } from './custom.ts';
import { headers } from './headers.ts';
import { anyKind, collection, type Kind, pathOf, storedKind } from './kinds.ts';
import { kindPath, query, target } from './targets.ts';
import { of } from './texts.ts';
import { upgradeRequest } from './upgrades.ts';

const http2 = of(false, false, true);
const framing: Arbitrary<Framing> = fc.oneof(
  { weight: 5, arbitrary: of('length') },
  { weight: 1, arbitrary: of('chunked') },
);
const lies: Arbitrary<Framing> = of(
  'length-too-long',
  'length-too-short',
  'length-twice',
  'length-negative',
  'both',
  'chunk-garbage',
  'chunk-huge',
  'cut',
);

const method = fc.oneof(
  { weight: 6, arbitrary: of('GET', 'POST', 'PUT', 'PATCH', 'DELETE') },
  {
    weight: 1,
    arbitrary: of('HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'FOO', 'get', 'PRI', 'PROPFIND', 'M'.repeat(1000)),
  },
);

function withBody({ contentType, body }: Body, more: FuzzRequest['headers']) {
  const own = more.some(([name]) => name === 'content-type') ? [] : ([['content-type', contentType]] as const);
  return { headers: [...own, ...more], body };
}

const few = fc.oneof(
  { weight: 4, arbitrary: fc.constant<FuzzRequest['headers']>([]) },
  { weight: 1, arbitrary: headers },
);

const writing = (
  about: string,
  verb: string,
  path: (kind: Kind) => Arbitrary<string>,
  body: (kind: Kind) => Arbitrary<Body>,
  kind: Arbitrary<Kind>,
  based: boolean,
): Arbitrary<FuzzCase> =>
  kind.chain((each) =>
    fc
      .record({
        path: path(each),
        query: fc.oneof(
          {
            weight: 2,
            arbitrary: of(
              '',
              '?dryRun=All',
              '?fieldManager=f',
              '?fieldManager=f&force=true',
              '?fieldValidation=Strict',
            ),
          },
          { weight: 1, arbitrary: query },
        ),
        body: body(each),
        more: few,
        framing,
        http2,
      })
      .map(({ path: where, query: asked, body: content, more, framing: framed, http2: second }) => ({
        about,
        ...(based && { base: each.id }),
        requests: [
          { method: verb, target: `${where}${asked}`, ...withBody(content, more), framing: framed, http2: second },
        ],
      })),
  );

const parts = (kind: Kind) =>
  fc.oneof(
    { weight: 5, arbitrary: of(pathOf(kind)) },
    { weight: 2, arbitrary: of(...kind.subresources.keys(), 'status').map((each) => `${pathOf(kind)}/${each}`) },
  );

/** Every sort of case with its share. */
export const sorts: Readonly<Record<string, { readonly weight: number; readonly arbitrary: Arbitrary<FuzzCase> }>> = {
  create: {
    weight: 8,
    arbitrary: writing('create', 'POST', (kind) => of(collection(kind)), objectBody, anyKind, false),
  },
  update: { weight: 5, arbitrary: writing('update', 'PUT', parts, objectBody, storedKind, true) },
  patch: { weight: 10, arbitrary: writing('patch', 'PATCH', parts, patchBody, storedKind, true) },
  delete: {
    weight: 2,
    arbitrary: writing('delete', 'DELETE', (kind) => of(pathOf(kind), collection(kind)), objectBody, storedKind, true),
  },
  parts: { weight: 3, arbitrary: writing('parts', 'POST', kindPath, objectBody, storedKind, true) },
  read: {
    weight: 8,
    arbitrary: storedKind.chain((kind) =>
      fc
        .record({ path: kindPath(kind), query, headers, method: of('GET', 'GET', 'GET', 'HEAD', 'DELETE'), http2 })
        .map(({ path, query: asked, ...rest }) => ({
          about: 'read',
          base: kind.id,
          requests: [{ ...rest, target: `${path}${asked}`, framing: 'length' as const }],
        })),
    ),
  },
  target: {
    weight: 6,
    arbitrary: fc
      .record({ method, target, headers, http2 })
      .map((request) => ({ about: 'target', requests: [{ ...request, framing: 'length' as const }] })),
  },
  framing: {
    weight: 2,
    arbitrary: anyKind.chain((kind) =>
      fc
        .record({ method, target: kindPath(kind), body: objectBody(kind), more: few, framing: lies })
        .map(({ body, more, ...request }) => ({
          about: 'framing',
          requests: [{ ...request, ...withBody(body, more) }],
        })),
    ),
  },
  upgrade: {
    weight: 3,
    arbitrary: fc
      .tuple(of('pods/v1', 'services/v1', 'nodes/v1'), upgradeRequest)
      .map(([base, request]) => ({ about: 'upgrade', base, requests: [request] })),
  },
  custom: { weight: 3, arbitrary: customCase.map((requests) => ({ about: 'custom', requests })) },
};

/** Any case. */
export const anyCase = (only: readonly string[] = []): Arbitrary<FuzzCase> =>
  fc.oneof(
    ...Object.entries(sorts).flatMap(([name, each]) => (only.length === 0 || only.includes(name) ? [each] : [])),
  );
