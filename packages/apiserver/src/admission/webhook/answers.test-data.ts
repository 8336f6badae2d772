import { type Json, patch, type TestAnswer, type TestHandler } from './webhook-server.test-data.ts';

export interface AnswerScenario {
  readonly name: string;
  readonly answer: TestHandler;
}

const allow = { allowed: true };
const text = { 'content-type': 'text/plain' };
const refusal = (status: Json): Json => ({ allowed: false, status });

/** A whole review of which everything can be another. */
const review =
  (response: (uid: unknown) => Json | null | undefined, more: Json = {}): TestHandler =>
  ({ uid }) => ({
    raw: JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: response(uid),
      ...more,
    }),
  });

const allowed = (uid: unknown): Json => ({ uid, allowed: true });
const http = (code: number, raw = 'bad'): TestAnswer => ({ code, raw, headers: text });

const answers: Readonly<Record<string, TestHandler>> = {
  'deny plain': () => ({ allowed: false }),
  'deny message': () => refusal({ message: 'no way' }),
  'deny reason': () => refusal({ reason: 'Because' }),
  'deny all': () =>
    refusal({
      code: 418,
      message: 'teapot',
      reason: 'Tea',
      details: { name: 'x', causes: [{ field: 'a', message: 'b', reason: 'c' }] },
      status: 'Success',
    }),
  'deny code 200': () => refusal({ code: 200, message: 'm' }),
  'deny later': () => refusal({ code: 503, message: 'm', details: { retryAfterSeconds: 7 } }),
  'allow with status': () => ({ ...allow, status: { code: 418, message: 'teapot' } }),
  'bad status': () => refusal({ code: 'x' }),
  warnings: () => ({ ...allow, warnings: ['one', 'two "quoted"', 'new\nline', ''] }),
  'warnings of a refusal': () => ({ allowed: false, warnings: ['one'] }),
  'many warnings': () => ({ ...allow, warnings: Array.from({ length: 30 }, (_, at) => `w${at}${'x'.repeat(300)}`) }),
  'audit annotations': () => ({ ...allow, auditAnnotations: { a: 'b' } }),
  'no response': review(() => undefined),
  'null response': review(() => null),
  'other uid': review(() => ({ uid: 'x', allowed: true })),
  'no uid': review(() => ({ allowed: true })),
  'no apiVersion': review(allowed, { apiVersion: undefined }),
  'no kind': review(allowed, { kind: undefined }),
  'neither kind nor apiVersion': review(allowed, { kind: undefined, apiVersion: undefined }),
  'number as kind': review(allowed, { kind: 1 }),
  'first version': review(allowed, { apiVersion: 'admission.k8s.io/v1beta1' }),
  'unknown version': review(allowed, { apiVersion: 'admission.k8s.io/v2' }),
  'other kind': review(allowed, { apiVersion: 'v1', kind: 'Pod' }),
  'a status': () => ({ raw: JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', message: 'hm' }) }),
  'a status with 500': () => ({
    code: 500,
    raw: JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', message: 'hm', code: 409 }),
  }),
  'patch in validating': () => patch([]),
  'patch type in validating': () => ({ ...allow, patchType: 'JSONPatch' }),
  'no json': () => ({ raw: 'hello' }),
  empty: () => ({ raw: '' }),
  array: () => ({ raw: '[]' }),
  'allowed as text': review((uid) => ({ uid, allowed: 'yes' })),
  'warnings as text': review((uid) => ({ uid, allowed: true, warnings: 'x' })),
  'warning as number': review((uid) => ({ uid, allowed: true, warnings: [1] })),
  'annotation as number': review((uid) => ({ uid, allowed: true, auditAnnotations: { a: 1 } })),
  'response as text': review(() => undefined, { response: 'x' }),
  'unknown field': () => ({ ...allow, foo: 1 }),
  404: () => http(404, '404 page not found\n'),
  500: () => http(500, 'oh no'),
  '500 long': () => http(500, 'oh no'.repeat(1000)),
  '500 empty': () => http(500, ''),
  503: () => http(503, ''),
  400: () => http(400),
  401: () => http(401),
  403: () => http(403),
  405: () => http(405),
  409: () => http(409),
  415: () => http(415),
  418: () => http(418),
  422: () => http(422),
  429: () => http(429),
  504: () => http(504),
  '201 is fine': ({ uid }) => ({
    code: 201,
    raw: JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: allowed(uid) }),
  }),
  'any content type': ({ uid }) => ({
    headers: text,
    raw: JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: allowed(uid) }),
  }),
  'connection closed': (_request, reply) => {
    reply.destroy();
    return undefined;
  },
  'half a body': (_request, reply) => {
    reply.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    reply.write('{"a', () => reply.destroy());
    return undefined;
  },
};

const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const one = (operation: Json): TestHandler => {
  return () => patch([operation]);
};

const patches: Readonly<Record<string, TestHandler>> = {
  add: one(add('/data/x', 'y')),
  'no type': () => patch([add('/data/x', 'y')], { patchType: undefined }),
  'no patch': () => ({ ...allow, patchType: 'JSONPatch' }),
  'empty type': () => patch([], { patchType: '' }),
  'other type': () => patch([add('/data/x', 'y')], { patchType: 'MergePatch' }),
  'no operations': () => patch([]),
  'no list': () => patch('{"a":1}'),
  'null patch': () => patch('null'),
  garbage: () => patch('garbage'),
  'number in list': () => patch('[1]'),
  'no base64': () => ({ ...allow, patchType: 'JSONPatch', patch: '%%%' }),
  'short base64': () => ({ ...allow, patchType: 'JSONPatch', patch: 'W10' }),
  'remove nothing': one({ op: 'remove', path: '/nothere' }),
  'remove below nothing': one({ op: 'remove', path: '/a/b' }),
  'replace nothing': one({ op: 'replace', path: '/data/new', value: 'x' }),
  'replace below nothing': one({ op: 'replace', path: '/a/b', value: 'x' }),
  'test fails': one({ op: 'test', path: '/data/k', value: 'x' }),
  'test holds': one({ op: 'test', path: '/data/k', value: 'v' }),
  'add below nothing': one(add('/a/b', 'x')),
  'unknown operation': one({ op: 'frob', path: '/data/k', value: 'x' }),
  'no operation': one({ path: '/data/k', value: 'x' }),
  'no path': one({ op: 'add', value: 'x' }),
  'move nothing': one({ op: 'move', from: '/data/none', path: '/data/x' }),
  'move below nothing': one({ op: 'move', from: '/a/none', path: '/data/x' }),
  'copy below nothing': one({ op: 'copy', from: '/a/none', path: '/data/x' }),
  move: one({ op: 'move', from: '/data/k', path: '/data/x' }),
  'no place in a list': one({ op: 'remove', path: '/metadata/managedFields/x' }),
  'beyond a list': one({ op: 'remove', path: '/metadata/managedFields/7' }),
  'add beyond a list': one(add('/metadata/managedFields/7', {})),
  'wrong type': one(add('/data/x', 1)),
  'unknown field': one(add('/foo', 1)),
  'other apiVersion': one({ op: 'replace', path: '/apiVersion', value: 'v2' }),
  'no kind': one({ op: 'remove', path: '/kind' }),
  'other name': one({ op: 'replace', path: '/metadata/name', value: 'other' }),
  'other namespace': one({ op: 'replace', path: '/metadata/namespace', value: 'default' }),
  'invalid object': one(add('/data/!!', 'x')),
  'nothing changes': one({ op: 'replace', path: '/data/k', value: 'v' }),
  'refusal with patch': () => patch([add('/data/x', 'y')], { allowed: false }),
  'what only the server says': () =>
    patch([
      add('/metadata/uid', 'me'),
      add('/metadata/creationTimestamp', '2020-01-01T00:00:00Z'),
      add('/metadata/generation', 7),
      add('/metadata/deletionTimestamp', '2020-01-01T00:00:00Z'),
    ]),
  'owners of another operation': one({ op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Foo' }),
  'owners without version': one({ op: 'remove', path: '/metadata/managedFields/0/apiVersion' }),
  'owners without type': one({ op: 'remove', path: '/metadata/managedFields/0/fieldsType' }),
  'owners of another type': one({ op: 'replace', path: '/metadata/managedFields/0/fieldsType', value: 'F2' }),
  'no owners': one({ op: 'remove', path: '/metadata/managedFields' }),
  'other owner': one({ op: 'replace', path: '/metadata/managedFields/0/manager', value: 'other' }),
  'many operations': () => patch(Array.from({ length: 10_001 }, (_, at) => add('/data/k', `${at}`))),
};

const listOf = (handlers: Readonly<Record<string, TestHandler>>): readonly AnswerScenario[] =>
  Object.entries(handlers).map(([name, answer]) => ({ name, answer }));

/** Answers of a validating webhook. */
export const answerScenarios = listOf(answers);
/** Answers of a mutating webhook. */
export const patchScenarios = listOf(patches);
