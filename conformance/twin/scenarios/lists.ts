import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { type Path, withValue } from '../values.ts';
import { keysOf, someItem, somePlace } from './list-places.ts';
import { patchAt } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

const without = (item: Json, name: string | undefined): Json =>
  isObject(item) ? Object.fromEntries(Object.entries(item).filter(([each]) => each !== name)) : item;

/** A list of the kind with elements twice, without their keys, empty, or none at all; and where it is. */
function someList(kind: Kind, rng: Rng, object: JsonObject): { readonly path: Path; readonly value: Json } | undefined {
  const place = somePlace(kind, rng, object, 'lists');
  if (!place) return undefined;
  const item = someItem(place, rng, object);
  const [other, third] = [someItem(place, rng, object), someItem(place, rng, object)];
  const key = rng.pick([...keysOf(place), 'name']);
  const isScalar = !isObject(item);
  const value = rng.pick<() => Json>([
    () => [item],
    () => [item, other],
    () => [other, item],
    () => [item, item],
    () => [item, other, item],
    () => [item, other, third, item, other],
    () => [],
    () => null,
    () => [null],
    () => [item, null],
    () => [isScalar ? [] : {}],
    () => [without(item, key)],
    () => [without(item, key), without(item, key)],
    () => [isObject(item) ? { ...item, [key]: null } : ''],
    () => [isObject(item) ? { ...item, [key]: {} } : {}],
    () => [isObject(item) ? { ...item, [key]: 5 } : 5],
    () => ({}),
    () => 'x',
  ])();
  return { path: place.path, value };
}

const owner = (uid: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: 'o',
  uid,
  ...more,
});
const [one, two] = ['11111111-2222-3333-4444-555555555555', '66666666-7777-8888-9999-000000000000'];

/** What `metadata` has of lists: owners and finalizers, twice and otherwise. */
const metadataLists = (rng: Rng): JsonObject =>
  rng.pick<JsonObject>([
    { ownerReferences: [owner(one), owner(one)] },
    { ownerReferences: [owner(one), owner(two), owner(one)] },
    { ownerReferences: [owner(one), owner(one, { controller: true })] },
    { ownerReferences: [owner(one, { blockOwnerDeletion: false }), owner(one)] },
    { ownerReferences: [owner(one, { name: 'p' }), owner(one)] },
    { ownerReferences: [owner(one), owner(two)] },
    { ownerReferences: [owner(two)] },
    { ownerReferences: [] },
    { ownerReferences: null },
    { ownerReferences: [{ uid: one }] },
    { ownerReferences: [without(owner(one), 'uid')] },
    { finalizers: ['example.com/a', 'example.com/a'] },
    { finalizers: ['example.com/b', 'example.com/a'] },
    { finalizers: [] },
    { finalizers: null },
    { finalizers: [null] },
    { finalizers: [''] },
    { labels: {} },
    { labels: null },
    { labels: { twin: '{{id}}', n: null } },
    { annotations: {} },
    { annotations: { a: null } },
    { annotations: null },
  ]);

/** Lists of every kind: elements twice, without keys, `null`, `[]`; by apply, update and patch. */
export const lists: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const path = itemPath(kind);
  const { apiVersion = '', kind: kindName = '', metadata } = base;
  const bare: JsonObject = { apiVersion, kind: kindName };
  const named = isObject(metadata) ? metadata : {};
  const made = rng.bool() ? base : changed();
  function changed(from: JsonObject = base ?? {}): JsonObject {
    const list = someList(kind, rng, base ?? {});
    return list ? withValue(from, kind.definition, list.path, list.value) : from;
  }
  const applied = (fieldManager: string, json: JsonObject): Step => ({
    method: 'PATCH',
    path,
    headers: apply,
    query: { fieldManager, ...(rng.bool(0.4) && { force: 'true' }), ...(rng.bool(0.15) && { dryRun: 'All' }) },
    json,
  });
  const steps: Step[] = [
    rng.bool(0.4) ? { ...applied('one', made), id: 'made' } : post(kind, made),
    post(kind, base, { id: 'again' }),
  ];
  for (let i = 0; i < 6; i++) {
    const list = someList(kind, rng, base);
    const also = metadataLists(rng);
    steps.push(
      rng.pick<() => Step>([
        () => applied('one', changed()),
        () => applied(rng.pick(['one', 'two']), changed()),
        () => applied('two', changed(bare)),
        () => applied('one', { ...base, metadata: { ...named, ...also } }),
        () => applied('two', { ...bare, metadata: also }),
        () => ({ method: 'PUT', path, json: changed() }),
        () => ({ method: 'PUT', path, json: { ...base, metadata: { ...named, ...also } } }),
        () => ({ method: 'PATCH', path, headers: merge, json: { metadata: also } }),
        () => ({
          method: 'PATCH',
          path,
          headers: { 'content-type': 'application/strategic-merge-patch+json' },
          json: { metadata: also },
        }),
        () => ({
          method: 'PATCH',
          path,
          headers: { 'content-type': 'application/json-patch+json' },
          json: Object.entries(also).map(([name, value]) => ({ op: 'add', path: `/metadata/${name}`, value })),
        }),
        () => ({ method: 'PATCH', path, headers: merge, json: list ? patchAt(list.path, list.value) : {} }),
      ])(),
    );
  }
  steps.push({ method: 'GET', path });
  return steps;
};

/** What an apply says of itself: its type, name, version, uid; of objects and subresources that are there or not. */
export const identities: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const { apiVersion = '', kind: kindName = '', metadata, ...rest } = base;
  const named = isObject(metadata) ? metadata : {};
  const uid = one;
  const metas: readonly JsonObject[] = [
    {},
    named,
    { ...named, resourceVersion: null },
    { ...named, resourceVersion: '' },
    { ...named, resourceVersion: '1' },
    { ...named, resourceVersion: 'x' },
    { ...named, resourceVersion: 5 },
    { ...named, resourceVersion: '{{made:metadata.resourceVersion}}' },
    { ...named, uid },
    { ...named, uid: '' },
    { ...named, uid: null },
    { ...named, uid: '{{made:metadata.uid}}' },
    { ...named, name: 'other' },
    { ...named, name: '' },
    { ...named, name: null },
    { ...named, name: 5 },
    { ...named, generateName: 'x-' },
    { generateName: 'x-' },
    { ...named, namespace: 'other' },
    { ...named, namespace: '' },
    { ...named, generation: 5 },
    { ...named, creationTimestamp: null },
    { ...named, creationTimestamp: '2020-01-01T00:00:00Z' },
    { ...named, deletionTimestamp: '2020-01-01T00:00:00Z' },
    { ...named, deletionGracePeriodSeconds: 5 },
    { ...named, selfLink: '/x' },
    { ...named, managedFields: null },
    { ...named, managedFields: [] },
    { ...named, managedFields: [{}] },
    { ...named, managedFields: 'x' },
    { ...named, unknownField: 1 },
  ];
  const types: readonly JsonObject[] = [
    { apiVersion: 'v9', kind: kindName },
    { apiVersion, kind: 'Other' },
    { apiVersion, kind: String(kindName).toLowerCase() },
    { apiVersion: 'a/b/c', kind: kindName },
    { apiVersion: '', kind: kindName },
    { apiVersion },
    { kind: kindName },
    { apiVersion, kind: null },
    { apiVersion: 5, kind: kindName },
    { apiVersion: 'apps/v1', kind: kindName },
    { apiVersion: '/v1', kind: kindName },
    { apiVersion: 'autoscaling/v1', kind: 'Scale' },
    {},
  ];
  const subresources = [...kind.subresources]
    .filter(([name, verbs]) => name !== 'proxy' && verbs.includes('patch'))
    .map(([name]) => name);
  const steps: Step[] = [];
  const some = (): Step => {
    const subresource = subresources.length > 0 && rng.bool(0.35) ? rng.pick(subresources) : undefined;
    const type = rng.bool(0.3)
      ? rng.pick(types)
      : subresource === 'scale'
        ? { apiVersion: 'autoscaling/v1', kind: 'Scale' }
        : { apiVersion, kind: kindName };
    const body: JsonObject = subresource === 'scale' ? { spec: { replicas: rng.pick<Json>([1, 2, 'x', null]) } } : rest;
    const named = rng.bool(0.6) ? rng.pick(metas) : {};
    // Of several findings the real server says some by chance.
    const isBad = Object.entries(named).some(
      ([key, each]) => typeof each === 'number' || each === 'x' || key === 'unknownField',
    );
    const whole = isBad
      ? {}
      : rng.bool(0.6)
        ? body
        : rng.pick<JsonObject>([{}, { status: {} }, { status: null }, { spec: null }]);
    return {
      method: 'PATCH',
      path: `${itemPath(kind)}${subresource === undefined ? '' : `/${subresource}`}`,
      headers: apply,
      query: {
        fieldManager: rng.pick(['one', 'two']),
        ...(rng.bool(0.3) && { force: rng.pick(['true', 'true', 'false', 'x', '']) }),
        ...(rng.bool(0.2) && { dryRun: rng.pick(['All', 'All', 'Some', '']) }),
        ...(rng.bool(0.1) && { fieldValidation: rng.pick(['Strict', 'Warn', 'Ignore', 'Other']) }),
      },
      json: { ...type, metadata: named, ...structuredClone(whole) },
    };
  };
  steps.push(some(), some(), post(kind, base));
  for (let i = 0; i < 5; i++) steps.push(some());
  steps.push({ method: 'GET', path: itemPath(kind) });
  return steps;
};
