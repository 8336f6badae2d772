import { nameOf, objectOf, severalNames } from '../bases.ts';
import type { Step, TwinCase } from '../case.ts';
import type { JsonObject } from '../json.ts';
import { collection, type Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';

/** Makes one case of a kind, or none where the scenario does not fit it. */
export type Scenario = (kind: Kind, rng: Rng) => readonly Step[] | undefined;

export const post = (kind: Kind, json: JsonObject, more: Partial<Step> = {}): Step => ({
  id: 'made',
  method: 'POST',
  path: collection(kind),
  json,
  ...more,
});
export const itemPath = (kind: Kind, suffix = 'a') => `${collection(kind)}/${nameOf(kind, suffix)}`;

/** The minimal object: made, read, listed, made again, deleted. */
export const minimal: Scenario = (kind) => {
  const object = objectOf(kind);
  if (!object || !kind.verbs.includes('create')) return undefined;
  const steps: Step[] = [post(kind, object)];
  if (!kind.verbs.includes('get')) return steps;
  const item = itemPath(kind);
  steps.push(
    { method: 'GET', path: item },
    { method: 'GET', path: collection(kind), query: { labelSelector: 'twin={{id}}' } },
    post(kind, object, { id: 'again' }),
    { method: 'PUT', path: item, from: { step: 'made', merge: {} } },
    { method: 'PUT', path: item, from: { step: 'made', merge: { metadata: { labels: { more: 'x' } } } } },
    { method: 'PUT', path: item, from: { step: 'made', merge: { metadata: { labels: { more: 'stale' } } } } },
    { method: 'DELETE', path: item },
    { method: 'GET', path: item },
    { method: 'DELETE', path: item },
  );
  return steps;
};

const accepts = [
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json',
  'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json',
  'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
  'application/vnd.kubernetes.protobuf,application/json',
  'text/html,application/xhtml+xml,*/*;q=0.8',
  '*/*',
  'application/*',
  'text/plain',
  'application/json;stream=watch',
  'application/json;as=Table;v=v2;g=meta.k8s.io',
  'application/cbor',
  '',
];

/** The same object in every form that a client may ask for. */
export const forms: Scenario = (kind, rng) => {
  const object = objectOf(kind);
  if (!object || !kind.verbs.includes('get')) return undefined;
  const steps: Step[] = [post(kind, object)];
  for (const accept of rng.shuffled(accepts).slice(0, 6)) {
    const list = rng.bool();
    steps.push({
      method: 'GET',
      path: list ? collection(kind) : itemPath(kind),
      headers: { accept },
      ...(list && { query: { labelSelector: 'twin={{id}}' } }),
    });
  }
  return steps;
};

/** A watch around writes. */
export const watch: Scenario = (kind, rng) => {
  const [a, b] = [objectOf(kind), objectOf(kind, 'b', { labels: { twin: '{{id}}', tier: 'b' } })];
  if (!a || !b || !kind.verbs.includes('watch')) return undefined;
  const several = severalNames(kind);
  const labelSelector = rng.pick([
    'twin={{id}}',
    'twin={{id}},tier=b',
    'twin={{id}},tier!=b',
    'twin={{id}},tier in (b,c)',
  ]);
  const start: Record<string, string>[] = [
    {},
    { resourceVersion: '0' },
    { resourceVersion: '{{made:metadata.resourceVersion}}' },
    { resourceVersion: '{{made:metadata.resourceVersion}}', allowWatchBookmarks: 'true' },
    { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' },
    { sendInitialEvents: 'true', allowWatchBookmarks: 'true' },
    { sendInitialEvents: 'false', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' },
  ];
  const accept = rng.pick([
    'application/json',
    'application/json',
    'application/json;as=Table;v=v1;g=meta.k8s.io',
    'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    'application/vnd.kubernetes.protobuf;stream=watch',
    'application/yaml',
  ]);
  const steps: Step[] = [
    post(kind, a),
    {
      method: 'GET',
      path: rng.bool(0.8) ? collection(kind) : itemPath(kind),
      query: { watch: rng.pick(['1', 'true']), labelSelector, ...rng.pick(start) },
      headers: { accept },
      watch: true,
    },
  ];
  if (several) steps.push(post(kind, b, { id: 'b' }));
  const labels = rng.pick<JsonObject>([{ tier: 'b' }, { other: 'x' }]);
  steps.push(
    {
      method: 'PATCH',
      path: itemPath(kind),
      headers: { 'content-type': 'application/merge-patch+json' },
      json: { metadata: { labels } },
    },
    {
      method: 'PATCH',
      path: itemPath(kind),
      headers: { 'content-type': 'application/merge-patch+json' },
      json: { metadata: { labels: { tier: null } } },
    },
    { method: 'DELETE', path: itemPath(kind) },
  );
  if (several) steps.push({ method: 'DELETE', path: collection(kind), query: { labelSelector: 'twin={{id}}' } });
  return steps;
};

export const caseOf = (kind: Kind, scenario: string, steps: readonly Step[]): TwinCase => ({
  kind: kind.id,
  scenario,
  steps,
  namespaced: kind.namespaced,
  ...(!kind.namespaced &&
    kind.verbs.includes('delete') && {
      after: [
        {
          method: 'PATCH' as const,
          path: itemPath(kind),
          headers: { 'content-type': 'application/merge-patch+json' },
          json: { metadata: { finalizers: null } },
        },
        { method: 'DELETE' as const, path: itemPath(kind), query: { gracePeriodSeconds: '0' } },
        ...(kind.verbs.includes('deletecollection')
          ? [
              {
                method: 'DELETE' as const,
                path: collection(kind),
                query: { labelSelector: 'twin={{id}}', gracePeriodSeconds: '0' },
              },
            ]
          : []),
      ],
    }),
});
