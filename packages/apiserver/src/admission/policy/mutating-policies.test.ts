import type { KubernetesObject } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../../server/start-test-api-server.ts';
import { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from './mutating-kinds.ts';

interface Deployment extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly name: string }[] } };
  };
}
const deployments = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
} as const;

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
const replicas = (expression: string) => apply(`Object{spec: Object.spec{replicas: ${expression}}}`);
const containers = (text: string) =>
  apply(
    `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{${text}}]}}}}`,
  );

type Spec = NonNullable<MutatingAdmissionPolicy['spec']>;

const rules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }];

let server: TestApiServer;
beforeAll(async () => {
  server = await startTestApiServer({ registry: { runtimeConfig: { 'admissionregistration.k8s.io/v1beta1': true } } });
});
afterAll(() => server.stop());

/** What becomes of a Deployment with five replicas, or what the client is told. */
async function play(...specs: readonly Partial<Spec>[]): Promise<Deployment | string> {
  const { client } = server;
  const names = specs.map((_, index) => `m${index + 1}`);
  for (const [index, spec] of specs.entries()) {
    const name = names[index] ?? '';
    const whole = { reinvocationPolicy: 'Never', matchConstraints: { resourceRules: rules }, ...spec } as Spec;
    await client.create(MutatingAdmissionPolicy, { metadata: { name }, spec: whole });
    await client.create(MutatingAdmissionPolicyBinding, {
      metadata: { name: `${name}-b` },
      spec: { policyName: name },
    });
  }
  const template = {
    metadata: { labels: { x: 'y' } },
    spec: { containers: [{ name: 'c', image: 'i:1', args: ['a'] }] },
  };
  const spec = { replicas: 5, selector: { matchLabels: { x: 'y' } }, template };
  try {
    const made = { metadata: { name: 'd', namespace: 'default', labels: { a: 'b' } }, spec };
    return await client.create<Deployment>(deployments, made, { dryRun: ['All'] });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const name of names) {
      await client.delete(MutatingAdmissionPolicyBinding, { name: `${name}-b` });
      await client.delete(MutatingAdmissionPolicy, { name });
    }
  }
}

const count = async (...specs: readonly Partial<Spec>[]) => {
  const made = await play(...specs);
  return typeof made === 'string' ? made : made.spec?.replicas;
};

const denied = "policy 'm1' with binding 'm1-b' denied request: ";
const more = [replicas('object.spec.replicas + 1')];

// What a v1.35.4 API server with the feature gate MutatingAdmissionPolicy says.
describe('mutating policies', () => {
  it.each<[string, number | string, ...Partial<Spec>[]]>([
    ['sets', 2, { mutations: [replicas('2')] }],
    [
      'sees what came before',
      16,
      {
        mutations: [
          ...more,
          patch('[JSONPatch{op: "replace", path: "/spec/replicas", value: object.spec.replicas + 10}]'),
        ],
      },
    ],
    [
      'works variables out anew',
      7,
      {
        variables: [{ name: 'r', expression: 'object.spec.replicas + 1' }],
        mutations: [replicas('variables.r'), replicas('variables.r')],
      },
    ],
    [
      'keeps what was done before a failure',
      2,
      { failurePolicy: 'Ignore', mutations: [replicas('2'), replicas('object.nope')] },
    ],
    ['goes on after a failure', 2, { failurePolicy: 'Ignore', mutations: [replicas('object.nope'), replicas('2')] }],
    [
      'leaves all where a test fails',
      5,
      {
        mutations: [
          patch(
            '[JSONPatch{op: "replace", path: "/spec/replicas", value: 3}, JSONPatch{op: "test", path: "/spec/replicas", value: 6}]',
          ),
        ],
      },
    ],
    ['one after the other', 7, { mutations: more }, { mutations: more }],
    ['the first again', 8, { mutations: more, reinvocationPolicy: 'IfNeeded' }, { mutations: more }],
    ['the second again', 8, { mutations: more }, { mutations: more, reinvocationPolicy: 'IfNeeded' }],
    [
      'both again',
      9,
      { mutations: more, reinvocationPolicy: 'IfNeeded' },
      { mutations: more, reinvocationPolicy: 'IfNeeded' },
    ],
    ['one again', 7, { mutations: more, reinvocationPolicy: 'IfNeeded' }],
    [
      'not by its conditions',
      5,
      { mutations: more, matchConditions: [{ name: 'a', expression: 'object.spec.replicas > 50' }] },
    ],
    [
      'conditions that fail',
      `${denied}expression 'object.nope == 1' resulted in error: no such key: nope`,
      { mutations: more, matchConditions: [{ name: 'a', expression: 'object.nope == 1' }] },
    ],
    [
      'a field that is none',
      `${denied}error applying patch: failed to convert patch object to typed object: .spec.nope: field not declared in schema`,
      { mutations: [apply('Object{spec: Object.spec{nope: 1}}')] },
    ],
    [
      'another type',
      `${denied}error applying patch: failed to convert patch object to typed object: .spec.replicas: expected numeric (int or float), got string`,
      { mutations: [replicas('"x"')] },
    ],
    [
      'null',
      `${denied}error applying patch: failed to convert patch object to typed object: .spec.replicas: expected numeric (int or float), got structpb.NullValue`,
      { mutations: [replicas('null')] },
    ],
    [
      'null within a list',
      `${denied}error applying patch: failed to convert patch object to typed object: .spec.template.spec.containers[name="c"].image: expected string, got &value.valueUnstructured{Value:0}`,
      { mutations: [containers('name: "c", image: null')] },
    ],
    [
      'a field that a patch adds and nobody knows',
      'Internal error occurred: strict decoding error: unknown field "spec.nope"',
      { mutations: [patch('[JSONPatch{op: "add", path: "/spec/nope", value: "x"}]')] },
    ],
    [
      'another place',
      `${denied}type mismatch: unexpected type name "Object.specx", expected "Object.spec", which matches field name path from root Object type`,
      { mutations: [apply('Object{spec: Object.specx{}}')] },
    ],
    [
      'a list as a whole',
      `${denied}error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.containers[0].args`,
      { mutations: [containers('name: "c", args: ["z"]')] },
    ],
    [
      'nothing to remove',
      `${denied}JSON Patch: error in remove for path: '/spec/nope': Unable to remove nonexistent key: nope: missing value`,
      { mutations: [patch('[JSONPatch{op: "remove", path: "/spec/nope"}]')] },
    ],
    [
      'a place to test that is none',
      `${denied}JSON Patch: test operation does not apply: is missing path: /spec/nope/x: missing value`,
      { mutations: [patch('[JSONPatch{op: "test", path: "/spec/nope/x", value: 1}]')] },
    ],
    [
      'a place to copy to that is none',
      `${denied}JSON Patch: copy operation does not apply: doc is missing destination path: /spec/nope/x: missing value`,
      { mutations: [patch('[JSONPatch{op: "copy", from: "/spec/replicas", path: "/spec/nope/x"}]')] },
    ],
    ['no operation', `${denied}JSON Patch: Unexpected kind: `, { mutations: [patch('[JSONPatch{path: "/a"}]')] }],
    [
      'a kind of parameters that is none',
      `policy "m1" denied request: failed to configure policy: failed to find resource referenced by paramKind: 'none.example.com/v1, Kind=None'`,
      { paramKind: { apiVersion: 'none.example.com/v1', kind: 'None' }, mutations: more },
    ],
    [
      'what is invalid then',
      'Deployment.apps "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      { mutations: [replicas('-1')] },
    ],
  ])('%s', async (_what, expected, ...specs) => {
    expect(await count(...specs)).toBe(expected);
  });

  it('lays elements of lists beside others', async () => {
    const made = await play({ mutations: [containers('name: "side", image: "s:1"')] });
    expect(typeof made === 'string' ? made : made.spec?.template?.spec?.containers?.map(({ name }) => name)).toEqual([
      'c',
      'side',
    ]);
  });

  it('names all that refused', async () => {
    const wrong = (field: string) => ({ mutations: [replicas(`object.${field}`)] });
    expect(await play(wrong('nope'), wrong('nope2'))).toContain(
      "denied request: expression 'Object{spec: Object.spec{replicas: object.nope}}'",
    );
  });
});
