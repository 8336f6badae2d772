import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Rng } from '../rng.ts';
import { resourcefulPod, resourcesOf } from './resourceful-pods.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
/** The real server learns of ranges a moment later. */
const learnsMs = 700;
const core = '/api/v1/namespaces/{{ns}}';
const claims = `${core}/persistentvolumeclaims`;

/** By resource, amounts that rise: min, defaultRequest, default and max are taken from them in this order. */
const ladders: Readonly<Record<string, readonly string[]>> = {
  cpu: ['50m', '100m', '0.2', '250m', '500m', '1', '1500m', '2', '4'],
  memory: ['1Mi', '32Mi', '64Mi', '128M', '256Mi', '1Gi', '1.5Gi', '2G', '4Gi'],
  'ephemeral-storage': ['50Mi', '100Mi', '500M', '1Gi', '2Gi', '3Gi'],
  'hugepages-2Mi': ['2Mi', '4Mi', '8Mi', '16Mi'],
  'example.com/gpu': ['1', '2', '3', '4'],
};
const ratios = ['1', '2', '1.5', '4', '1500m'];

function limitOf(rng: Rng, type: string): JsonObject {
  const parts: Record<string, Record<string, Json>> = {};
  const set = (part: string, name: string, amount: string) => {
    parts[part] = { ...parts[part], [name]: amount };
  };
  const names = rng.bool(0.2) ? Object.keys(ladders) : ['cpu', 'memory'];
  for (const name of rng.shuffled(names).slice(0, 1 + rng.int(2))) {
    const ladder = ladders[name] ?? [];
    const single = name.includes('/') || name.startsWith('huge');
    const wanted = ['min', 'defaultRequest', 'default', 'max'].filter(
      (part) => (type === 'Container' || part === 'min' || part === 'max') && rng.bool(0.5),
    );
    const at = wanted.map(() => rng.int(ladder.length)).sort((a, b) => a - b);
    wanted.forEach((part, index) => {
      // What cannot be given twice as much as is asked for has one amount.
      const place = single && part.startsWith('default') ? 0 : (at[index] ?? 0);
      set(part, name, ladder[rng.bool(0.03) ? rng.int(ladder.length) : place] ?? '1');
    });
    if (rng.bool(0.25)) set('maxLimitRequestRatio', name, rng.pick(ratios));
  }
  return { type, ...parts };
}

const claimSizes = ['500Mi', '1Gi', '2G', '3Gi', '10Gi'];
const claimLimit = (rng: Rng): JsonObject => ({
  type: 'PersistentVolumeClaim',
  ...(rng.bool(0.7) && { min: { storage: rng.pick(claimSizes.slice(0, 3)) } }),
  ...(rng.bool(0.7) && { max: { storage: rng.pick(claimSizes.slice(2)) } }),
  ...(rng.bool(0.1) && { default: { storage: '1Gi' } }),
  ...(rng.bool(0.1) && { maxLimitRequestRatio: { storage: '2' } }),
});

const podStep = (rng: Rng, name: string): Step => ({
  method: 'POST',
  path: `${core}/pods`,
  json: resourcefulPod(rng, name),
  ...(rng.bool(0.1) && { query: { dryRun: 'All' } }),
});

const podChange = (rng: Rng, name: string): Step =>
  rng.pick<() => Step>([
    () => ({
      method: 'PATCH',
      path: `${core}/pods/${name}/resize`,
      headers: strategic,
      json: { spec: { containers: [{ name: rng.pick(['a', 'a', 'b']), resources: resourcesOf(rng, 'resize') }] } },
    }),
    () => ({
      method: 'PATCH',
      path: `${core}/pods/${name}/resize`,
      headers: merge,
      json: { spec: { resources: resourcesOf(rng, 'resize') } },
    }),
    () => ({
      method: 'PATCH',
      path: `${core}/pods/${name}/ephemeralcontainers`,
      headers: strategic,
      json: { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] } },
    }),
    () => ({
      method: 'PATCH',
      path: `${core}/pods/${name}`,
      headers: strategic,
      json: { spec: { containers: [{ name: 'a', image: 'new' }] } },
    }),
    () => ({
      method: 'PATCH',
      path: `${core}/pods/${name}`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      query: { fieldManager: 'm', force: 'true' },
      json: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'a', image: 'applied' }] },
      },
    }),
  ])();

const claimStep = (rng: Rng, name: string): Step => ({
  method: 'POST',
  path: claims,
  json: {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'x',
      resources: {
        requests: { storage: rng.pick(claimSizes) },
        ...(rng.bool(0.2) && { limits: { storage: rng.pick(claimSizes) } }),
      },
    },
  },
});

const claimChange = (rng: Rng, name: string): Step =>
  rng.pick<() => Step>([
    () => ({ method: 'PATCH', path: `${claims}/${name}`, headers: merge, json: { metadata: { labels: { l: 'x' } } } }),
    () => ({
      method: 'PATCH',
      path: `${claims}/${name}/status`,
      headers: merge,
      json: { status: { phase: 'Bound', capacity: { storage: '1Gi' } } },
    }),
    () => ({
      method: 'PATCH',
      path: `${claims}/${name}`,
      headers: merge,
      json: { spec: { resources: { requests: { storage: rng.pick(claimSizes) } } } },
    }),
  ])();

/** Pods and claims within limit ranges, and out of them. */
export const limitRanges: Scenario = (kind, rng) => {
  if (kind.resource !== 'limitranges') return undefined;
  const base = objectOf(kind);
  if (!base) return undefined;
  const spec = (): JsonObject => {
    const types = rng.pick<string[]>([
      ['Container'],
      ['Container'],
      ['Pod'],
      ['Container', 'Pod'],
      ['Pod', 'Container'],
    ]);
    const limits = types.map((type) => limitOf(rng, type));
    return {
      limits: rng.shuffled([
        ...limits,
        ...(rng.bool(0.5) ? [claimLimit(rng)] : []),
        ...(rng.bool(0.04) ? [{ type: 'example.com/other', min: { cpu: '1' } }] : []),
      ]),
    };
  };
  const ofClaims = rng.bool(0.25);
  const create = ofClaims ? claimStep : podStep;
  const change = ofClaims ? claimChange : podChange;
  const ofThis: Step[] = ofClaims
    ? [
        {
          method: 'PUT',
          path: itemPath(kind),
          from: { step: 'made', merge: { metadata: { resourceVersion: null }, spec: { limits: [claimLimit(rng)] } } },
        },
      ]
    : [];
  const steps: readonly Step[] = [
    // Made before there was a range.
    create(rng, 'early'),
    post(kind, { ...base, spec: spec() }),
    ...ofThis,
    // Which of two is asked first is chance: the second is about what the first is not.
    ...(rng.bool(0.3)
      ? [
          {
            method: 'POST' as const,
            path: `${core}/limitranges`,
            json: {
              metadata: { name: 'second' },
              spec: { limits: [ofClaims ? limitOf(rng, 'Pod') : claimLimit(rng)] },
            },
          },
        ]
      : []),
    { ...create(rng, 'p'), waitMs: learnsMs },
    ...['q', 'r', 's', 't', 'u', 'v'].map((name) => create(rng, name)),
    ...['early', 'p', 'q', 'r', 's'].map((name) => change(rng, name)),
    {
      method: 'PUT',
      path: itemPath(kind),
      from: { step: 'made', merge: { metadata: { resourceVersion: null }, spec: spec() } },
    },
    { ...create(rng, 'w'), waitMs: learnsMs },
    ...['x', 'y'].map((name) => create(rng, name)),
    ...['p', 'w', 'x'].map((name) => change(rng, name)),
    { method: 'DELETE', path: itemPath(kind) },
  ];
  return steps;
};
