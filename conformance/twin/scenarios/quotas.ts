import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Rng } from '../rng.ts';
import { resourcefulPod, resourcesOf } from './resourceful-pods.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
/** The real server learns of quotas a moment later. */
const learnsMs = 700;
const core = '/api/v1/namespaces/{{ns}}';
const apis = (group: string, resource: string) => `/apis/${group}/namespaces/{{ns}}/${resource}`;

interface Sort {
  /** What a quota may hold for objects of this sort, with an amount that some objects fit into. */
  readonly hard: Readonly<Record<string, readonly string[]>>;
  readonly create: (rng: Rng, name: string) => Step;
  readonly change: (rng: Rng, name: string) => Step;
  readonly path: string;
}

const few = ['0', '1', '2', '3'];
const cpus = ['500m', '1', '2', '1500m', '0.3', '1e3'];
const bytes = ['1Gi', '128Mi', '1G', '512M', '2147483648', '1.5Gi'];
const numbered = (names: readonly string[], amounts: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, amounts]));

const relabel = (path: string, name: string): Step => ({
  method: 'PATCH',
  path: `${path}/${name}`,
  headers: merge,
  json: { metadata: { labels: { l: name } } },
});

const plain = (path: string, hard: Sort['hard'], object: (rng: Rng, name: string) => JsonObject): Sort => ({
  hard,
  path,
  create: (rng, name) => ({ method: 'POST', path, json: object(rng, name) }),
  change: (_, name) => relabel(path, name),
});

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const workload = { replicas: 2, selector: { matchLabels: { app: 'x' } }, template };
const named =
  (rest: JsonObject) =>
  (_: Rng, name: string): JsonObject => ({ metadata: { name }, ...structuredClone(rest) });

const classNames = ['gold', 'silver'];
const ofStorageClass = (name: string, what: string) => `${name}.storageclass.storage.k8s.io/${what}`;
const ofDeviceClass = (name: string) => `${name}.deviceclass.resource.k8s.io/devices`;

const pods: Sort = {
  path: `${core}/pods`,
  hard: {
    ...numbered(['pods', 'count/pods'], few),
    ...numbered(['cpu', 'requests.cpu', 'limits.cpu'], cpus),
    ...numbered(
      [
        'memory',
        'requests.memory',
        'limits.memory',
        'ephemeral-storage',
        'requests.ephemeral-storage',
        'limits.ephemeral-storage',
      ],
      bytes,
    ),
    ...numbered(['hugepages-2Mi', 'requests.hugepages-2Mi'], ['2Mi', '4Mi', '64Mi']),
    ...numbered(['requests.example.com/gpu', 'requests.example.com/other'], few),
  },
  create: (rng, name) => ({ method: 'POST', path: `${core}/pods`, json: resourcefulPod(rng, name) }),
  change: (rng, name) =>
    rng.pick<() => Step>([
      () => ({
        method: 'PATCH',
        path: `${core}/pods/${name}/resize`,
        headers: strategic,
        json: { spec: { containers: [{ name: rng.pick(['a', 'a', 'b']), resources: resourcesOf(rng, 'resize') }] } },
      }),
      () => ({
        method: 'PATCH',
        path: `${core}/pods/${name}/status`,
        headers: merge,
        json: { status: { phase: rng.pick(['Running', 'Succeeded', 'Failed']) } },
      }),
      () => relabel(`${core}/pods`, name),
      () => ({
        method: 'PATCH',
        path: `${core}/pods/${name}`,
        headers: merge,
        json: { spec: { activeDeadlineSeconds: 5 } },
      }),
      () => ({
        method: 'PATCH',
        path: `${core}/pods/${name}/ephemeralcontainers`,
        headers: strategic,
        json: { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] } },
      }),
    ])(),
};

const serviceSpec = (rng: Rng): JsonObject => ({
  type: rng.pick(['ClusterIP', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'ExternalName']),
  externalName: 'example.com',
  ...(rng.bool(0.3) && { allocateLoadBalancerNodePorts: rng.bool() }),
  ports: [80, 81, 82].slice(0, 1 + rng.int(3)).map((port) => ({ name: `p${port}`, port })),
});
/** Without what does not go with the type. */
function serviceOf(rng: Rng): JsonObject {
  const { type = '', externalName = '', allocateLoadBalancerNodePorts, ...rest } = serviceSpec(rng);
  return {
    type,
    ...rest,
    ...(type === 'ExternalName' && { externalName }),
    ...(type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== undefined && { allocateLoadBalancerNodePorts }),
  };
}

const services: Sort = {
  path: `${core}/services`,
  hard: numbered(['services', 'count/services', 'services.nodeports', 'services.loadbalancers'], few),
  create: (rng, name) => ({
    method: 'POST',
    path: `${core}/services`,
    json: { metadata: { name }, spec: serviceOf(rng) },
  }),
  change: (rng, name) => ({
    method: 'PATCH',
    path: `${core}/services/${name}`,
    headers: merge,
    json: { spec: serviceOf(rng) },
  }),
};

const claimPath = `${core}/persistentvolumeclaims`;
const sizes = ['1Gi', '2Gi', '500Mi', '3G', '10Gi'];
const claims: Sort = {
  path: claimPath,
  hard: {
    ...numbered(
      ['persistentvolumeclaims', 'count/persistentvolumeclaims', ofStorageClass('gold', 'persistentvolumeclaims')],
      few,
    ),
    ...numbered(['requests.storage', ofStorageClass('gold', 'requests.storage')], ['3Gi', '5G', '1Gi']),
  },
  create: (rng, name) => ({
    method: 'POST',
    path: claimPath,
    json: {
      metadata: {
        name,
        ...(rng.bool(0.1) && { annotations: { 'volume.beta.kubernetes.io/storage-class': rng.pick(classNames) } }),
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: rng.pick(sizes) } },
        ...(rng.bool(0.7) && { storageClassName: rng.pick([...classNames, '']) }),
        ...(rng.bool(0.4) && { volumeAttributesClassName: rng.pick(['fast', 'slow']) }),
      },
    },
  }),
  change: (rng, name) =>
    rng.pick<() => Step>([
      () => ({
        method: 'PATCH',
        path: `${claimPath}/${name}`,
        headers: merge,
        json: { spec: { volumeAttributesClassName: rng.pick(['fast', 'slow']) } },
      }),
      () => ({
        method: 'PATCH',
        path: `${claimPath}/${name}/status`,
        headers: merge,
        json: {
          status: {
            phase: 'Bound',
            capacity: { storage: '1Gi' },
            ...(rng.bool() && { allocatedResources: { storage: rng.pick(sizes) } }),
            ...(rng.bool() && { currentVolumeAttributesClassName: rng.pick(['fast', 'slow']) }),
          },
        },
      }),
      () => ({
        method: 'PATCH',
        path: `${claimPath}/${name}`,
        headers: merge,
        json: { spec: { resources: { requests: { storage: rng.pick(sizes) } } } },
      }),
      () => relabel(claimPath, name),
    ])(),
};

const device = (rng: Rng): JsonObject => ({
  deviceClassName: rng.pick(classNames),
  ...rng.pick<JsonObject>([{}, { count: 2 }, { allocationMode: 'All' }, { allocationMode: 'ExactCount', count: 3 }]),
});
const resourceClaims = plain(
  apis('resource.k8s.io/v1', 'resourceclaims'),
  {
    'count/resourceclaims.resource.k8s.io': few,
    [ofDeviceClass('gold')]: ['0', '2', '4', '32'],
    [ofDeviceClass('silver')]: ['1', '33'],
  },
  (rng, name) => ({
    metadata: { name },
    spec: {
      devices: {
        requests: ['r', 's'].slice(0, 1 + rng.int(2)).map((each) => ({
          name: each,
          ...(rng.bool(0.7)
            ? { exactly: { ...device(rng), ...(rng.bool(0.1) && { adminAccess: true }) } }
            : { firstAvailable: ['x', 'y'].map((name) => ({ name, ...device(rng) })) }),
        })),
      },
    },
  }),
);

const sorts: readonly Sort[] = [
  pods,
  pods,
  pods,
  pods,
  services,
  services,
  claims,
  claims,
  resourceClaims,
  plain(`${core}/configmaps`, numbered(['configmaps', 'count/configmaps'], few), named({ data: { a: 'b' } })),
  plain(`${core}/secrets`, numbered(['secrets', 'count/secrets'], few), named({})),
  plain(
    `${core}/replicationcontrollers`,
    numbered(['replicationcontrollers', 'count/replicationcontrollers'], few),
    named({ spec: { replicas: 1, selector: { app: 'x' }, template } }),
  ),
  plain(
    `${core}/resourcequotas`,
    numbered(['resourcequotas', 'count/resourcequotas'], few),
    named({ spec: { hard: { 'count/twins.example.com': '5' } } }),
  ),
  plain(apis('apps/v1', 'deployments'), { 'count/deployments.apps': few }, named({ spec: workload })),
  plain(apis('apps/v1', 'statefulsets'), { 'count/statefulsets.apps': few }, named({ spec: { ...workload } })),
  plain(
    apis('batch/v1', 'jobs'),
    { 'count/jobs.batch': few },
    named({ spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } }),
  ),
  plain(apis('coordination.k8s.io/v1', 'leases'), { 'count/leases.coordination.k8s.io': few }, named({ spec: {} })),
  plain(`${core}/serviceaccounts`, { 'count/serviceaccounts': few }, named({})),
  plain(`${core}/endpoints`, { 'count/endpoints': few, 'count/events': few }, named({})),
];

const expression = (rng: Rng): JsonObject =>
  rng.pick<() => JsonObject>([
    () => {
      const operator = rng.pick(['In', 'NotIn', 'Exists', 'DoesNotExist']);
      return {
        scopeName: 'PriorityClass',
        operator,
        ...(operator.endsWith('In') && {
          values: rng.pick<string[]>([['system-node-critical'], ['system-cluster-critical', 'x'], ['x']]),
        }),
      };
    },
    () => ({ scopeName: rng.pick(['Terminating', 'NotTerminating']), operator: 'Exists' }),
    () => ({ scopeName: rng.pick(['BestEffort', 'NotBestEffort']), operator: 'Exists' }),
    () => ({ scopeName: 'CrossNamespacePodAffinity', operator: 'Exists' }),
  ])();

const claimExpression = (rng: Rng): JsonObject => {
  const operator = rng.pick(['In', 'NotIn', 'Exists', 'DoesNotExist']);
  return {
    scopeName: 'VolumeAttributesClass',
    operator,
    ...(operator.endsWith('In') && { values: rng.pick<string[]>([['fast'], ['fast', 'slow'], ['x']]) }),
  };
};

function scopesFor(rng: Rng, sort: Sort): JsonObject {
  // Now and then what does not go with the names that are limited, which is refused.
  const chosen = rng.bool(0.03) ? rng.pick([pods, claims]) : sort;
  if (chosen === pods && rng.bool(0.5)) {
    if (rng.bool(0.4))
      return {
        scopes: rng.pick<string[]>([
          ['Terminating'],
          ['NotTerminating'],
          ['BestEffort'],
          ['NotBestEffort'],
          ['CrossNamespacePodAffinity'],
          ['PriorityClass'],
          ['Terminating', 'NotBestEffort'],
          ['NotTerminating', 'NotBestEffort'],
          ['Terminating', 'NotTerminating'],
        ]),
      };
    return {
      scopeSelector: {
        matchExpressions: [expression(rng), ...(rng.bool(0.25) ? [expression(rng)] : [])],
      },
      ...(rng.bool(0.1) && { scopes: ['NotTerminating'] }),
    };
  }
  if (chosen === claims && rng.bool(0.4))
    return rng.bool(0.3)
      ? { scopes: ['VolumeAttributesClass'] }
      : { scopeSelector: { matchExpressions: [claimExpression(rng)] } };
  return {};
}

/** What some scopes may not be joined with. */
function hardFor(rng: Rng, sort: Sort, scopes: JsonObject): JsonObject {
  const said = JSON.stringify(scopes);
  const names = Object.keys(sort.hard).filter(
    (name) =>
      rng.bool(0.05) ||
      !/Terminating|BestEffort/.test(said) ||
      (/"BestEffort/.test(said) ? name.includes('pods') : !/count|storage|huge|example/.test(name)),
  );
  const chosen = rng.shuffled(names).slice(0, 1 + rng.int(3));
  return Object.fromEntries(chosen.map((name) => [name, rng.pick(sort.hard[name] ?? ['1'])]));
}

function usedFor(rng: Rng, hard: JsonObject): JsonObject {
  // No less than is there, which is the quota itself where quotas are counted: nobody is taken at their word for that.
  const isOfQuotas = Object.keys(hard).some((name) => name.endsWith('resourcequotas'));
  const amounts = isOfQuotas ? ['1', '2'] : ['0', '0', '0', '0', '1'];
  // Sometimes nobody has counted one of them yet.
  return Object.fromEntries(
    Object.keys(hard).flatMap((name): [string, Json][] => (rng.bool(0.95) ? [[name, rng.pick(amounts)]] : [])),
  );
}

/** Objects of every sort that quotas count, as they fit, exceed, lack what must be said, change and go. */
export const quotas: Scenario = (kind, rng) => {
  if (kind.resource !== 'resourcequotas') return undefined;
  const base = objectOf(kind);
  if (!base) return undefined;
  const sort = rng.pick(sorts);
  const scopes = scopesFor(rng, sort);
  const hard = hardFor(rng, sort, scopes);
  const status = (path: string, hard: JsonObject, used: JsonObject): Step => ({
    method: 'PATCH',
    path: `${path}/status`,
    headers: merge,
    json: { status: { hard, used } },
  });
  // Which of two that have no room is named is chance: the second one always has.
  const wide = Object.fromEntries(
    Object.keys(sort.hard)
      .filter((name) => /^count|^[a-z]+$|class/.test(name) && name !== 'cpu' && name !== 'memory')
      .map((name) => [name, name.endsWith('storage') ? '1Pi' : '1000']),
  );
  const second = `${core}/resourcequotas/second`;
  const counts = `${core}/resourcequotas`;
  const twoQuotas = rng.bool(0.3) && sort.path !== counts;
  const create = (name: string): Step => ({
    ...sort.create(rng, name),
    ...(rng.bool(0.1) && { query: { dryRun: 'All' } }),
  });
  const steps: Step[] = [
    post(kind, { ...base, spec: { hard, ...scopes } }),
    ...(twoQuotas
      ? [
          { method: 'POST', path: counts, json: { metadata: { name: 'second' }, spec: { hard: wide } } } as const,
          status(second, wide, Object.fromEntries(Object.keys(wide).map((name) => [name, '0']))),
        ]
      : []),
    { ...status(itemPath(kind), hard, usedFor(rng, hard)), waitMs: sort.path === counts ? learnsMs : 0 },
    { ...create('p'), waitMs: learnsMs },
    { method: 'GET', path: itemPath(kind) },
    ...['q', 'r', 's'].map(create),
    { method: 'GET', path: itemPath(kind) },
    ...['p', 'q', 'r', 'p'].map((name): Step => sort.change(rng, name)),
    { method: 'GET', path: itemPath(kind) },
    { method: 'DELETE', path: `${sort.path}/${rng.pick(['p', 'q'])}` },
    ...['t', 'u'].map(create),
    { method: 'GET', path: itemPath(kind) },
    // Which of two was charged first is chance, and shows in their versions: without these.
    ...(twoQuotas ? [{ method: 'GET', path: counts, query: { includeObject: 'None' }, headers: table } as const] : []),
  ];
  // Of the same names: what is used of them stands as it was.
  const more = Object.fromEntries(Object.keys(hard).map((name) => [name, rng.pick(sort.hard[name] ?? ['1'])]));
  steps.push(
    { method: 'PATCH', path: itemPath(kind), headers: merge, json: { spec: { hard: more } } },
    { method: 'PATCH', path: `${itemPath(kind)}/status`, headers: merge, json: { status: { hard: more } } },
    { ...create('v'), waitMs: learnsMs },
    ...['w', 'x'].map(create),
    ...['v', 'q'].map((name): Step => sort.change(rng, name)),
    { method: 'GET', path: itemPath(kind) },
  );
  return steps;
};
