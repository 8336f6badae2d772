import type { Json, JsonObject } from '../json.ts';
import type { Rng } from '../rng.ts';

const amounts: Readonly<Record<string, readonly (readonly [request: string, limit: string])[]>> = {
  cpu: [
    ['100m', '200m'],
    ['0.5', '500m'],
    ['250m', '1'],
    ['1', '2'],
    ['1500m', '3'],
    ['0', '100m'],
  ],
  memory: [
    ['64Mi', '64Mi'],
    ['128M', '256Mi'],
    ['1Gi', '2Gi'],
    ['1073741824', '1.5Gi'],
    ['0', '1Mi'],
  ],
  'ephemeral-storage': [
    ['1Gi', '2Gi'],
    ['100Mi', '100Mi'],
  ],
  'hugepages-2Mi': [
    ['2Mi', '2Mi'],
    ['4Mi', '4Mi'],
  ],
  'example.com/gpu': [
    ['1', '1'],
    ['2', '2'],
  ],
};

/** Where the amounts stand. */
export type Where = 'container' | 'pod' | 'resize';
const chances: Readonly<Record<Where, Readonly<Record<string, number>>>> = {
  container: { cpu: 0.7, memory: 0.5, 'ephemeral-storage': 0.15, 'hugepages-2Mi': 0.1, 'example.com/gpu': 0.15 },
  pod: { cpu: 0.6, memory: 0.4, 'hugepages-2Mi': 0.1 },
  resize: { cpu: 0.8, memory: 0.6 },
};

/** Requests and limits, each given or not; valid mostly. */
export function resourcesOf(rng: Rng, where: Where): JsonObject {
  const requests: JsonObject = {};
  const limits: JsonObject = {};
  for (const [name, chance] of Object.entries(chances[where])) {
    if (!rng.bool(chance)) continue;
    const [request, limit] = rng.pick(amounts[name] ?? [['1', '1']]);
    // These want to be said twice and alike.
    const both = name.includes('/') || name.startsWith('hugepages');
    const given = rng.pick(both ? ['both', 'limit'] : ['both', 'both', 'request', 'limit']);
    if (given !== 'limit') requests[name] = request;
    if (given !== 'request') limits[name] = limit;
  }
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

const affinities: readonly Json[] = [
  {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', labelSelector: {}, namespaces: ['other'] }],
    },
  },
  {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { topologyKey: 'k', labelSelector: {}, namespaceSelector: {} } },
      ],
    },
  },
  { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', labelSelector: {} }] } },
];

function container(rng: Rng, name: string, sidecar: boolean): JsonObject {
  const resources = rng.bool(0.85) ? resourcesOf(rng, 'container') : {};
  return {
    name,
    image: 'example.com/image:1',
    ...(Object.keys(resources).length > 0 && { resources }),
    ...(sidecar && { restartPolicy: 'Always' }),
    ...(!sidecar && rng.bool(0.1) && { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] }),
  };
}

/** A pod with amounts of all sorts in containers of all sorts, and what the scopes of quotas look at. */
export function resourcefulPod(rng: Rng, name: string): JsonObject {
  const spec: JsonObject = {
    containers: ['a', 'b'].slice(0, 1 + rng.int(2)).map((each) => container(rng, each, false)),
    ...(rng.bool(0.35) && {
      initContainers: ['i', 'j', 'k'].slice(0, 1 + rng.int(3)).map((each) => container(rng, each, rng.bool(0.4))),
    }),
    ...(rng.bool(0.2) && { resources: resourcesOf(rng, 'pod') }),
    ...(rng.bool(0.25) && { priorityClassName: rng.pick(['system-node-critical', 'system-cluster-critical']) }),
    ...(rng.bool(0.25) && { activeDeadlineSeconds: rng.pick([1, 100]) }),
    ...(rng.bool(0.15) && { affinity: structuredClone(rng.pick(affinities)) }),
    ...(rng.bool(0.1) && { overhead: { cpu: '50m' } }),
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
}
