import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { type JsonObject, merged } from '../json.ts';
import type { Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { type JudgedPod, judgedEphemeral, judgedPod } from './judged-pods.ts';
import { patchAt } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };
/** The real server learns of labels a moment later. */
const learnsMs = 700;

const levels = ['restricted', 'restricted', 'baseline', 'baseline', 'privileged'];
const oddVersions = ['v1', '1.20', 'V1.2', 'v1.x', 'v2.0', 'v1.999', 'v1.05', 'v01.2', '', 'Latest', 'v1.36', 'v1.1.0'];

/** Labels of a namespace: levels, each as of some version, and now and then one that nobody can read. */
function labelsOf(rng: Rng, odd: number): JsonObject {
  const labels: JsonObject = {};
  for (const mode of ['enforce', 'audit', 'warn']) {
    if (rng.bool(0.7))
      labels[`pod-security.kubernetes.io/${mode}`] = rng.bool(odd)
        ? rng.pick(['Restricted', 'none', '', 'baseline.'.slice(0, 7)])
        : rng.pick(levels);
    if (rng.bool(0.6))
      labels[`pod-security.kubernetes.io/${mode}-version`] = rng.bool(odd)
        ? rng.pick(oddVersions)
        : rng.pick(['latest', `v1.${rng.int(36)}`]);
  }
  return labels;
}

const labelNames = ['enforce', 'audit', 'warn'].flatMap((mode) => [mode, `${mode}-version`]);

/** Other labels in the place of those that are there. */
const relabelled = (rng: Rng, odd: number): JsonObject => ({
  ...Object.fromEntries(labelNames.map((each) => [`pod-security.kubernetes.io/${each}`, null])),
  ...labelsOf(rng, odd),
});

const podObject = (name: string, { annotations, spec }: JudgedPod): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, annotations },
  spec,
});

const dryRun = (rng: Rng) => (rng.bool(0.2) ? { query: { dryRun: 'All' } } : {});

/** A pod that is there is changed in every way that may be judged again. */
function changeOf(rng: Rng, pods: string, name: string): Step {
  const path = `${pods}/${name}`;
  return rng.pick<() => Step>([
    () => ({
      method: 'PATCH',
      path,
      headers: strategic,
      json: { spec: { containers: [{ name: 'a', image: 'new' }] } },
    }),
    () => ({ method: 'PATCH', path, headers: merge, json: { metadata: { labels: { l: 'x' } } } }),
    () => ({
      method: 'PATCH',
      path,
      headers: merge,
      json: {
        metadata: { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': rng.pick(['unconfined', 'x', null]) } },
      },
    }),
    () => ({
      method: 'PATCH',
      path: `${path}/ephemeralcontainers`,
      headers: strategic,
      json: { spec: { ephemeralContainers: [judgedEphemeral(rng, rng.pick(['e', 'f']))] } },
      ...dryRun(rng),
    }),
    () => ({
      method: 'PATCH',
      path: `${path}/resize`,
      headers: strategic,
      json: { spec: { containers: [{ name: 'a', resources: { requests: { cpu: '100m' } } }] } },
    }),
    () => ({ method: 'PATCH', path: `${path}/status`, headers: merge, json: { status: { phase: 'Running' } } }),
    () => ({
      method: 'PATCH',
      path,
      headers: merge,
      json: { spec: { activeDeadlineSeconds: 1 + rng.int(99) }, metadata: { finalizers: ['example.com/f'] } },
    }),
    () => ({
      method: 'PATCH',
      path,
      headers: apply,
      query: { fieldManager: 'm', force: 'true' },
      json: podObject(name, { annotations: {}, spec: { containers: [{ name: 'a', image: 'applied' }] } }),
    }),
    () => ({ method: 'POST', path: `${path}/binding`, json: { metadata: { name }, target: { name: 'n' } } }),
  ])();
}

const someone = (rng: Rng): Pick<Step, 'headers'> =>
  rng.bool(0.1) ? { headers: { 'impersonate-user': 'somebody', 'impersonate-group': 'system:masters' } } : {};

function podSteps(rng: Rng, namespace: string, odd: number): Step[] {
  const pods = `${namespace}/pods`;
  const create = (name: string): Step => ({
    method: 'POST',
    path: pods,
    json: podObject(name, judgedPod(rng)),
    ...dryRun(rng),
    ...someone(rng),
  });
  const label = (): Step => ({
    method: 'PATCH',
    path: namespace,
    headers: merge,
    json: { metadata: { labels: relabelled(rng, odd) } },
    ...dryRun(rng),
  });
  return [
    // Before anything is asked for, for what is there when levels rise.
    create('early'),
    { ...create('early-2'), query: {} },
    label(),
    { ...create('p'), waitMs: learnsMs },
    ...['q', 'r', 's', 't'].map(create),
    ...['early', 'early-2', 'p', 'q'].map((name) => changeOf(rng, pods, name)),
    label(),
    label(),
    { ...create('u'), waitMs: learnsMs },
    ...['v', 'w', 'x'].map(create),
    ...['early', 'u', 'v'].map((name) => changeOf(rng, pods, name)),
    { method: 'GET', path: namespace },
  ];
}

/** Where a kind holds the template of its pods. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  podtemplates: ['template'],
  replicationcontrollers: ['spec', 'template'],
  'replicasets.apps': ['spec', 'template'],
  'deployments.apps': ['spec', 'template'],
  'statefulsets.apps': ['spec', 'template'],
  'daemonsets.apps': ['spec', 'template'],
  'jobs.batch': ['spec', 'template'],
  'cronjobs.batch': ['spec', 'jobTemplate', 'spec', 'template'],
};

function templateSteps(kind: Kind, rng: Rng, namespace: string): Step[] | undefined {
  const path = templatePaths[kind.id.split('/')[0] ?? ''];
  if (!path) return undefined;
  const isJob = kind.group === 'batch';
  const template = (): JsonObject => {
    const { annotations, spec } = judgedPod(rng);
    return patchAt(path, {
      metadata: { labels: { app: 'x' }, annotations },
      spec: { ...spec, ...(isJob && { restartPolicy: 'Never' }) },
    });
  };
  const create = (suffix: string, more: Partial<Step> = {}): Step[] => {
    const object = merged(objectOf(kind, suffix) ?? {}, template());
    return [post(kind, object as JsonObject, { id: suffix, ...dryRun(rng), ...more })];
  };
  const label = (): Step => ({
    method: 'PATCH',
    path: namespace,
    headers: merge,
    json: { metadata: { labels: relabelled(rng, 0.02) } },
  });
  const change = (suffix: string): Step =>
    rng.pick<() => Step>([
      () => ({ method: 'PATCH', path: itemPath(kind, suffix), headers: merge, json: template() }),
      () => ({
        method: 'PATCH',
        path: itemPath(kind, suffix),
        headers: merge,
        json: { metadata: { annotations: { a: 'b' } } },
        ...dryRun(rng),
      }),
      () => ({ method: 'PATCH', path: `${itemPath(kind, suffix)}/status`, headers: merge, json: { status: {} } }),
      () => ({
        method: 'PATCH',
        path: `${itemPath(kind, suffix)}/scale`,
        headers: merge,
        json: { spec: { replicas: 2 } },
      }),
    ])();
  return [
    label(),
    ...create('a', { waitMs: learnsMs }),
    ...['b', 'c', 'd', 'e'].flatMap((suffix) => create(suffix)),
    ...['a', 'b', 'c', 'd'].map(change),
    label(),
    { ...change('a'), waitMs: learnsMs },
    change('b'),
    change('e'),
    ...create('f'),
  ];
}

/** Pods, templates of pods and namespaces under every level of Pod Security as of every version. */
export const podSecurity: Scenario = (kind, rng) => {
  const own = '/api/v1/namespaces/{{ns}}';
  if (kind.resource === 'pods' && kind.group === '') return podSteps(rng, own, 0.05);
  if (kind.resource === 'namespaces') {
    const base = objectOf(kind);
    if (!base) return undefined;
    const labels = labelsOf(rng, 0.2);
    const item = itemPath(kind);
    return [
      post(kind, merged(base, { metadata: { labels } }) as JsonObject),
      ...podSteps(rng, item, 0.25).map((step): Step => ({ waitMs: step.method === 'POST' ? 150 : 0, ...step })),
      { method: 'PUT', path: item, from: { step: 'made', merge: { metadata: { resourceVersion: null } } } },
      { method: 'PATCH', path: `${item}/status`, headers: merge, json: { metadata: { labels: relabelled(rng, 0.2) } } },
      {
        method: 'PUT',
        path: `${item}/finalize`,
        from: { step: 'made', merge: { metadata: { resourceVersion: null } } },
      },
    ];
  }
  return templateSteps(kind, rng, own);
};
