import type { Step } from '../case.ts';
import type { Json, JsonObject } from '../json.ts';
import { collection, type Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import {
  bindingObject,
  cleanUp,
  clusterWide,
  learnMs,
  makeNamespace,
  namespaced,
  type Person,
  people,
  roleObject,
  rulesOf,
} from './rbac.ts';
import type { Scenario } from './write-read.ts';

const reviewGroup = 'authorization.k8s.io';

/** Roles and bindings of one person: at most one across the cluster and one in the namespace, so that it is no chance which of them allows. */
function holdings(rng: Rng, { subject }: Person): Step[] {
  const bystanders: JsonObject[] = rng.bool(0.3)
    ? [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:authenticated-{{id}}' }]
    : [];
  const subjects: Json = rng.bool() ? [...bystanders, subject] : [subject, ...bystanders];
  const steps: Step[] = [
    makeNamespace,
    {
      method: 'POST',
      path: clusterWide('clusterroles'),
      json: roleObject('ClusterRole', '{{id}}-wide', rulesOf(rng, { urls: true })),
    },
    { method: 'POST', path: namespaced('roles'), json: roleObject('Role', 'local', rulesOf(rng)) },
  ];
  const bind = (local: boolean, name: string, role: readonly [string, string]): Step => ({
    method: 'POST',
    path: local ? namespaced('rolebindings') : clusterWide('clusterrolebindings'),
    json: bindingObject(local ? 'RoleBinding' : 'ClusterRoleBinding', name, role, subjects),
  });
  const missing = rng.int(8);
  if (rng.bool(0.6))
    steps.push(bind(false, '{{id}}-wide', ['ClusterRole', missing === 0 ? '{{id}}-none' : '{{id}}-wide']));
  if (rng.bool(0.6))
    steps.push(
      bind(
        true,
        'local',
        missing === 1
          ? ['Role', 'none']
          : rng.pick([
              ['Role', 'local'],
              ['ClusterRole', '{{id}}-wide'],
            ] as const),
      ),
    );
  return steps;
}

const fieldSelectors: readonly JsonObject[] = [
  { rawSelector: 'metadata.name=x' },
  { rawSelector: 'spec.nodeName=n,metadata.name!=y' },
  { rawSelector: 'a in (b)' },
  { rawSelector: '===' },
  { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] },
  { requirements: [{ key: 'metadata.name', operator: 'In', values: ['x'] }] },
  { requirements: [{ key: 'a', operator: 'NotIn', values: ['x'] }] },
  { requirements: [{ key: 'a', operator: 'In', values: ['x', 'y'] }] },
  { requirements: [{ key: 'a', operator: 'Exists' }] },
  {
    requirements: [
      { key: 'a', operator: 'Wrong', values: ['x'] },
      { key: 'b', operator: 'In', values: ['c'] },
    ],
  },
  { requirements: [{ operator: 'In', values: [] }] },
  { requirements: [{ key: 'a', operator: 'DoesNotExist', values: ['x'] }] },
  {},
];

const labelSelectors: readonly JsonObject[] = [
  { rawSelector: 'a=b' },
  { rawSelector: 'a in (b,c),!d,e' },
  { rawSelector: 'a in' },
  { rawSelector: 'a b' },
  { rawSelector: 'n>5' },
  { requirements: [{ key: 'a', operator: 'In', values: ['b', 'c'] }] },
  { requirements: [{ key: 'a', operator: 'Exists' }] },
  { requirements: [{ key: 'a', operator: 'Exists', values: ['x'] }] },
  { requirements: [{ key: 'a', operator: 'NotIn' }] },
  { requirements: [{ key: 'a', operator: 'Gt', values: ['1'] }] },
  { requirements: [{ key: 'not a key', operator: 'In', values: ['not a value!'] }] },
  {
    requirements: [
      { key: '', operator: 'Exists' },
      { key: 'b', operator: 'DoesNotExist' },
    ],
  },
  { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] },
  {},
];

function resourceAttributes(rng: Rng): JsonObject {
  const full = rng.pick([
    'pods',
    'pods',
    'pods/log',
    'deployments',
    'deployments/scale',
    'secrets',
    'things',
    'namespaces',
    '*',
  ]);
  const [resource = '', subresource] = rng.bool(0.9) ? full.split('/') : [full];
  return {
    verb: rng.pick(['get', 'list', 'watch', 'create', 'delete', 'deletecollection', 'use', '*', 'GET', '']),
    group: rng.pick(['', '', 'apps', 'batch', 'twin.example.com', '*']),
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(rng.bool(0.7) && { namespace: rng.pick(['{{ns}}', '{{ns}}', 'default', '']) }),
    ...(rng.bool(0.4) && { name: rng.pick(['x', 'y', 'q', '{{ns}}', '*']) }),
    ...(rng.bool(0.3) && { version: rng.pick(['v1', '*', 'v9']) }),
    ...(rng.bool(0.2) && { fieldSelector: rng.pick(fieldSelectors) }),
    ...(rng.bool(0.2) && { labelSelector: rng.pick(labelSelectors) }),
  };
}

/** None that others may ask for as well: which of two bindings allows is chance. */
const nonResourceAttributes = (rng: Rng): JsonObject => ({
  verb: rng.pick(['get', 'post', '*', 'GET', 'list']),
  path: rng.pick([
    '/twin',
    '/twin/a',
    '/twin/a/b',
    '/other',
    '/otherwise',
    '/oh',
    '/logs/',
    '/',
    '',
    '/apix',
    'twin',
    '*',
  ]),
});

function attributes(rng: Rng): JsonObject {
  const which = rng.int(20);
  if (which === 0) return {};
  if (which === 1)
    return { resourceAttributes: resourceAttributes(rng), nonResourceAttributes: nonResourceAttributes(rng) };
  return which < 5
    ? { nonResourceAttributes: nonResourceAttributes(rng) }
    : { resourceAttributes: resourceAttributes(rng) };
}

const strangers: readonly JsonObject[] = [
  { user: 'stranger-{{id}}' },
  { user: 'u-{{id}}', groups: ['system:masters'] },
  { groups: ['g-{{id}}'] },
  { user: 'u-{{id}}', groups: ['system:authenticated'], uid: 'x', extra: { scope: ['a', 'b'], 'Odd/Key': [] } },
  { user: 'system:serviceaccount:{{ns}}:other', groups: [] },
  { user: 'system:kube-scheduler' },
  { user: 'system:node:n', groups: ['system:nodes'] },
  { user: '' },
  {},
];

/** A question of the kind, in the words of the review. */
function question(kind: Kind, rng: Rng, person: Person): Step {
  const local = kind.resource === 'localsubjectaccessreviews';
  const self = kind.resource === 'selfsubjectaccessreviews';
  const metadata = rng.bool(0.05)
    ? rng.pick<JsonObject>([{ name: 'x' }, { labels: { a: 'b' } }, { namespace: 'elsewhere' }, { generateName: 'x' }])
    : {};
  let spec = attributes(rng);
  if (local && rng.bool(0.8) && typeof spec['resourceAttributes'] === 'object')
    spec = { resourceAttributes: { ...resourceAttributes(rng), namespace: '{{ns}}' } };
  return {
    method: 'POST',
    path: collection(kind),
    json: {
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      ...(Object.keys(metadata).length > 0 && { metadata }),
      spec: { ...spec, ...(!self && (rng.bool(0.8) ? person.asked : rng.pick(strangers))) },
      ...(rng.bool(0.05) && { status: { allowed: true, reason: 'given' } }),
    },
    ...(self && { headers: person.headers }),
  };
}

/** Requests that somebody really makes. */
const requests = (rng: Rng): Step =>
  rng.pick<Step>([
    { method: 'GET', path: '/api/v1/namespaces/{{ns}}/pods' },
    { method: 'GET', path: '/api/v1/namespaces/{{ns}}/pods', query: { fieldSelector: 'metadata.name=x' } },
    { method: 'GET', path: '/api/v1/namespaces/{{ns}}/pods', query: { labelSelector: 'a=b', fieldSelector: 'broken' } },
    { method: 'GET', path: '/api/v1/namespaces/{{ns}}/pods/x' },
    { method: 'GET', path: '/api/v1/namespaces/{{ns}}/pods/x/log' },
    { method: 'POST', path: '/api/v1/namespaces/{{ns}}/pods/x/exec' },
    { method: 'DELETE', path: '/api/v1/namespaces/{{ns}}/secrets/y' },
    { method: 'DELETE', path: '/api/v1/namespaces/{{ns}}/secrets' },
    { method: 'GET', path: '/apis/apps/v1/namespaces/{{ns}}/deployments/x/scale' },
    { method: 'GET', path: '/apis/twin.example.com/v1/namespaces/{{ns}}/pods/x' },
    { method: 'GET', path: '/apis/apps/v1/deployments', query: { labelSelector: 'twin={{id}}' } },
    { method: 'GET', path: '/api/v1/namespaces/{{ns}}' },
    { method: 'GET', path: '/api/v1/namespaces', query: { fieldSelector: 'metadata.name={{ns}}' } },
    { method: 'GET', path: '/twin' },
    { method: 'GET', path: '/twin/a' },
    { method: 'POST', path: '/other' },
    { method: 'GET', path: '/logs/' },
    { method: 'GET', path: '/apis' },
  ]);

/** Headers that make somebody of who asks, some of them refused. */
const disguises: readonly Readonly<Record<string, string>>[] = [
  { 'impersonate-user': 'u-{{id}}', 'impersonate-uid': '7' },
  { 'impersonate-user': 'u-{{id}}', 'impersonate-extra-scope': 'a', 'impersonate-extra-Odd%2FKey': 'b' },
  { 'impersonate-user': 'u-{{id}}', 'impersonate-extra-%zz': 'a' },
  { 'impersonate-user': 'u-{{id}}', 'impersonate-group': 'system:masters' },
  { 'impersonate-user': 'u-{{id}}', 'impersonate-group': 'system:unauthenticated' },
  { 'impersonate-user': 'u-{{id}}', 'impersonate-group': 'system:authenticated' },
  { 'impersonate-user': 'system:anonymous' },
  { 'impersonate-user': 'system:anonymous', 'impersonate-group': 'g-{{id}}' },
  { 'impersonate-group': 'g-{{id}}' },
  { 'impersonate-uid': '7' },
  { 'impersonate-extra-scope': 'a' },
  { 'impersonate-user': 'system:serviceaccount:{{ns}}:sa', 'impersonate-group': 'g-{{id}}' },
  { 'impersonate-user': 'system:serviceaccount:{{ns}}' },
  { 'impersonate-user': 'system:serviceaccount:{{ns}}:' },
  { 'impersonate-user': 'system:serviceaccount:UPPER:sa' },
  { 'impersonate-user': 'system:serviceaccount:{{ns}}:a:b' },
  { 'impersonate-user': 'system:node:n', 'impersonate-group': 'system:nodes' },
  { 'impersonate-user': 'u-{{id}}', 'impersonate-unknown': 'x' },
];

/** Access reviews of every kind about what somebody holds, and the requests that they are about. */
export const accessReviews: Scenario = (kind, rng) => {
  if (kind.group !== reviewGroup || kind.resource === 'selfsubjectrulesreviews') return undefined;
  const person = rng.pick(people);
  const asks: Step[] = [
    ...Array.from({ length: 7 }, () => question(kind, rng, person)),
    ...Array.from({ length: 3 }, () => ({ ...requests(rng), headers: person.headers })),
  ];
  const [first, ...others] = rng.shuffled(asks);
  const start = holdings(rng, person);
  return [
    ...(kind.namespaced ? start.slice(1) : start),
    ...(first ? [{ ...first, waitMs: learnMs }] : []),
    ...others,
    ...(kind.namespaced ? [] : [{ method: 'DELETE', path: '/api/v1/namespaces/{{ns}}' } as const]),
    ...cleanUp,
  ];
};

/** Who one is and what one may do, asked as all sorts of people. */
export const selfReviews: Scenario = (kind, rng) => {
  const who = kind.resource === 'selfsubjectreviews';
  if (!who && kind.resource !== 'selfsubjectrulesreviews') return undefined;
  const person = rng.pick(people);
  const ask = (): Step => {
    const spec = rng.pick<JsonObject>([{ namespace: '{{ns}}' }, { namespace: '{{ns}}' }, { namespace: 'default' }, {}]);
    return {
      method: 'POST',
      path: collection(kind),
      json: { apiVersion: kind.apiVersion, kind: kind.kind, ...(who ? {} : { spec }) },
      headers: rng.bool(0.4) ? person.headers : rng.pick(disguises),
    };
  };
  const impersonating = {
    method: 'POST',
    path: clusterWide('clusterroles'),
    json: roleObject('ClusterRole', '{{id}}-more', rulesOf(rng, { urls: true })),
  } as const;
  const [first, ...others] = Array.from({ length: 6 }, ask);
  return [
    ...holdings(rng, person),
    impersonating,
    ...(first ? [{ ...first, waitMs: learnMs }] : []),
    ...others,
    { method: 'DELETE', path: '/api/v1/namespaces/{{ns}}' },
    ...cleanUp,
  ];
};
