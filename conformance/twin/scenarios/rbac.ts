import type { Step } from '../case.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import type { Scenario } from './write-read.ts';

const group = 'rbac.authorization.k8s.io';
const root = `/apis/${group}/v1`;
const apiVersion = `${group}/v1`;
const labels = { twin: '{{id}}' };
const merge = { 'content-type': 'application/merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

export const namespaced = (resource: string) => `${root}/namespaces/{{ns}}/${resource}`;
export const clusterWide = (resource: string) => `${root}/${resource}`;

const some = <T>(rng: Rng, items: readonly T[], most: number): T[] => rng.shuffled(items).slice(0, 1 + rng.int(most));

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', '*'];
const groups = ['', 'apps', 'batch', 'twin.example.com', '*'];
const resources = ['pods', 'pods/log', 'pods/exec', 'deployments', '*/scale', 'deployments/scale', 'secrets', '*'];
const paths = ['/twin', '/twin/*', '/twin/a', '/other*', '/o**', '*', '/logs/'];

/** A rule as somebody may write it; `odd`: also such as are refused. */
export function ruleOf(rng: Rng, { urls = false, odd = false } = {}): JsonObject {
  if (odd && rng.bool(0.15)) {
    return rng.pick<JsonObject>([
      { verbs: [] },
      { verbs: ['get'], resources: ['pods'] },
      { verbs: ['get'], apiGroups: [''] },
      { verbs: ['get'], apiGroups: [''], resources: ['pods'], nonResourceURLs: ['/twin'] },
      { verbs: ['get'], nonResourceURLs: ['/twin'], resourceNames: ['x'] },
      {},
    ]);
  }
  if (urls && rng.bool(0.25))
    return { verbs: some(rng, ['get', 'post', '*'], 2), nonResourceURLs: some(rng, paths, 2) };
  return {
    verbs: some(rng, verbs, 3),
    apiGroups: some(rng, groups, 2),
    resources: some(rng, resources, 3),
    ...(rng.bool(0.25) && { resourceNames: some(rng, ['x', 'y', 'z'], 2) }),
  };
}

export const rulesOf = (rng: Rng, options: { readonly urls?: boolean; readonly odd?: boolean } = {}): JsonObject[] =>
  Array.from({ length: 1 + rng.int(3) }, () => ruleOf(rng, options));

export const roleObject = (
  kind: 'Role' | 'ClusterRole',
  name: string,
  rules: Json,
  more: JsonObject = {},
): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name, labels },
  rules,
  ...more,
});

export const bindingObject = (
  kind: 'RoleBinding' | 'ClusterRoleBinding',
  name: string,
  role: readonly [kind: string, name: string],
  subjects: Json,
): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name, labels },
  roleRef: { apiGroup: group, kind: role[0], name: role[1] },
  subjects,
});

/** Somebody by a subject, and the headers that make a request theirs. */
export interface Person {
  readonly subject: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  /** As a SubjectAccessReview names them. */
  readonly asked: JsonObject;
}

const user = 'u-{{id}}';
const asUser = { 'impersonate-user': user };
const account = 'system:serviceaccount:{{ns}}:sa';

export const people: readonly Person[] = [
  { subject: { kind: 'User', apiGroup: group, name: user }, headers: asUser, asked: { user } },
  {
    subject: { kind: 'Group', apiGroup: group, name: 'g-{{id}}' },
    headers: { ...asUser, 'impersonate-group': 'g-{{id}}' },
    asked: { user, groups: ['g-{{id}}'] },
  },
  {
    subject: { kind: 'ServiceAccount', name: 'sa', namespace: '{{ns}}' },
    headers: { 'impersonate-user': account },
    asked: { user: account, groups: ['system:serviceaccounts'] },
  },
  {
    subject: { kind: 'Group', apiGroup: group, name: 'system:serviceaccounts:{{ns}}' },
    headers: { 'impersonate-user': account },
    asked: { user: account, groups: ['system:serviceaccounts:{{ns}}'] },
  },
];

export const makeNamespace: Step = {
  method: 'POST',
  path: '/api/v1/namespaces',
  json: { metadata: { name: '{{ns}}', labels } },
};

/** Takes away what a case has made beyond its namespace. */
export const cleanUp: readonly Step[] = ['clusterrolebindings', 'clusterroles'].map((resource) => ({
  method: 'DELETE',
  path: clusterWide(resource),
  query: { labelSelector: 'twin={{id}}' },
  headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json' },
}));

/** The real server's authorizer learns of what is written a moment later. */
export const learnMs = 600;

/** What lets somebody try to write roles and bindings at all. */
const writer = (rng: Rng): JsonObject[] => [
  { apiGroups: [group], resources: ['*'], verbs: ['get', 'create', 'update', 'patch', 'delete'] },
  ...(rng.bool(0.2)
    ? [
        {
          apiGroups: [group],
          resources: some(rng, ['roles', 'clusterroles', '*'], 1),
          verbs: some(rng, ['escalate', 'bind'], 2),
          ...(rng.bool(0.5) && { resourceNames: ['{{id}}-target', '{{id}}-held'] }),
        },
      ]
    : []),
];

const selectors = (rng: Rng): Json =>
  rng.pick<Json>([
    [{ matchLabels: { 'agg-{{id}}': 'x' } }],
    [{ matchExpressions: [{ key: 'agg-{{id}}', operator: 'Exists' }] }],
    [],
    [{ matchLabels: { 'not a label': 'x' } }],
    [{ matchExpressions: [{ key: 'k', operator: 'Wrong' }] }],
  ]);

/**
 * Somebody who holds a little writes roles and bindings: what they may hand on, and what they are told that they lack.
 */
export const escalation: Scenario = (kind, rng) => {
  if (kind.group !== group || kind.version !== 'v1') return undefined;
  const person = rng.pick(people);
  const held = rulesOf(rng, { urls: true });
  const inNamespace = kind.namespaced || rng.bool();
  const headers = person.headers;
  const dangling = rng.bool(0.25);
  const start: Step[] = [
    ...(kind.namespaced ? [] : [makeNamespace]),
    {
      method: 'POST',
      path: clusterWide('clusterroles'),
      json: roleObject('ClusterRole', '{{id}}-held', [...writer(rng), ...held]),
    },
    {
      method: 'POST',
      path: inNamespace ? namespaced('rolebindings') : clusterWide('clusterrolebindings'),
      json: bindingObject(
        inNamespace ? 'RoleBinding' : 'ClusterRoleBinding',
        '{{id}}-held',
        ['ClusterRole', '{{id}}-held'],
        [...(rng.bool(0.2) ? [{ kind: 'User', apiGroup: group, name: 'another' }] : []), person.subject],
      ),
    },
    {
      method: 'POST',
      path: clusterWide('clusterroles'),
      json: roleObject('ClusterRole', '{{id}}-target', rulesOf(rng, { urls: true })),
    },
    { method: 'POST', path: namespaced('roles'), json: roleObject('Role', 'target', rulesOf(rng)) },
    ...(dangling
      ? [
          {
            method: 'POST',
            path: namespaced('rolebindings'),
            json: bindingObject(
              'RoleBinding',
              'dangling',
              rng.pick([
                ['Role', 'none'],
                ['ClusterRole', '{{id}}-none'],
              ] as const),
              [person.subject],
            ),
          } as const,
        ]
      : []),
  ];
  const [first, ...others] = attempts(kind, rng, held, headers);
  return [
    ...start,
    ...(first ? [{ ...first, waitMs: learnMs }] : []),
    ...others,
    ...(kind.namespaced ? [] : [{ method: 'DELETE', path: '/api/v1/namespaces/{{ns}}' } as const]),
    ...cleanUp,
  ];
};

function attempts(kind: Kind, rng: Rng, held: readonly JsonObject[], headers: Person['headers']): Step[] {
  const at = kind.namespaced ? namespaced(kind.resource) : clusterWide(kind.resource);
  const name = '{{id}}-a';
  const item = `${at}/${name}`;
  const isBinding = kind.resource.endsWith('bindings');
  const object = (): JsonObject => (isBinding ? aBinding(kind, name, rng) : aRole(kind, name, rng, held));
  const change = (): JsonObject => {
    const { roleRef, subjects, rules, aggregationRule } = object();
    const metadata = { labels: { more: String(rng.int(3)) } };
    const parts = rng.pick<JsonObject>([
      { metadata },
      { metadata: { finalizers: ['twin.example.com/f'] } },
      { metadata: { ownerReferences: null } },
      isBinding ? { subjects: subjects ?? null } : { rules: rules ?? null },
      isBinding ? { roleRef: roleRef ?? null } : { aggregationRule: aggregationRule ?? null },
    ]);
    return parts;
  };
  const as = rng.pick([headers, headers, headers, {}]);
  const made: Step = { id: 'made', method: 'POST', path: at, json: object(), headers: as };
  const one = (): Step =>
    rng.pick<() => Step>([
      () => ({ id: 'made', method: 'POST', path: at, json: object(), headers }),
      () => ({
        method: 'POST',
        path: at,
        json: { ...object(), metadata: { generateName: '{{id}}-g-', labels } },
        headers,
        query: { dryRun: 'All' },
      }),
      () => ({ method: 'PUT', path: item, json: object(), headers }),
      () => ({ method: 'PATCH', path: item, json: change(), headers: { ...merge, ...headers } }),
      () => ({ method: 'PATCH', path: item, json: change(), headers: { ...merge, ...headers } }),
      () => ({
        method: 'PATCH',
        path: item,
        json: object(),
        query: { fieldManager: 'one', force: 'true' },
        headers: { ...apply, ...headers },
      }),
      () => ({ method: 'GET', path: item, headers }),
      () => ({ method: 'POST', path: at, json: object(), query: { fieldValidation: 'Strict' } }),
    ])();
  return [
    made,
    ...Array.from({ length: 5 }, one),
    { method: 'GET', path: item },
    { method: 'DELETE', path: item, headers: as },
  ];
}

function aRole({ namespaced: local }: Kind, name: string, rng: Rng, held: readonly JsonObject[]): JsonObject {
  const rules = rng.pick<() => Json>([
    () => rulesOf(rng, { urls: true, odd: true }),
    () => rulesOf(rng, { urls: !local }),
    () => [...held],
    () => [rng.pick(held), ruleOf(rng)],
    () => [narrowed(rng.pick(held))],
    () => [],
  ])();
  const aggregation: JsonObject =
    !local && rng.bool(0.25) ? { aggregationRule: { clusterRoleSelectors: selectors(rng) } } : {};
  return roleObject(local ? 'Role' : 'ClusterRole', name, rules, aggregation);
}

/** Less than a rule says: one of each of its lists, with a name. */
function narrowed(rule: JsonObject): JsonObject {
  const first = (list: Json | undefined) => (Array.isArray(list) ? list.slice(0, 1) : undefined);
  const short = Object.fromEntries(Object.entries(rule).map(([key, list]) => [key, first(list) ?? list]));
  return 'resources' in rule && !('resourceNames' in rule) ? { ...short, resourceNames: ['one'] } : short;
}

function aBinding({ namespaced: local }: Kind, name: string, rng: Rng): JsonObject {
  const role = rng.pick([
    ['ClusterRole', '{{id}}-target'],
    ['ClusterRole', '{{id}}-target'],
    ['ClusterRole', '{{id}}-held'],
    ['ClusterRole', 'view'],
    ['ClusterRole', 'cluster-admin'],
    ['ClusterRole', '{{id}}-none'],
    ['Role', 'target'],
    ['Role', 'none'],
    ['Other', 'target'],
    ['ClusterRole', ''],
  ] as const);
  const subjects = rng.pick<Json>([
    [{ kind: 'User', name: 'x' }],
    [
      { kind: 'User', apiGroup: group, name: 'x' },
      { kind: 'Group', name: 'y' },
    ],
    [{ kind: 'ServiceAccount', name: 'x' }],
    [{ kind: 'ServiceAccount', name: 'x', namespace: 'default' }],
    [{ kind: 'Person', name: 'x' }],
    [{ kind: 'User', apiGroup: 'wrong', name: '' }],
    [],
  ]);
  const binding = bindingObject(local ? 'RoleBinding' : 'ClusterRoleBinding', name, role, subjects);
  return rng.bool(0.1)
    ? { ...binding, roleRef: { kind: role[0], name: role[1], apiGroup: rng.pick(['', 'wrong']) } }
    : binding;
}
