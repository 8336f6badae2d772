import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject, merged } from '../json.ts';
import type { Rng } from '../rng.ts';
import { customFields, customSchema, customSpec } from './custom-fields.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const group = '{{id}}.example.com';
const versionNames = ['v1', 'v1beta1', 'v2'] as const;
const collectionIn = (version: string) => `/apis/${group}/${version}/things`;
const merge = { 'content-type': 'application/merge-patch+json' };
const json6902 = { 'content-type': 'application/json-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const some = (rng: Rng, odds: number, value: JsonObject): JsonObject => (rng.bool(odds) ? value : {});

const columns: readonly JsonObject[] = [
  { name: 'Tier', type: 'string', jsonPath: '.spec.tier' },
  { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
  { name: 'Born', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Text', type: 'string', jsonPath: '.spec.text', description: 'a text' },
  { name: 'Number', type: 'number', jsonPath: '.spec.number', format: 'float' },
  { name: 'Flag', type: 'boolean', jsonPath: '.spec.flag' },
  { name: 'Names', type: 'string', jsonPath: '.spec.ports[*].name' },
  { name: 'First', type: 'string', jsonPath: '.spec.ports[?(@.name=="a")].proto' },
  { name: 'Whole', type: 'string', jsonPath: '.spec.nested' },
  { name: 'When', type: 'date', jsonPath: '.spec.text' },
  { name: 'Either', type: 'integer', jsonPath: '.spec.either' },
];

/** Which versions there are, in what form, and which of them is stored. */
function versionsOf(rng: Rng, names: readonly string[], word: string, stored: string): JsonObject[] {
  const shared = customSchema(rng, names, word);
  return versionNames.map((name) => ({
    name,
    served: name === stored || rng.bool(0.85),
    storage: name === stored,
    schema: { openAPIV3Schema: rng.bool() ? shared : customSchema(rng, names, word) },
    subresources: {
      ...some(rng, 0.8, { status: {} }),
      ...some(rng, 0.7, {
        scale: {
          specReplicasPath: '.spec.replicas',
          statusReplicasPath: '.status.replicas',
          ...some(rng, 0.5, { labelSelectorPath: '.status.selector' }),
        },
      }),
    },
    ...some(rng, 0.5, { additionalPrinterColumns: rng.shuffled(columns).slice(0, 1 + rng.int(4)) }),
    ...some(rng, 0.5, {
      selectableFields: [{ jsonPath: '.spec.tier' }, ...(rng.bool() ? [{ jsonPath: '.spec.replicas' }] : [])],
    }),
    ...some(rng, 0.3, { deprecated: true, ...some(rng, 0.5, { deprecationWarning: `${name} goes` }) }),
  }));
}

const thing = (version: string, name: string, rest: JsonObject): JsonObject => ({
  apiVersion: `${group}/${version}`,
  kind: 'Thing',
  metadata: { name },
  ...rest,
});

const inForce = (version: string, word: string): Step => ({
  method: 'POST',
  path: collectionIn(version),
  query: { dryRun: 'All' },
  json: thing(version, 'probe', { probe: 'which?' }),
  until: `\\"${word}\\"`,
});

/** Types of several versions: written in one, read in others, while what is served and stored of them changes. */
export const versionsOfCustomTypes: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (kind.resource !== 'customresourcedefinitions' || !base) return undefined;
  const names = rng.shuffled(Object.keys(customFields)).slice(0, 4);
  const stored = rng.pick(versionNames);
  const definition = merged(base, {
    spec: {
      scope: 'Cluster',
      versions: versionsOf(rng, names, 'first', stored),
      names: {
        ...some(rng, 0.5, { shortNames: ['th', 'tg'] }),
        ...some(rng, 0.5, { categories: ['all', 'twins'] }),
        ...some(rng, 0.3, { singular: 'thingy' }),
        ...some(rng, 0.3, { listKind: 'Things' }),
      },
      ...some(rng, 0.3, { conversion: { strategy: 'None' } }),
    },
  });
  if (!isObject(definition)) return undefined;
  const version = () => rng.pick(versionNames);
  const write = (): Step => {
    const v = version();
    const name = rng.pick(['a', 'a', 'b', 'c']);
    const path = `${collectionIn(v)}/${name}`;
    const spec = customSpec(rng, names);
    const strict = rng.bool(0.3) ? { query: { fieldValidation: rng.pick(['Strict', 'Ignore']) } } : {};
    return rng.pick<() => Step>([
      () => ({ method: 'POST', path: collectionIn(v), json: thing(v, name, { spec }), ...strict }),
      () => ({ method: 'PATCH', path, headers: merge, json: { spec }, ...strict }),
      () => ({ method: 'PATCH', path, headers: merge, json: { spec }, ...strict }),
      () => ({
        method: 'PATCH',
        path,
        headers: json6902,
        json: Object.entries(spec).map(([field, value]) => ({ op: 'add', path: `/spec/${field}`, value })),
      }),
      () => ({
        method: 'PATCH',
        path,
        headers: apply,
        query: { fieldManager: rng.pick(['one', 'two']), ...(rng.bool(0.5) && { force: 'true' }), ...strict.query },
        json: thing(v, name, { spec }),
      }),
      () => ({
        method: 'PATCH',
        path: `${path}/status`,
        headers: merge,
        json: { status: { replicas: rng.int(4), selector: rng.pick(['a=b', 'a in', '']) } },
      }),
      () => ({ method: 'PATCH', path: `${path}/scale`, headers: merge, json: { spec: { replicas: rng.int(5) } } }),
      () => ({ method: 'GET', path: `${path}/scale` }),
      () => ({ method: 'DELETE', path }),
    ])();
  };
  const read = (): Step => {
    const path = collectionIn(version());
    return rng.pick<() => Step>([
      () => ({ method: 'GET', path }),
      () => ({ method: 'GET', path: `${path}/a` }),
      () => ({ method: 'GET', path, headers: table }),
      () => ({
        method: 'GET',
        path: `${path}/a`,
        headers: table,
        query: { includeObject: rng.pick(['None', 'Object', 'Metadata']) },
      }),
      () => ({
        method: 'GET',
        path,
        query: {
          fieldSelector: rng.pick([
            'spec.tier=front',
            'spec.tier!=front',
            'spec.replicas=3',
            'spec.text=a',
            'metadata.name=a',
            'spec.tier=front,metadata.name!=a',
          ]),
        },
      }),
    ])();
  };
  const mixed = (count: number): Step[] => Array.from({ length: count }, () => (rng.bool(0.7) ? write() : read()));
  const next = rng.pick(versionNames);
  const steps: Step[] = [
    post(kind, definition),
    inForce(stored, 'first'),
    { method: 'GET', path: `/apis/${group}/${stored}`, until: 'things' },
    { method: 'GET', path: `/apis/${group}`, until: stored },
    { method: 'POST', path: collectionIn(stored), json: thing(stored, 'a', { spec: customSpec(rng, names) }) },
    { method: 'POST', path: collectionIn(stored), json: thing(stored, 'd', { spec: { tier: 'front' } }) },
    ...mixed(8),
    {
      method: 'PATCH',
      path: itemPath(kind),
      headers: merge,
      json: { spec: { versions: versionsOf(rng, names, 'second', next) } },
    },
    inForce(next, 'second'),
    ...mixed(9),
    ...afterwards(rng, itemPath(kind), next),
    { method: 'GET', path: itemPath(kind) },
  ];
  if (rng.bool(0.6))
    steps.push(
      {
        method: 'PATCH',
        path: `${collectionIn(next)}/d`,
        headers: merge,
        json: { metadata: { finalizers: ['x.example.com/y'] } },
      },
      ...(rng.bool() ? [{ method: 'DELETE', path: collectionIn(next) } as const] : []),
      { method: 'PATCH', path: `${collectionIn(next)}/d`, headers: merge, json: { metadata: { finalizers: null } } },
      { method: 'DELETE', path: itemPath(kind) },
      // The real server takes its time to let go.
      { method: 'GET', path: itemPath(kind), until: 'not found' },
      { method: 'GET', path: collectionIn(next), until: 'not found' },
    );
  return steps;
};

/** What else becomes of a type: its stored versions trimmed, others that want its names, changes that it may not have. */
function afterwards(rng: Rng, item: string, stored: string): Step[] {
  const other = (names: JsonObject): JsonObject => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `others.${group}`, labels: { twin: '{{id}}' } },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural: 'others', kind: 'Other', ...names },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  });
  const definitions = item.slice(0, item.lastIndexOf('/'));
  const conflicting = rng.pick<JsonObject>([
    { kind: 'Thing' },
    { singular: 'thing' },
    { shortNames: ['th'] },
    { listKind: 'ThingList' },
    { singular: 'things' },
    { shortNames: ['others', 'th', 'ok'] },
  ]);
  return rng.pick<() => Step[]>([
    () => [],
    () => [{ method: 'PATCH', path: item, headers: json6902, json: [{ op: 'remove', path: '/spec/versions/1' }] }],
    () => [
      {
        method: 'PATCH',
        path: `${item}/status`,
        headers: merge,
        json: { status: { storedVersions: rng.pick<Json>([[stored], ['v1'], [], ['v1', 'v1'], ['none'], null]) } },
      },
    ],
    () => [
      { method: 'POST', path: definitions, json: other(conflicting) },
      { method: 'GET', path: `${definitions}/others.${group}` },
      { method: 'GET', path: `/apis/${group}/v1/others` },
      { method: 'DELETE', path: `${definitions}/others.${group}` },
    ],
    () => [
      {
        method: 'PATCH',
        path: item,
        headers: merge,
        json: rng.pick<JsonObject>([
          { spec: { scope: 'Namespaced' } },
          { spec: { group: 'x.example.com' } },
          { spec: { names: { plural: 'other' } } },
          { spec: { names: { kind: 'Other' } } },
          { spec: { names: { shortNames: ['tt'], categories: null } } },
          { spec: { preserveUnknownFields: true } },
          { spec: { conversion: { strategy: 'Webhook' } } },
          { spec: { versions: [] } },
        ]),
      },
      { method: 'GET', path: item },
    ],
  ])();
}
