import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { at, isObject, type Json, type JsonObject } from '../json.ts';
import { definitions, type FieldSchema, type Kind, resolve } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { type Path, plausible, randomPlace } from '../values.ts';
import { keysOf, someItem, somePlace } from './list-places.ts';
import { enriched } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const json6902 = { 'content-type': 'application/json-patch+json' };

/** The strategic merge patch that sets one place: elements of lists on the way are named by their keys. */
function strategicAt(kind: Kind, object: JsonObject, path: Path, value: Json): JsonObject {
  const build = (schema: FieldSchema, depth: number): Json => {
    const key = path[depth];
    if (key === undefined) return value;
    const type = resolve(schema);
    if (typeof key === 'string')
      return { [key]: build(type.properties?.[key] ?? type.additionalProperties ?? {}, depth + 1) };
    const inner = build(type.items ?? {}, depth + 1);
    const name = schema['x-kubernetes-patch-merge-key'];
    if (name === undefined || !isObject(inner)) return [inner];
    const own = at(object, [...path.slice(0, depth + 1), name].join('.'));
    return [{ [name]: own ?? 'n1', ...inner }];
  };
  const built = build(definitions.get(kind.definition) ?? {}, 0);
  return isObject(built) ? built : {};
}

const sibling = (path: Path, prefix: string): Path => [...path.slice(0, -1), `${prefix}/${path.at(-1)}`];

/** One list of the kind with directives, in right and wrong places. */
function listDirective(kind: Kind, rng: Rng, object: JsonObject): JsonObject {
  const place = somePlace(kind, rng, object, 'lists');
  if (!place) return {};
  const { path } = place;
  const item = someItem(place, rng, object);
  const other = someItem(place, rng, object);
  const key = rng.pick([...keysOf(place), 'name']);
  const id = isObject(item) ? (item[key] ?? 'x') : 'x';
  const otherId = isObject(other) ? (other[key] ?? 'y') : 'y';
  const set = (value: Json, to = path) => strategicAt(kind, object, to, value);
  const both = (value: Json, to: Path, second: Json): JsonObject => {
    const inner = { [String(path.at(-1))]: value, [String(to.at(-1))]: second };
    return path.length === 1 ? inner : strategicAt(kind, object, path.slice(0, -1), inner);
  };
  const order = sibling(path, '$setElementOrder');
  const gone = sibling(path, '$deleteFromPrimitiveList');
  const what = rng.pick<Json>(['replace', 'delete', 'merge', 'other', '', null, 5]);
  if (typeof path.at(-1) === 'number') return set(item);
  return rng.pick<() => JsonObject>([
    () => set([item]),
    () => set([item, other]),
    () => set([item, item]),
    () => set([{ $patch: what }]),
    () => set([{ $patch: what, [key]: id }]),
    () => set([{ $patch: what }, item]),
    () => set([item, { $patch: what }]),
    () => set([item, { $patch: 'delete', [key]: otherId }]),
    () => set([{ $patch: 'delete', [key]: id }, item]),
    () => set({ $patch: what }),
    () => set([]),
    () => set(null),
    () => set([null]),
    () => set([item, null]),
    () => set([[]]),
    () => set('x'),
    () => set([isObject(item) ? { ...item, [key]: null } : null]),
    () => set([isObject(item) ? { ...item, $retainKeys: [key] } : item]),
    () => set([isObject(item) ? { ...item, $retainKeys: Object.keys(item) } : item]),
    () => set([{ [key]: id }], order),
    () => set(['x', 'y'], order),
    () => set([id], order),
    () => set('x', order),
    () => set(null, order),
    () => set([], order),
    () => set([null], order),
    () => both([item], order, isObject(item) ? [{ [key]: id }, { [key]: otherId }] : [item, 'y']),
    () => both([item, other], order, isObject(item) ? [{ [key]: otherId }, { [key]: id }] : [other, item]),
    () => both([item], order, isObject(item) ? [{ [key]: otherId }] : ['y']),
    () => both([{ $patch: 'delete', [key]: id }], order, []),
    () => both([{ $patch: 'delete', [key]: id }, other], order, [{ [key]: otherId }]),
    () => both([], order, [{ [key]: id }]),
    () => both(null, order, [{ [key]: id }]),
    () => set(isObject(item) ? ['x'] : [item], gone),
    () => set([item], gone),
    () => set('x', gone),
    () => set(null, gone),
  ])();
}

/** An object of the kind with directives. */
function objectDirective(kind: Kind, rng: Rng, object: JsonObject): JsonObject {
  const place = rng.bool(0.1) ? undefined : somePlace(kind, rng, object, 'objects');
  const value = place ? plausible(place.schema, place.name, rng) : {};
  const fields: JsonObject = isObject(value) ? value : {};
  const names = Object.keys(fields);
  const directives = rng.pick<() => JsonObject>([
    () => ({ $patch: 'replace' }),
    () => ({ $patch: 'replace', ...fields }),
    () => ({ $patch: 'delete' }),
    () => ({ $patch: 'delete', ...fields }),
    () => ({ $patch: 'merge', ...fields }),
    () => ({ $patch: rng.pick<Json>(['other', '', 5, null, {}]), ...fields }),
    () => ({ $retainKeys: names, ...fields }),
    () => ({ $retainKeys: [] }),
    () => ({ $retainKeys: [], ...fields }),
    () => ({ $retainKeys: 'x', ...fields }),
    () => ({ $retainKeys: null, ...fields }),
    () => ({ $retainKeys: [...names, 'none', 5], ...fields }),
    () => ({ $retainKeys: names, ...fields, [names[0] ?? 'x']: null }),
    () => ({ '$setElementOrder/none': [], ...fields }),
    () => ({ '$deleteFromPrimitiveList/none': ['a'], ...fields }),
    () => ({ $deleteFromPrimitiveList: ['a'], ...fields }),
    () => ({ $setElementOrder: ['a'], ...fields }),
    () => ({ $other: 1, ...fields }),
    () => ({ unknownField: { a: 1 }, ...fields }),
    () => ({ ...fields, [names[0] ?? 'x']: null }),
  ])();
  return place ? strategicAt(kind, object, place.path, directives) : directives;
}

/** Directives in `metadata`, which every kind has. */
const metadataDirective = (rng: Rng): JsonObject => ({
  metadata: rng.pick<JsonObject>([
    { '$deleteFromPrimitiveList/finalizers': ['example.com/f'] },
    { '$deleteFromPrimitiveList/finalizers': ['example.com/g'], finalizers: ['example.com/h'] },
    { '$setElementOrder/finalizers': ['example.com/g', 'example.com/f'] },
    { '$setElementOrder/finalizers': ['example.com/g', 'example.com/f'], finalizers: ['example.com/g'] },
    { '$setElementOrder/finalizers': ['example.com/f'], finalizers: ['example.com/g'] },
    { finalizers: ['example.com/f', 'example.com/f'] },
    { finalizers: [null] },
    { finalizers: [{ $patch: 'replace' }] },
    { ownerReferences: [{ $patch: 'delete', uid: 'u' }] },
    { ownerReferences: [{ $patch: 'replace' }] },
    { ownerReferences: [{ uid: 'u', apiVersion: 'v1', kind: 'ConfigMap', name: 'o' }] },
    { ownerReferences: [{ uid: 'u', name: 'p' }] },
    { ownerReferences: [{ name: 'p' }] },
    { labels: { $patch: 'replace', twin: '{{id}}', z: 'y' } },
    { labels: { $patch: 'delete' } },
    { labels: { $patch: 'merge', z: 'y' } },
    { labels: { $retainKeys: ['twin'] } },
    { labels: { $retainKeys: ['z'], z: 'y' } },
    { labels: { $retainKeys: ['z'], z: 'y', y: 'x' } },
    { labels: { z: null } },
    { labels: null },
    { labels: [] },
    { labels: 'x' },
    { resourceVersion: null },
    { resourceVersion: '' },
    { resourceVersion: '1' },
    { resourceVersion: '{{made:metadata.resourceVersion}}' },
    { uid: null },
    { name: null },
    { namespace: null },
    { creationTimestamp: null },
    { generation: null },
    { generation: 9 },
    { managedFields: null },
    { $patch: 'replace', name: '{{id}}-a' },
    { $patch: 'delete' },
    { $retainKeys: ['name'], name: '{{id}}-a' },
  ]),
});

/** Every directive of strategic merge patches, where it belongs and where it does not. */
export const directives: Scenario = (kind, rng) => {
  const base = objectOf(kind, 'a', { labels: { twin: '{{id}}' }, finalizers: ['example.com/f'] });
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const object = rng.bool() ? base : enriched(kind, rng, base, 2);
  const steps: Step[] = [post(kind, object), post(kind, base, { id: 'made' })];
  for (let i = 0; i < 7; i++) {
    const json = rng.pick<() => JsonObject>([
      () => listDirective(kind, rng, object),
      () => listDirective(kind, rng, object),
      () => objectDirective(kind, rng, object),
      () => metadataDirective(rng),
    ])();
    steps.push({
      method: 'PATCH',
      path: itemPath(kind),
      headers: rng.bool(0.9) ? strategic : merge,
      query: {
        ...(rng.bool(0.35) && { dryRun: 'All' }),
        ...(rng.bool(0.2) && { fieldValidation: rng.pick(['Ignore', 'Warn', 'Strict']) }),
      },
      json,
    });
  }
  steps.push({ method: 'GET', path: itemPath(kind) });
  return steps;
};

/** JSON patches of every operation, with right and wrong pointers. */
export const pointers: Scenario = (kind, rng) => {
  const base = objectOf(kind, 'a', {
    labels: { twin: '{{id}}', 'a/b': 'c', 'd~e': 'f' },
    finalizers: ['example.com/f', 'example.com/g'],
  });
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const { labels: _labels, ...valid } = isObject(base['metadata']) ? base['metadata'] : {};
  const metadata: JsonObject = { ...valid, labels: { twin: '{{id}}', 'example.com/b': 'c' } };
  const steps: Step[] = [post(kind, { ...base, metadata })];
  const somewhere = (): string => {
    const place = randomPlace(kind.definition, rng, { stop: 0.3, metadata: rng.bool(0.3) });
    const own = place
      ? `/${place.path.map((each) => String(each).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
      : '/spec';
    return rng.pick([
      own,
      '/metadata/labels',
      '/metadata/labels/twin',
      '/metadata/labels/example.com~1b',
      '/metadata/labels/none',
      '/metadata/labels/a~0b',
      '/metadata/labels/a~2b',
      '/metadata/labels/',
      '/metadata/finalizers',
      '/metadata/finalizers/0',
      '/metadata/finalizers/1',
      '/metadata/finalizers/2',
      '/metadata/finalizers/3',
      '/metadata/finalizers/-',
      '/metadata/finalizers/-1',
      '/metadata/finalizers/-3',
      '/metadata/finalizers/01',
      '/metadata/finalizers/x',
      '/metadata/finalizers/0/x',
      '/metadata/annotations',
      '/metadata/annotations/a',
      '/metadata/resourceVersion',
      '/metadata/uid',
      '/metadata/managedFields',
      '/metadata/managedFields/0',
      '/metadata/name',
      '/metadata',
      '/metadata/',
      '/spec',
      '/status',
      '/kind',
      '/apiVersion',
      '/',
      '//',
      '',
      'metadata/labels/twin',
      '/none/deep',
    ]);
  };
  // A version that becomes another value is not known as one any more.
  const elsewhere = () => somewhere().replace('resourceVersion', 'uid');
  const value = (): Json => {
    const place = randomPlace(kind.definition, rng, { stop: 0.3 });
    return rng.pick<Json>([
      'x',
      '{{id}}',
      null,
      {},
      [],
      ['example.com/h'],
      { a: 'b' },
      1,
      true,
      place ? plausible(place.schema, place.name, rng) : 0,
    ]);
  };
  const operation = (): JsonObject =>
    rng.pick<() => JsonObject>([
      () => ({ op: 'add', path: somewhere(), value: value() }),
      () => ({ op: 'replace', path: somewhere(), value: value() }),
      () => ({ op: 'remove', path: somewhere() }),
      () => ({ op: 'test', path: somewhere(), value: value() }),
      () => ({ op: 'test', path: '/metadata/labels/twin', value: '{{id}}' }),
      () => ({ op: 'copy', from: elsewhere(), path: somewhere() }),
      () => ({ op: 'move', from: elsewhere(), path: somewhere() }),
      () => ({ op: 'move', from: '/metadata/finalizers/0', path: '/metadata/finalizers/1' }),
      () => ({ op: 'copy', from: '/metadata/labels', path: '/metadata/annotations' }),
      () => ({ op: 'add', path: somewhere() }),
      () => ({ op: 'copy', path: somewhere() }),
      () => ({ op: rng.pick<Json>(['', 'Add', 'unknown', null, 5]), path: somewhere(), value: 'x' }),
      () => ({ op: 'add', path: rng.pick<Json>([null, 5, ['metadata']]), value: 'x' }),
      () => ({ path: somewhere(), value: 'x' }),
      () => ({ op: 'add', path: '/metadata/labels/x', value: 'y', extra: 1 }),
      () => ({ OP: 'add', Path: '/metadata/labels/x', VALUE: 'y' }),
    ])();
  for (let i = 0; i < 7; i++) {
    const count = rng.pick([1, 1, 1, 2, 3]);
    steps.push({
      method: 'PATCH',
      path: itemPath(kind),
      headers: json6902,
      query: {
        ...(rng.bool(0.4) && { dryRun: 'All' }),
        ...(rng.bool(0.2) && { fieldValidation: rng.pick(['Ignore', 'Warn', 'Strict']) }),
      },
      ...(rng.bool(0.03)
        ? { json: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: 1 })) }
        : { json: Array.from({ length: count }, operation) }),
    });
  }
  steps.push({ method: 'GET', path: itemPath(kind) });
  return steps;
};
