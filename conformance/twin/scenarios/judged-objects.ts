import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { Expressions, type Surroundings } from '../expressions.ts';
import { at, isObject, type Json, type JsonObject, merged } from '../json.ts';
import { collection, type Kind, kinds } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };
const core = '/api/v1/namespaces/{{ns}}';
const group = '{{id}}.example.com';
const clusterRoles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const chance = (rng: Rng, odds: number, value: JsonObject): JsonObject => (rng.bool(odds) ? value : {});

/** Objects of one resource that a policy may judge. */
interface Judged {
  readonly rule: JsonObject;
  readonly path: string;
  readonly subresources: readonly string[];
  make(name: string): JsonObject;
  change(): JsonObject;
}

function judged(rng: Rng, cluster: boolean): Readonly<Record<string, Judged>> {
  const labels = (): JsonObject =>
    rng.pick<JsonObject>([{}, { labels: { app: 'x' } }, { labels: { app: 'abc', k: '1' } }]);
  const number = () => rng.int(6);
  const container = { name: 'c', image: 'example.com/image:1' };
  const podLabels = { labels: { app: 'x' } };
  return {
    configmaps: {
      rule: { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
      path: `${core}/configmaps`,
      subresources: [],
      make: (name) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, ...labels() },
        ...rng.pick<JsonObject>([{}, { data: { k: '1' } }, { data: { k: 'abc', l: '' } }]),
      }),
      change: () =>
        rng.pick<JsonObject>([{ data: { k: String(number()) } }, { data: { k: null } }, { immutable: true }]),
    },
    deployments: {
      rule: {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        resources: rng.pick([['deployments'], ['deployments', 'deployments/scale'], ['deployments/*', 'deployments']]),
      },
      path: '/apis/apps/v1/namespaces/{{ns}}/deployments',
      subresources: ['scale', 'status'],
      make: (name) => ({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, ...labels() },
        spec: {
          ...(rng.bool(0.8) && { replicas: number() }),
          selector: { matchLabels: podLabels.labels },
          template: { metadata: podLabels, spec: { containers: [container] } },
        },
      }),
      change: () => rng.pick<JsonObject>([{ spec: { replicas: number() } }, { spec: { paused: true } }]),
    },
    pods: {
      rule: {
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: rng.pick([['pods'], ['pods', 'pods/status'], ['pods/*']]),
      },
      path: `${core}/pods`,
      subresources: ['status'],
      make: (name) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, ...labels() },
        spec: { containers: [{ ...container, ...chance(rng, 0.5, { args: ['a', 'b'] }) }] },
      }),
      change: () =>
        rng.pick<JsonObject>([{ spec: { activeDeadlineSeconds: 9 } }, { metadata: { labels: { k: '1' } } }]),
    },
    things: {
      rule: {
        apiGroups: [group],
        apiVersions: ['v1'],
        resources: rng.pick([['things'], ['*'], ['things', 'things/scale'], ['*/*']]),
      },
      path: `/apis/${group}/v1${cluster ? '' : '/namespaces/{{ns}}'}/things`,
      subresources: ['scale', 'status'],
      make: (name) => ({
        apiVersion: `${group}/v1`,
        kind: 'Thing',
        metadata: { name, ...labels() },
        spec: {
          ...chance(rng, 0.7, { replicas: number() }),
          ...chance(rng, 0.5, { word: rng.pick(['a', 'x y', '10.0.0.1']) }),
          ...chance(rng, 0.5, { list: [{ name: 'a', value: 1 }] }),
        },
      }),
      change: () => rng.pick<JsonObject>([{ spec: { replicas: number() } }, { spec: { word: 'abc' } }, { spec: null }]),
    },
  };
}

const string: JsonObject = { type: 'string' };
const definition = (cluster: boolean): JsonObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `things.${group}`, labels: { twin: '{{id}}' } },
  spec: {
    group,
    scope: cluster ? 'Cluster' : 'Namespaced',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  replicas: { type: 'integer', minimum: 0 },
                  word: { ...string, default: 'w' },
                  list: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: string, value: { type: 'integer' } },
                    },
                  },
                  map: { type: 'object', additionalProperties: string },
                },
              },
              status: { type: 'object', properties: { replicas: { type: 'integer' }, word: string } },
            },
          },
        },
      },
    ],
  },
});

/** Requests that change objects of a resource, as clients make them. */
function request(rng: Rng, { path, subresources, make, change }: Judged): Step {
  const query = rng.bool(0.3) ? { query: { dryRun: 'All' } } : {};
  const name = rng.pick(['a', 'a', 'b', 'c']);
  const sub = rng.pick([...subresources, 'status']);
  const inStatus = (): JsonObject => ({ status: { replicas: rng.int(4) } });
  return rng.pick<() => Step>([
    () => ({ method: 'POST', path, json: make(name), ...query }),
    () => ({ method: 'POST', path, json: make(name), ...query }),
    () => ({ method: 'PATCH', path: `${path}/${name}`, headers: merge, json: change(), ...query }),
    () => ({ method: 'PATCH', path: `${path}/${name}`, headers: merge, json: change(), ...query }),
    () => ({
      method: 'PUT',
      path: `${path}/a`,
      from: { step: 'a', merge: merged(change(), { metadata: { resourceVersion: null } }) },
    }),
    () => ({
      method: 'PATCH',
      path: `${path}/${name}`,
      headers: apply,
      query: { fieldManager: 'one', force: 'true', ...query.query },
      json: make(name),
    }),
    () => ({
      method: 'PATCH',
      path: `${path}/${name}/${sub}`,
      headers: merge,
      json: sub === 'scale' ? { spec: { replicas: rng.int(6) } } : inStatus(),
      ...query,
    }),
    () => ({
      method: 'PATCH',
      path: `${path}/${name}`,
      headers: merge,
      json: { metadata: { finalizers: rng.pick<Json>([null, ['x.example.com/y']]) } },
    }),
    () => ({ method: 'DELETE', path: `${path}/${name}`, ...query }),
    () => ({ method: 'DELETE', path, query: { labelSelector: 'app=x', ...query.query } }),
  ])();
}

/** The other kind that a kind of policies is bound by, in the same version. */
const bindingOf = (kind: Kind) =>
  kinds.find(
    (each) => each.group === kind.group && each.version === kind.version && each.kind === `${kind.kind}Binding`,
  );

const inNamespace = { namespaceSelector: { matchLabels: { twin: '{{id}}' } } };

function matching(rng: Rng, rules: readonly JsonObject[]): JsonObject {
  return {
    ...inNamespace,
    resourceRules: rules.map((rule) => ({
      ...rule,
      operations: rng.pick([
        ['CREATE'],
        ['CREATE', 'UPDATE'],
        ['UPDATE', 'DELETE'],
        ['*'],
        ['CREATE', 'UPDATE', 'DELETE'],
      ]),
    })),
    ...chance(rng, 0.15, { objectSelector: { matchLabels: { app: 'x' } } }),
    ...chance(rng, 0.1, { excludeResourceRules: [{ ...rules[0], operations: ['DELETE'] }] }),
    ...chance(rng, 0.2, { matchPolicy: 'Exact' }),
  };
}

const variableTypes = ['bool', 'int', 'string'] as const;

// Of most other kinds a real server keeps what it has seen once no policy needs them any more, and looks no more.
const paramKinds: readonly JsonObject[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' },
];

function surroundings(
  rng: Rng,
  paramKind: JsonObject = rng.pick(paramKinds),
): { readonly around: Surroundings; readonly spec: JsonObject } {
  const params = rng.bool(0.35);
  const variables: { name: string; type: (typeof variableTypes)[number] }[] = [];
  const listed: JsonObject[] = [];
  for (let count = rng.int(3); count > 0; count--) {
    const type = rng.pick(variableTypes);
    const expression = new Expressions(rng, { params, variables: [...variables] })[type](1);
    const name = `v${variables.length}`;
    listed.push({ name, expression });
    variables.push({ name, type });
  }
  const conditions = new Expressions(rng, { params: false, variables: [] });
  const spec: JsonObject = {
    ...chance(rng, 0.5, { failurePolicy: rng.pick(['Fail', 'Ignore']) }),
    ...(listed.length > 0 && { variables: listed }),
    ...(params && { paramKind }),
    ...chance(rng, 0.3, { matchConditions: [{ name: 'one', expression: conditions.bool(1) }] }),
  };
  return { around: { params, variables }, spec };
}

const params = { name: '{{id}}-p', labels: { twin: '{{id}}' }, annotations: { max: '3', word: 'abc' } };

const paramRef = (rng: Rng, namespaced: boolean): JsonObject => ({
  ...rng.pick<JsonObject>([
    { name: '{{id}}-p' },
    { name: '{{id}}-p' },
    { name: 'no' },
    { selector: { matchLabels: { twin: '{{id}}' } } },
    { selector: { matchLabels: { twin: 'no' } } },
  ]),
  ...chance(rng, namespaced ? 0.4 : 0.1, { namespace: '{{ns}}' }),
  parameterNotFoundAction: rng.pick(['Allow', 'Deny']),
});

function validating(rng: Rng, expressions: Expressions): JsonObject {
  const validation = (): JsonObject => ({
    expression: expressions.bool(),
    ...chance(rng, 0.3, { message: rng.pick(['no', 'not this one']) }),
    ...chance(rng, 0.3, { messageExpression: expressions.string(2) }),
    ...chance(rng, 0.3, { reason: rng.pick(['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']) }),
  });
  return {
    validations: Array.from({ length: 1 + rng.int(3) }, validation),
    ...chance(rng, 0.3, { auditAnnotations: [{ key: 'k', valueExpression: expressions.string() }] }),
  };
}

/** Mutations that fit the resource, and some that do not. */
function mutating(rng: Rng, expressions: Expressions, resource: string): JsonObject {
  const word = () => expressions.string(1);
  const meta = (): string =>
    rng.pick([
      () => `metadata: Object.metadata{labels: {${rng.pick(['"m"', '"app"', '"k"'])}: ${word()}}}`,
      () => `metadata: Object.metadata{annotations: {"n": ${word()}}}`,
      () => `metadata: Object.metadata{labels: object.?metadata.labels.orValue({}).transformMap(k, v, v + "x")}`,
      () => 'metadata: Object.metadata{finalizers: ["f.example.com/x"]}',
      () => 'metadata: Object.metadata{name: "other"}',
    ])();
  const special: Readonly<Record<string, () => string>> = {
    configmaps: () =>
      rng.pick([`data: {"k": ${word()}}`, `data: Object.data{k: ${word()}}`, 'immutable: true', 'nothing: 1']),
    deployments: () =>
      rng.pick([
        `spec: Object.spec{replicas: ${expressions.int()}}`,
        'spec: Object.spec{replicas: object.spec.replicas + 1}',
        `spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: "c", image: ${word()}}]}}}`,
        'spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: object.spec.template.spec.containers.map(c, Object.spec.template.spec.containers{name: c.name, args: ["x"]})}}}',
        'spec: Object.spec{replicas: "x"}',
        'spec: Object.spec{strategy: Object.spec.strategy{type: "Recreate", rollingUpdate: null}}',
      ]),
    pods: () =>
      rng.pick([
        'spec: Object.spec{containers: [Object.spec.containers{name: "side", image: "i:2"}]}',
        'spec: Object.spec{containers: [Object.spec.containers{name: "c", env: [Object.spec.containers.env{name: "A", value: "b"}]}]}',
        'spec: Object.spec{containers: [Object.spec.containers{name: "c", args: ["z"]}]}',
        'spec: Object.spec{tolerations: [Object.spec.tolerations{key: "k", operator: "Exists"}]}',
        'spec: Object.spec{nodeSelector: {"a": "b"}}',
      ]),
    things: () =>
      rng.pick([
        `spec: Object.spec{replicas: ${expressions.int()}}`,
        `spec: Object.spec{word: ${word()}}`,
        'spec: Object.spec{list: [Object.spec.list{name: "a", value: 2}, Object.spec.list{name: "m"}]}',
        'spec: Object.spec{list: [Object.spec.list{value: 2}]}',
        'spec: Object.spec{unknown: "x"}',
        `spec: Object.spec{map: {${word()}: ${word()}}}`,
      ]),
  };
  const configuration = () => {
    const parts = [meta, special[resource] ?? meta];
    const text = rng.pick([
      () => `Object{${rng.pick(parts)()}}`,
      () => `Object{${parts.map((each) => each()).join(', ')}}`,
      () => `${expressions.bool(1)} ? Object{${rng.pick(parts)()}} : Object{}`,
    ])();
    return { patchType: 'ApplyConfiguration', applyConfiguration: { expression: text } };
  };
  const at = () =>
    rng.pick([
      '"/metadata/labels"',
      '"/metadata/labels/k"',
      '"/metadata/annotations"',
      '"/spec/replicas"',
      '"/data/k"',
      '"/spec/word"',
      '"/spec/nothing/x"',
      '"/metadata/labels/" + jsonpatch.escapeKey("a/b~c")',
    ]);
  const value = () =>
    rng.pick([
      () => word(),
      () => expressions.int(),
      () => '{"k": "v"}',
      () => '["x"]',
      () => 'Object.spec{replicas: 3}',
      () => 'true',
      () => 'null',
    ])();
  const operation = () =>
    rng.pick([
      () => `JSONPatch{op: "add", path: ${at()}, value: ${value()}}`,
      () => `JSONPatch{op: "replace", path: ${at()}, value: ${value()}}`,
      () => `JSONPatch{op: "remove", path: ${at()}}`,
      () => `JSONPatch{op: "test", path: ${at()}, value: ${value()}}`,
      () => `JSONPatch{op: "copy", from: "/metadata/name", path: ${at()}}`,
      () => `JSONPatch{op: "move", from: ${at()}, path: ${at()}}`,
    ])();
  const patch = () => {
    const list = `[${Array.from({ length: 1 + rng.int(2) }, operation).join(', ')}]`;
    return {
      patchType: 'JSONPatch',
      jsonPatch: { expression: rng.bool(0.3) ? `${expressions.bool(1)} ? ${list} : []` : list },
    };
  };
  return {
    reinvocationPolicy: rng.pick(['Never', 'IfNeeded']),
    mutations: Array.from({ length: 1 + rng.int(2) }, () => (rng.bool(0.6) ? configuration() : patch())),
  };
}

/** Requests before and after they are judged by policies, of the two sorts. */
export const judgedObjects: Scenario = (kind, rng) => {
  const mutates = kind.resource === 'mutatingadmissionpolicies';
  const binding = bindingOf(kind);
  const base = objectOf(kind);
  if ((!mutates && kind.resource !== 'validatingadmissionpolicies') || !binding || !base) return undefined;
  const cluster = rng.bool(0.3);
  const all = judged(rng, cluster);
  const resource = rng.pick(Object.keys(all));
  const main = all[resource];
  const other = all[rng.pick(['configmaps', 'deployments'])];
  if (!main || !other) return undefined;
  const policyNames = mutates && rng.bool() ? ['{{id}}-a', '{{id}}-b'] : ['{{id}}-a'];
  const labelled = (name: string): JsonObject => ({ name, labels: { twin: '{{id}}' } });
  const plain = (of: Kind): JsonObject => ({ apiVersion: of.apiVersion, kind: of.kind });
  const policies = policyNames.flatMap((name) => policyWithBindings(name));
  function policyWithBindings(name: string): Step[] {
    const { around, spec } = surroundings(rng);
    const expressions = new Expressions(rng, around);
    const body = mutates ? mutating(rng, expressions, resource) : validating(rng, expressions);
    const rules = rng.bool(0.3) && other !== main ? [main?.rule ?? {}, other?.rule ?? {}] : [main?.rule ?? {}];
    const actions = [['Deny'], ['Warn'], ['Audit'], ['Warn', 'Audit'], ['Deny', 'Audit']];
    const bind = (suffix: string, action: Json): JsonObject => ({
      ...plain(binding ?? kind),
      metadata: labelled(`${name}-${suffix}`),
      spec: {
        policyName: name,
        ...(around.params && { paramRef: paramRef(rng, at(spec, 'paramKind.kind') === 'ServiceAccount') }),
        ...(!mutates && { validationActions: action }),
        ...chance(rng, 0.15, {
          matchResources: {
            ...inNamespace,
            objectSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] },
          },
        }),
      },
    });
    const policy = {
      ...plain(kind),
      metadata: labelled(name),
      spec: { ...spec, ...body, matchConstraints: matching(rng, rules) },
    };
    const bindings = [bind('x', rng.pick(actions)), ...(!mutates && rng.bool(0.2) ? [bind('y', ['Warn'])] : [])];
    return [post(kind, policy), ...bindings.map((each) => post(binding ?? kind, each))];
  }
  const marker = (word: string): JsonObject => ({
    ...plain(kind),
    metadata: labelled('{{id}}-z'),
    spec: {
      matchConstraints: {
        ...inNamespace,
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'], operations: ['CREATE'] }],
      },
      ...(mutates
        ? {
            reinvocationPolicy: 'Never',
            mutations: [
              {
                patchType: 'ApplyConfiguration',
                applyConfiguration: { expression: `Object{metadata: Object.metadata{labels: {"word": "${word}"}}}` },
              },
            ],
          }
        : { validations: [{ expression: 'false', message: word }] }),
    },
  });
  const inForce = (word: string): Step => ({
    method: 'POST',
    path: `${core}/secrets`,
    query: { dryRun: 'All' },
    json: { metadata: { name: 'probe' } },
    until: word,
  });
  const steps: Step[] = [
    { method: 'POST', path: '/api/v1/namespaces', json: { metadata: { name: '{{ns}}', labels: { twin: '{{id}}' } } } },
    { method: 'POST', path: `${core}/serviceaccounts`, json: { metadata: params } },
    { method: 'POST', path: clusterRoles, json: { metadata: params, rules: [] } },
    ...(main === all['things'] ? [{ method: 'POST', path: definitions, json: definition(cluster) } as const] : []),
    { id: 'a', method: 'POST', path: main.path, json: main.make('a') },
    { method: 'POST', path: main.path, json: main.make('b') },
    ...policies,
    post(kind, marker('first')),
    post(binding, {
      ...plain(binding),
      metadata: labelled('{{id}}-z'),
      spec: { policyName: '{{id}}-z', ...(!mutates && { validationActions: ['Deny'] }) },
    }),
    // The real server learns the schemas of new types for its mutations a moment later than it serves them.
    { ...inForce('first'), ...(mutates && main === all['things'] && { waitMs: 3000 }) },
    ...Array.from({ length: 10 }, () => request(rng, rng.bool(0.85) ? main : (other ?? main))),
    { method: 'GET', path: main.path },
  ];
  if (rng.bool(0.3)) {
    const { around, spec } = surroundings(rng);
    const params =
      isObject(policies[0]?.json) && isObject(policies[0].json['spec']) && 'paramKind' in policies[0].json['spec'];
    const expressions = new Expressions(rng, { ...around, params });
    const { paramKind: _paramKind, ...rest } = spec;
    const changed = mutates ? mutating(rng, expressions, resource) : validating(rng, expressions);
    steps.push(
      {
        method: 'PATCH',
        path: `${collection(kind)}/{{id}}-a`,
        headers: merge,
        json: { spec: { ...rest, ...changed } },
      },
      {
        method: 'PATCH',
        path: `${collection(kind)}/{{id}}-z`,
        headers: merge,
        json: { spec: marker('second')['spec'] ?? {} },
      },
      inForce('second'),
      ...Array.from({ length: 6 }, () => request(rng, main)),
    );
  }
  steps.push(
    { method: 'DELETE', path: collection(binding), query: { labelSelector: 'twin={{id}}' } },
    { method: 'DELETE', path: collection(kind), query: { labelSelector: 'twin={{id}}' } },
    { method: 'DELETE', path: `${clusterRoles}/{{id}}-p` },
    ...(main === all['things'] ? [{ method: 'DELETE', path: `${definitions}/things.${group}` } as const] : []),
  );
  return steps;
};
