import { isJsonObject } from '@keelson/core';
import { answerScenarios, patchScenarios } from './answers.test-data.ts';
import { label, type Request, type Scenario, slug } from './play-scenarios.test-data.ts';
import { type Json, patch, type TestHandler, type TestWebhookServer } from './webhook-server.test-data.ts';

const configMap = (more: Json = {}, metadata: Json = {}): Json => ({
  metadata: { name: 't', ...metadata },
  data: { k: 'v' },
  ...more,
});
const generated = configMap({}, { name: undefined, generateName: 'g-' });
const tried: Request = { method: 'POST', path: 'configmaps?dryRun=All', body: configMap() };
const merge = 'application/merge-patch+json';
const apply = 'application/apply-patch+yaml';
const container = { name: 'c', image: 'x' };
const pod: Json = {
  metadata: { name: 'p' },
  spec: {
    schedulingGates: [{ name: 'keelson.dev/wait' }],
    containers: [container],
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
  },
};
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } };

/** Sets the marker, unless it is there. */
export const marking =
  (name: string): TestHandler =>
  ({ object }) => {
    const data = isJsonObject(object) && isJsonObject(object['data']) ? object['data'] : {};
    return name in data ? { allowed: true } : patch([{ op: 'add', path: `/data/${name}`, value: '1' }]);
  };

/** Changes the object each time. */
export const counting: TestHandler = ({ object }) => {
  const data = isJsonObject(object) && isJsonObject(object['data']) ? object['data'] : {};
  return patch([{ op: 'add', path: '/data/count', value: `${String(data['count'] ?? '')}x` }]);
};

const again = { reinvocationPolicy: 'IfNeeded' };
const only = (group: string, version: string, resource: string, operations = ['*']) => ({
  rules: [{ operations, apiGroups: [group], apiVersions: [version], resources: [resource] }],
});
const autoscaler = {
  metadata: { name: 'h' },
  spec: { maxReplicas: 2, scaleTargetRef: { kind: 'D', name: 'x', apiVersion: 'apps/v1' } },
};
const both = { mutating: [{ path: 'allow-m' }], validating: [{ path: 'allow-v' }], reviews: true };
const everything = { objectSelector: {} };

const conditions: Readonly<Record<string, readonly string[]>> = {
  'all hold': ['object.metadata.name == "t"', 'oldObject == null'],
  'one does not': ['true', 'object.metadata.name == "x"'],
  'of a request': [
    'request.operation == "CREATE" && request.dryRun && request.kind.kind == "ConfigMap" && request.resource.group == ""',
    'request.userInfo.username != "" && "system:masters" in request.userInfo.groups',
    'request.options.dryRun == ["All"] && request.namespace.startsWith("webhooks-") && request.name == "t"',
  ],
  'no such key': ['object.data.nothere == "x"'],
  'no subresource': ['request.subResource == ""'],
  'is there a subresource': ['!has(request.subResource)'],
  'two errors': ['object.data.nothere == "x"', 'object.spec.foo > 1'],
  'an error and a no': ['object.data.nothere == "x"', 'false'],
  'of the authorizer': [
    'authorizer.group("").resource("secrets").namespace("x").check("get").allowed()',
    'authorizer.requestResource.check("create").allowed()',
    'authorizer.serviceAccount("default", "nobody").group("").resource("secrets").check("get").allowed() == false',
  ],
  'of libraries': [
    'quantity("1Gi").isGreaterThan(quantity("1Mi"))',
    'isIP("10.0.0.1")',
    '"a,b".split(",").size() == 2',
  ],
};
const matchConditions = (expressions: readonly string[]) =>
  expressions.map((expression, index) => ({ name: `c${index}`, expression }));
const conditionScenarios = Object.entries(conditions).flatMap(([name, expressions]): Scenario[] => [
  {
    name: `C ${name}`,
    validating: [{ path: 'allow-v', matchConditions: matchConditions(expressions) }],
    requests: [tried],
  },
  {
    name: `C ${name} ignored`,
    mutating: [{ path: 'allow-m', failurePolicy: 'Ignore', matchConditions: matchConditions(expressions) }],
    requests: [tried],
  },
]);
const refusedConditions = [
  'object.',
  'foo == 1',
  'object.metadata.name',
  '1',
  'request.foo == ""',
  'request.dryRun == 1',
];

export const scenarios: readonly Scenario[] = [
  {
    name: 'conditions that make no sense',
    requests: refusedConditions.map((expression) => ({
      method: 'POST',
      path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations?dryRun=All',
      body: {
        metadata: { name: 'conditions' },
        webhooks: [
          {
            name: 'a.b.c',
            clientConfig: { url: 'https://x.y' },
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            matchConditions: [{ name: 'x', expression }],
          },
        ],
      },
    })),
  },
  {
    name: 'an object from its creation to its end',
    ...both,
    requests: [
      { method: 'POST', path: 'configmaps?fieldManager=me&fieldValidation=Strict', body: configMap() },
      { method: 'POST', path: 'configmaps?dryRun=All', body: generated },
      { method: 'PUT', path: 'configmaps/t?fieldManager=me', body: configMap({ data: { k: 'v2' } }) },
      { method: 'PATCH', path: 'configmaps/t', body: { data: { k: 'v3' } }, type: merge },
      { method: 'PATCH', path: 'configmaps/t', body: { data: { k: 'v3' } }, type: merge },
      {
        method: 'PATCH',
        path: 'configmaps/t?fieldManager=you&force=true',
        body: { apiVersion: 'v1', kind: 'ConfigMap', ...configMap({ data: { k: 'v4' } }) },
        type: apply,
      },
      { method: 'POST', path: 'configmaps', body: configMap() },
      { method: 'POST', path: 'configmaps', body: configMap({}, { name: 'A_' }) },
      {
        method: 'DELETE',
        path: 'configmaps/t?dryRun=All',
        body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', gracePeriodSeconds: 5 },
      },
      { method: 'DELETE', path: `configmaps?labelSelector=${label}=an-object-from-its-creation-to-its-end` },
      { method: 'DELETE', path: 'configmaps/none' },
      {
        method: 'PATCH',
        path: 'configmaps/applied?fieldManager=me',
        body: { apiVersion: 'v1', kind: 'ConfigMap', ...configMap({}, { name: 'applied' }) },
        type: apply,
      },
    ],
  },
  {
    name: 'subresources of a pod',
    mutating: [{ path: 'allow-m', ...everything, ...only('*', '*', 'pods/*') }],
    validating: [{ path: 'allow-v', ...everything, ...only('*', '*', 'pods/*') }],
    reviews: true,
    requests: [
      { method: 'POST', path: 'pods', body: pod },
      { method: 'PATCH', path: 'pods/p/status', body: { status: { reason: 'Because' } }, type: merge },
      {
        method: 'POST',
        path: 'pods/p/binding',
        body: { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } },
      },
      { method: 'POST', path: 'pods/p/exec?command=ls&command=x&stdout=true&container=c' },
      { method: 'GET', path: 'pods/p/attach?stdin=true' },
      { method: 'POST', path: 'pods/p/portforward?ports=80' },
      { method: 'GET', path: 'pods/p:80/proxy/foo/bar' },
      { method: 'PUT', path: 'pods/p:80/proxy' },
      { method: 'GET', path: 'pods/p/log' },
      {
        method: 'POST',
        path: 'pods/p/eviction',
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: 'p' },
          deleteOptions: { gracePeriodSeconds: 0 },
        },
      },
    ],
  },
  {
    name: 'scales',
    mutating: [{ path: 'allow-m', ...everything, ...only('*', '*', 'replicationcontrollers/scale') }],
    validating: [{ path: 'allow-v', ...everything, ...only('*', '*', 'replicationcontrollers/scale') }],
    reviews: true,
    requests: [
      {
        method: 'POST',
        path: 'replicationcontrollers',
        body: { metadata: { name: 'r' }, spec: { replicas: 0, selector: { a: 'b' }, template } },
      },
      {
        method: 'PUT',
        path: 'replicationcontrollers/r/scale?dryRun=All',
        body: { metadata: { name: 'r' }, spec: { replicas: 1 } },
      },
      {
        method: 'PATCH',
        path: 'replicationcontrollers/r/scale?dryRun=All',
        body: { spec: { replicas: 2 } },
        type: merge,
      },
      {
        method: 'PUT',
        path: 'replicationcontrollers/r/scale',
        body: { metadata: { name: 'r' }, spec: { replicas: -1 } },
      },
      { method: 'DELETE', path: 'replicationcontrollers/r' },
    ],
  },
  {
    name: 'what is asked and not kept',
    mutating: [{ path: 'allow-m', ...everything, ...only('authorization.k8s.io', '*', '*/*') }],
    validating: [{ path: 'allow-v', ...everything, ...only('authorization.k8s.io', '*', '*/*') }],
    reviews: true,
    requests: [
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/namespaces/NAMESPACE/localsubjectaccessreviews',
        unlabelled: true,
        body: {
          metadata: { namespace: 'NAMESPACE' },
          spec: { user: 'x', resourceAttributes: { namespace: 'NAMESPACE', verb: 'get', resource: 'pods' } },
        },
      },
    ],
  },
  {
    name: 'a namespace itself',
    mutating: [{ path: 'allow-m', namespaceSelector: { matchLabels: { in: 'it' } } }],
    validating: [{ path: 'allow-v', namespaceSelector: { matchLabels: { in: 'it' } } }],
    reviews: true,
    requests: [
      {
        method: 'POST',
        path: '/api/v1/namespaces?dryRun=All',
        body: { metadata: { name: 'NAMESPACE-other', labels: { in: 'it' } } },
      },
      { method: 'POST', path: '/api/v1/namespaces?dryRun=All', body: { metadata: { name: 'NAMESPACE-other' } } },
      tried,
    ],
  },
  {
    name: 'other versions',
    mutating: [{ path: 'allow-m', ...only('autoscaling', 'v1', 'horizontalpodautoscalers') }],
    validating: [
      { path: 'allow-exact', matchPolicy: 'Exact', ...only('autoscaling', 'v1', 'horizontalpodautoscalers') },
      { path: 'allow-v', ...only('autoscaling', 'v1', 'horizontalpodautoscalers') },
    ],
    reviews: true,
    requests: [
      {
        method: 'POST',
        path: '/apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers?dryRun=All',
        body: autoscaler,
      },
    ],
  },
  {
    name: 'scopes and operations',
    validating: [
      { path: 'deny-cluster', rules: [{ ...only('*', '*', '*').rules[0], scope: 'Cluster' }] },
      { path: 'deny-update', ...only('*', '*', '*', ['UPDATE', 'DELETE', 'CONNECT']) },
      { path: 'allow-named', rules: [{ ...only('*', '*', '*').rules[0], scope: 'Namespaced' }] },
    ],
    requests: [tried],
  },
  {
    name: 'a first version of reviews',
    validating: [{ path: 'allow-beta', admissionReviewVersions: ['v3', 'v1beta1', 'v1'] }],
    requests: [tried],
  },
  {
    name: 'order and a second round',
    mutating: [{ path: 'mark-b' }, { path: 'mark-a', ...again }, { path: 'allow-again', ...again }],
    requests: [tried],
  },
  {
    name: 'two of a second round',
    mutating: [
      { path: 'mark-a', ...again },
      { path: 'mark-b', ...again },
    ],
    requests: [tried],
  },
  { name: 'one of a second round', mutating: [{ path: 'count', ...again }], requests: [tried] },
  {
    name: 'count then mark',
    mutating: [
      { path: 'count', ...again },
      { path: 'mark-a', ...again },
    ],
    requests: [tried],
  },
  {
    name: 'mark then count',
    mutating: [
      { path: 'mark-a', ...again },
      { path: 'count', ...again },
    ],
    requests: [tried],
  },
  {
    name: 'a pod that plugins complete again',
    mutating: [{ path: 'sidecar' }],
    validating: [{ path: 'allow-v' }],
    requests: [{ method: 'POST', path: 'pods?dryRun=All', body: pod }],
  },
  {
    name: 'side effects',
    mutating: [{ path: 'allow-m', sideEffects: 'NoneOnDryRun' }],
    requests: [tried],
  },
  { name: 'failures that do not matter', mutating: [{ path: 'broken', failurePolicy: 'Ignore' }], requests: [tried] },
  {
    name: 'failures that do not matter to validation',
    validating: [{ path: 'broken', failurePolicy: 'Ignore' }],
    requests: [tried],
  },
  {
    name: 'refusals are no failures',
    validating: [{ path: 'deny', failurePolicy: 'Ignore' }],
    requests: [tried],
  },
  {
    name: 'a slow one',
    validating: [{ path: 'silent', timeoutSeconds: 1 }],
    requests: [tried],
  },
  { name: 'a slow body', validating: [{ path: 'endless', timeoutSeconds: 1 }], requests: [tried] },
  {
    name: 'deletions cannot be changed',
    mutating: [{ path: 'on-delete', ...only('*', '*', '*', ['DELETE']) }],
    requests: [
      { method: 'POST', path: 'configmaps', body: configMap({}, { name: 'stays' }) },
      { method: 'DELETE', path: 'configmaps/stays' },
    ],
  },
  {
    name: 'what updates may not become',
    mutating: [{ path: 'by-data', ...only('*', '*', '*', ['UPDATE']) }],
    requests: [
      { method: 'POST', path: 'configmaps', body: configMap({}, { name: 'u' }) },
      ...['name', 'version', 'namespace', 'data'].map((what) => ({
        method: 'PUT',
        path: 'configmaps/u',
        body: configMap({ data: { what } }, { name: 'u' }),
      })),
    ],
  },
  ...conditionScenarios,
  ...answerScenarios.map(
    ({ name }): Scenario => ({ name: `V ${name}`, validating: [{ path: `answer-${slug(name)}` }], requests: [tried] }),
  ),
  ...patchScenarios.map(
    ({ name }): Scenario => ({ name: `M ${name}`, mutating: [{ path: `patch-${slug(name)}` }], requests: [tried] }),
  ),
];

const byData: TestHandler = ({ object }) => {
  const data = isJsonObject(object) && isJsonObject(object['data']) ? object['data'] : {};
  switch (data['what']) {
    case 'name':
      return patch([{ op: 'replace', path: '/metadata/name', value: 'zz' }]);
    case 'version':
      return patch([{ op: 'add', path: '/metadata/resourceVersion', value: '1' }]);
    case 'namespace':
      return patch([{ op: 'replace', path: '/metadata/namespace', value: 'default' }]);
    default:
      return patch([{ op: 'replace', path: '/data', value: { became: 'this' } }]);
  }
};

/** Gives the server all handlers that scenarios speak of; what begins with `allow` allows. */
export function handleScenarios(server: TestWebhookServer): void {
  const handlers: Readonly<Record<string, TestHandler>> = {
    '/mark-a': marking('a'),
    '/mark-b': marking('b'),
    '/count': counting,
    '/deny': () => ({ allowed: false, status: { message: 'no' } }),
    '/deny-cluster': () => ({ allowed: false }),
    '/deny-update': () => ({ allowed: false }),
    '/broken': () => ({ raw: 'oh no', code: 500 }),
    '/silent': () => undefined,
    '/endless': (_request, reply) => {
      reply.setHeader('content-type', 'application/json');
      reply.write('{');
      return undefined;
    },
    '/sidecar': () => patch([{ op: 'add', path: '/spec/containers/-', value: { name: 'side', image: 'y' } }]),
    '/on-delete': () => patch([{ op: 'add', path: '/data/x', value: 'y' }]),
    '/by-data': byData,
  };
  for (const [path, handler] of Object.entries(handlers)) server.handle(path, handler);
  for (const { name, answer } of answerScenarios) server.handle(`/answer-${slug(name)}`, answer);
  for (const { name, answer } of patchScenarios) server.handle(`/patch-${slug(name)}`, answer);
}
