import { ConfigMap } from '@keelson/core';
import { waitFor } from '@keelson/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApiServer, type TestApiServer } from './index.ts';
import { type TestReply, TestRequests } from './test-requests.ts';

/** Expressions and patterns that would run for ever, sent over a real connection. */

let server: TestApiServer;
let attacker: TestRequests;
let other: TestRequests;

beforeAll(async () => {
  server = await startTestApiServer({ socket: true });
  attacker = new TestRequests(server);
  other = new TestRequests(server);
  await server.client.create(ConfigMap, { metadata: { name: 'mine', namespace: 'default' } });
});
afterAll(async () => {
  attacker.close();
  other.close();
  await server.stop();
});

/** Far more than a turn of a busy machine, far less than what an attack would take that works. */
const soonMs = 3_000;

/** What is answered, while another client goes on working: how long it and each of the other's requests took, in ms. */
async function beside(work: () => Promise<TestReply>): Promise<TestReply> {
  const begun = performance.now();
  let longest = 0;
  let busy = true;
  const working = (async () => {
    do {
      const from = performance.now();
      const { code } = await other.send({ method: 'GET', path: '/api/v1/namespaces/default/configmaps/mine' });
      expect(code).toBe(200);
      longest = Math.max(longest, performance.now() - from);
    } while (busy);
  })();
  try {
    return await work();
  } finally {
    busy = false;
    await working;
    expect({ took: performance.now() - begun < 2 * soonMs, longest: longest < soonMs }).toEqual({
      took: true,
      longest: true,
    });
  }
}

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const plural = (kind: string) => `${kind.toLowerCase()}s`;

function crd(kind: string, spec: object, version: object = {}) {
  const names = { kind, plural: plural(kind), singular: kind.toLowerCase() };
  const openAPIV3Schema = { type: 'object', properties: { spec } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${names.plural}.attack.example` },
    spec: {
      group: 'attack.example',
      scope: 'Namespaced',
      names,
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...version }],
    },
  };
}

const define = (kind: string, spec: object, version?: object) =>
  attacker.send({ method: 'POST', path: crds, body: crd(kind, spec, version) });

const pathOf = (kind: string) => `/apis/attack.example/v1/namespaces/default/${plural(kind)}`;
const create = (kind: string, spec: unknown) =>
  attacker.send({
    method: 'POST',
    path: pathOf(kind),
    body: { apiVersion: 'attack.example/v1', kind, metadata: { generateName: 'a-' }, spec },
  });

const served = (kind: string) =>
  waitFor(async () => (await attacker.send({ method: 'GET', path: pathOf(kind) })).code === 200);

const rule = (text: string) => ({ 'x-kubernetes-validations': [{ rule: text }] });
const texts = (limits: object = {}) => ({ type: 'array', items: { type: 'string' }, ...limits });

describe('rules of custom resources', () => {
  it('that may cost too much are not taken', async () => {
    const nested = 'self.all(a, self.all(b, self.all(c, self.all(d, a != b || c != d))))';
    const answer = await beside(() => define('Nested', { ...texts(), ...rule(nested) }));
    expect(answer).toMatchObject({ code: 422, message: expect.stringContaining('estimated rule cost exceeds budget') });
    const matching = 'self.all(a, a.matches("^(a+)+$"))';
    expect(await beside(() => define('Matching', { ...texts(), ...rule(matching) }))).toMatchObject({
      code: 422,
      message: expect.stringContaining('estimated rule cost exceeds budget'),
    });
    const deep = `${'('.repeat(100_000)}true${')'.repeat(100_000)}`;
    expect((await beside(() => define('Deep', { type: 'string', ...rule(deep) }))).code).toBe(422);
    const long = Array.from({ length: 50_000 }, () => 'self == "a"').join(' || ');
    expect((await beside(() => define('Long', { type: 'string', ...rule(long) }))).code).toBeLessThan(500);
  });

  it('match in time that grows with the text alone', async () => {
    const spec = {
      type: 'string',
      maxLength: 200_000,
      ...rule('!self.matches("^(a+)+$") && !self.matches("(a|a)*b")'),
    };
    expect(await define('Pattern', spec)).toMatchObject({ code: 201 });
    await served('Pattern');
    const answer = await beside(() => create('Pattern', `${'a'.repeat(100_000)}!`));
    expect(answer.code).toBe(201);
  });
});

describe('patterns of schemas', () => {
  it('match in time that grows with the text alone', async () => {
    for (const [kind, pattern] of Object.entries({ Plus: '^(a+)+$', Either: '^(a|a)*$', Many: '^(.*a){20}$' })) {
      expect(await define(kind, { type: 'string', pattern })).toMatchObject({ code: 201 });
      await served(kind);
      const answer = await beside(() => create(kind, `${'a'.repeat(50_000)}!`));
      expect(answer).toMatchObject({
        code: 422,
        message: expect.stringMatching(/should match|too long to be looked through/),
      });
    }
  });
});

describe('policies', () => {
  it('end where their expressions cost too much', async () => {
    const group = '/apis/admissionregistration.k8s.io/v1';
    const meta = { metadata: { name: 'endless' } };
    const spec = {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
      },
      validations: [
        {
          expression:
            'object.data.all(a, object.data.all(b, object.data.all(c, object.data[a].matches("^(x+)+$") || a + b + c != "")))',
        },
      ],
    };
    const policy = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', ...meta, spec };
    const made = await attacker.send({ method: 'POST', path: `${group}/validatingadmissionpolicies`, body: policy });
    expect(made.code).toBe(201);
    const binding = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      ...meta,
      spec: { policyName: 'endless', validationActions: ['Deny'] },
    };
    const path = `${group}/validatingadmissionpolicybindings`;
    expect((await attacker.send({ method: 'POST', path, body: binding })).code).toBe(201);
    const data = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`k${at}`, 'x'.repeat(1_000)]));
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'big-' }, data };
    const configMaps = '/api/v1/namespaces/default/configmaps';
    const refused = await waitFor(async () => {
      const answer = await beside(() => attacker.send({ method: 'POST', path: configMaps, body }));
      return answer.code !== 201 && answer;
    });
    expect(refused).toMatchObject({ code: 422, message: expect.stringContaining('cost limit') });
  });
});

describe('columns of tables', () => {
  it('do not look through an object again and again', async () => {
    const jsonPath = `.spec${'..a'.repeat(12)}`;
    const additionalPrinterColumns = [{ name: 'A', type: 'string', jsonPath }];
    const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    const made = await beside(() => define('Column', open, { additionalPrinterColumns }));
    if (made.code === 422) return;
    expect(made.code).toBe(201);
    await served('Column');
    let spec: object = {};
    for (let depth = 0; depth < 60; depth++) spec = { a: spec };
    expect((await create('Column', spec)).code).toBe(201);
    const answer = await beside(() => attacker.send({ method: 'GET', path: pathOf('Column'), accept: tables }));
    expect(z.object({ kind: z.literal('Table') }).parse(answer.body)).toBeDefined();
  });
});

const tables = 'application/json;as=Table;v=v1;g=meta.k8s.io';
