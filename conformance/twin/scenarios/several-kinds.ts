import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import type { JsonObject } from '../json.ts';
import { collection, type Kind, kinds } from '../kinds.ts';
import { fullObjects } from './full.ts';
import { enriched } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

/** Other versions in which the same object is served. */
function siblings(kind: Kind): Kind[] {
  const isEvent = (each: Kind) => each.kind === 'Event';
  return kinds.filter(
    (each) =>
      each.id !== kind.id &&
      ((each.group === kind.group && each.resource === kind.resource) || (isEvent(each) && isEvent(kind))),
  );
}

/** One object under several versions: written in one, read, watched and changed in another. */
export const conversion: Scenario = (kind, rng) => {
  const others = siblings(kind);
  const base = objectOf(kind);
  if (!base || others.length === 0) return undefined;
  const other = rng.pick(others);
  const object = rng.bool(0.4) ? (fullObjects.get(kind.id) ?? base) : enriched(kind, rng, base, 2);
  const its = objectOf(other);
  const steps: Step[] = [
    post(kind, object),
    { method: 'GET', path: collection(other), query: { watch: '1', labelSelector: 'twin={{id}}' }, watch: true },
    { id: 'read', method: 'GET', path: itemPath(other) },
    { method: 'GET', path: collection(other), query: { labelSelector: 'twin={{id}}' } },
    { method: 'PUT', path: itemPath(other), from: { step: 'read', merge: { metadata: { labels: { more: 'x' } } } } },
    { method: 'PATCH', path: itemPath(other), headers: merge, json: { metadata: { annotations: { a: 'b' } } } },
    ...(its
      ? [
          {
            method: 'PATCH',
            path: itemPath(other),
            headers: apply,
            query: { fieldManager: 'other', force: 'true' },
            json: its,
          } as const,
        ]
      : []),
    { method: 'PATCH', path: itemPath(kind), headers: apply, query: { fieldManager: 'one' }, json: { ...object } },
    { method: 'GET', path: itemPath(kind) },
    { method: 'GET', path: itemPath(other), headers: { accept: 'application/vnd.kubernetes.protobuf' } },
    { method: 'DELETE', path: itemPath(other) },
  ];
  return steps;
};

/** What time tells apart: which writes move `managedFields`' times, and which do not. */
export const times: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const applied = {
    method: 'PATCH',
    path: itemPath(kind),
    headers: apply,
    query: { fieldManager: 'one' },
    json: base,
  } as const;
  return [
    rng.bool() ? { ...applied, id: 'made' } : post(kind, base),
    {
      ...rng.pick<Step>([
        applied,
        { method: 'PUT', path: itemPath(kind), from: { step: 'made', merge: {} } },
        { method: 'PATCH', path: itemPath(kind), headers: merge, json: {} },
        { method: 'PATCH', path: itemPath(kind), headers: merge, json: { metadata: { labels: { twin: '{{id}}' } } } },
        { method: 'PATCH', path: itemPath(kind), headers: merge, json: { metadata: { labels: { new: 'x' } } } },
        { method: 'PATCH', path: itemPath(kind), headers: apply, query: { fieldManager: 'two' }, json: base },
      ]),
      waitMs: 2600,
    },
    { method: 'GET', path: itemPath(kind) },
  ];
};

/** Who may nothing: what a refusal says for every verb. */
export const forbidden: Scenario = (kind, rng) => {
  const object = objectOf(kind);
  const who = rng.pick<Record<string, string>>([
    { 'impersonate-user': 'somebody' },
    { 'impersonate-user': 'somebody', 'impersonate-group': 'some-group' },
    { 'impersonate-user': 'system:serviceaccount:default:default' },
    { 'impersonate-user': 'system:anonymous' },
    { 'impersonate-user': 'system:kube-scheduler' },
    { 'impersonate-group': 'only-group' },
    { 'impersonate-user': 'somebody', 'impersonate-uid': 'x', 'impersonate-extra-scope': 'y' },
  ]);
  const item = itemPath(kind);
  const all: Step[] = [
    { method: 'GET', path: item },
    { method: 'GET', path: collection(kind), query: { labelSelector: 'twin={{id}}' } },
    { method: 'GET', path: collection(kind), query: { watch: '1', labelSelector: 'twin={{id}}' } },
    { method: 'POST', path: collection(kind), json: object ?? {}, query: { dryRun: 'All' } },
    { method: 'PUT', path: item, json: object ?? {} },
    { method: 'PATCH', path: item, headers: merge, json: {} },
    { method: 'PATCH', path: item, headers: apply, query: { fieldManager: 'm' }, json: object ?? {} },
    { method: 'DELETE', path: item },
    { method: 'DELETE', path: collection(kind), query: { labelSelector: 'twin={{id}}' } },
    ...[...kind.subresources.keys()].map((name): Step => ({ method: 'GET', path: `${item}/${name}` })),
    { method: 'GET', path: '/metrics' },
    { method: 'GET', path: '/api' },
    { method: 'GET', path: '/healthz' },
  ];
  return rng
    .shuffled(all)
    .slice(0, 5)
    .map((step) => ({ ...step, headers: { ...step.headers, ...who } }));
};

const pods = '/api/v1/namespaces/{{ns}}/pods';
const pod = (name: string, spec: JsonObject = {}, labels: JsonObject = { app: 'x' }): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'c', image: 'example.com/image:1' }], ...spec },
});

/** Evictions under a disruption budget in every state. */
export const evictions: Scenario = (kind, rng) => {
  if (kind.resource !== 'poddisruptionbudgets') return undefined;
  const base = objectOf(kind);
  if (!base) return undefined;
  const evict = (): Step => ({
    method: 'POST',
    path: `${pods}/p/eviction`,
    json: {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'p' },
      ...rng.pick<JsonObject>([
        {},
        {},
        { deleteOptions: { dryRun: ['All'] } },
        { deleteOptions: { preconditions: { resourceVersion: '1' } } },
      ]),
    },
  });
  const phase = rng.pick(['Pending', 'Running', 'Succeeded', 'Failed']);
  const ready = rng.pick(['True', 'False']);
  const steps: Step[] = [
    { method: 'POST', path: pods, json: pod('p') },
    {
      method: 'PATCH',
      path: `${pods}/p/status`,
      headers: merge,
      json: { status: { phase, conditions: [{ type: 'Ready', status: ready }] } },
    },
    post(kind, {
      ...base,
      spec: {
        selector: { matchLabels: { app: rng.pick(['x', 'x', 'x', 'y']) } },
        minAvailable: 1,
        ...(rng.bool(0.4) && { unhealthyPodEvictionPolicy: rng.pick(['AlwaysAllow', 'IfHealthyBudget']) }),
      },
    }),
    ...(rng.bool(0.2) ? [post(kind, { ...base, metadata: { name: 'second' } }, { id: 'second' })] : []),
    {
      method: 'PATCH',
      path: `${itemPath(kind)}/status`,
      headers: merge,
      json: {
        status: {
          observedGeneration: rng.pick([0, 1]),
          disruptionsAllowed: rng.pick([0, 0, 1]),
          currentHealthy: rng.pick([0, 1, 2]),
          desiredHealthy: 1,
          expectedPods: 1,
        },
      },
    },
    evict(),
    { method: 'GET', path: itemPath(kind) },
    { method: 'GET', path: `${pods}/p` },
    evict(),
    { method: 'GET', path: itemPath(kind) },
  ];
  return steps;
};

const quantities: readonly JsonObject[] = [
  { cpu: '100m' },
  { cpu: '2' },
  { memory: '1Gi', cpu: '1' },
  { 'ephemeral-storage': '1Gi' },
  { cpu: '500m', memory: '64Mi' },
];

/** Quotas and limit ranges, and what they let through. */
export const limits: Scenario = (kind, rng) => {
  const isQuota = kind.resource === 'resourcequotas';
  const base = objectOf(kind);
  if (!base || (!isQuota && kind.resource !== 'limitranges')) return undefined;
  const resources = (): JsonObject => ({
    ...(rng.bool(0.7) && { requests: structuredClone(rng.pick(quantities)) }),
    ...(rng.bool(0.7) && { limits: structuredClone(rng.pick(quantities)) }),
  });
  const withResources = (name: string) =>
    pod(name, { containers: [{ name: 'c', image: 'example.com/image:1', resources: resources() }] });
  const hard = rng.pick<JsonObject>([
    { pods: '1' },
    { 'requests.cpu': '1' },
    { cpu: '1', memory: '1Gi' },
    { 'limits.cpu': '1' },
    { configmaps: '1' },
    { 'count/configmaps': '1' },
    { services: '1', 'services.nodeports': '0' },
    { secrets: '0' },
    { 'count/pods': '2', 'limits.memory': '2Gi' },
  ]);
  const scopes = rng.pick<JsonObject>([
    {},
    {},
    {},
    { scopes: ['BestEffort'] },
    { scopes: ['NotTerminating'] },
    { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists' }] } },
  ]);
  const limit = (): JsonObject => ({
    type: rng.pick(['Container', 'Container', 'Pod']),
    ...(rng.bool(0.6) && { max: structuredClone(rng.pick(quantities)) }),
    ...(rng.bool(0.4) && { min: { cpu: '50m' } }),
    ...(rng.bool(0.3) && { maxLimitRequestRatio: { cpu: '2' } }),
  });
  const defaults: JsonObject = rng.bool(0.5) ? { default: { cpu: '200m' }, defaultRequest: { cpu: '100m' } } : {};
  const spec: JsonObject = isQuota ? { hard, ...scopes } : { limits: [{ ...limit(), ...defaults }] };
  const steps: Step[] = [post(kind, { ...base, spec })];
  if (isQuota)
    steps.push({
      method: 'PATCH',
      path: `${itemPath(kind)}/status`,
      headers: merge,
      json: { status: { hard, used: Object.fromEntries(Object.keys(hard).map((name) => [name, '0'])) } },
    });
  for (const name of ['p', 'q', 'r']) {
    steps.push({
      method: 'POST',
      path: pods,
      json: withResources(name),
      // The real server learns of quotas and limits a moment later.
      ...(name === 'p' && { waitMs: 700 }),
    });
  }
  if (isQuota)
    steps.push(
      ...['1', '2'].flatMap((name): Step[] => [
        { method: 'POST', path: '/api/v1/namespaces/{{ns}}/configmaps', json: { metadata: { name } } },
        { method: 'POST', path: '/api/v1/namespaces/{{ns}}/secrets', json: { metadata: { name } } },
        {
          method: 'POST',
          path: '/api/v1/namespaces/{{ns}}/services',
          json: {
            metadata: { name: `s${name}` },
            spec: { type: rng.pick(['ClusterIP', 'NodePort']), ports: [{ port: 80 }] },
          },
        },
      ]),
      { method: 'GET', path: itemPath(kind) },
    );
  return steps;
};

/** Classes that pods and claims name, and what admission makes of them. */
export const classes: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base) return undefined;
  const uses: Readonly<Record<string, () => Step>> = {
    priorityclasses: () => ({
      method: 'POST',
      path: pods,
      json: pod(
        'p',
        rng.pick<JsonObject>([
          { priorityClassName: '{{id}}-a' },
          { priorityClassName: 'none' },
          { priorityClassName: '{{id}}-a', priority: 1 },
          { priorityClassName: 'system-cluster-critical' },
        ]),
      ),
    }),
    runtimeclasses: () => ({
      method: 'POST',
      path: pods,
      json: pod(
        'p',
        rng.pick<JsonObject>([
          { runtimeClassName: '{{id}}-a' },
          { runtimeClassName: 'none' },
          { runtimeClassName: '{{id}}-a', overhead: { cpu: '1' } },
        ]),
      ),
    }),
    storageclasses: () => ({
      method: 'POST',
      path: '/api/v1/namespaces/{{ns}}/persistentvolumeclaims',
      json: {
        metadata: { name: 'c' },
        spec: {
          storageClassName: '{{id}}-a',
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
        },
      },
    }),
    ingressclasses: () => ({
      method: 'POST',
      path: '/apis/networking.k8s.io/v1/namespaces/{{ns}}/ingresses',
      json: {
        metadata: { name: 'i' },
        spec: {
          ingressClassName: rng.pick(['{{id}}-a', 'none']),
          defaultBackend: { service: { name: 's', port: { number: 80 } } },
        },
      },
    }),
  };
  const use = uses[kind.resource];
  if (!use) return undefined;
  const extra: JsonObject =
    kind.resource === 'runtimeclasses' && rng.bool()
      ? {
          overhead: { podFixed: { cpu: '250m' } },
          scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
        }
      : kind.resource === 'priorityclasses' && rng.bool()
        ? { preemptionPolicy: 'Never' }
        : {};
  const namespace: Step = { method: 'POST', path: '/api/v1/namespaces', json: { metadata: { name: '{{ns}}' } } };
  return [
    namespace,
    post(kind, { ...base, ...extra }),
    { ...use(), waitMs: 700 },
    use(),
    { method: 'DELETE', path: '/api/v1/namespaces/{{ns}}' },
  ];
};
