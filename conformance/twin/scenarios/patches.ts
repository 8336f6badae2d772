import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import type { Kind } from '../kinds.ts';
import { resolve } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { plausible, randomPlace, violation, withValue } from '../values.ts';
import { enriched, patchAt } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const json6902 = { 'content-type': 'application/json-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

const pointer = (path: readonly (string | number)[]) =>
  `/${path.map((each) => String(each).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;

/** One operation list of JSON patch, good or bad. */
function operations(kind: Kind, rng: Rng): Json {
  const place = randomPlace(kind.definition, rng, { stop: 0.3, metadata: rng.bool(0.3) });
  const path = pointer(place?.path ?? ['metadata', 'labels', 'x']);
  const value = place ? plausible(place.schema, place.name, rng) : 'x';
  return rng.pick<() => Json>([
    () => [{ op: 'add', path: '/metadata/labels/x', value: 'y' }],
    () => [{ op: rng.pick(['add', 'replace']), path, value }],
    () => [{ op: 'remove', path }],
    () => [
      { op: 'test', path: '/metadata/labels/twin', value: '{{id}}' },
      { op: 'add', path: '/metadata/annotations', value: { a: 'b' } },
    ],
    () => [{ op: 'test', path: '/metadata/labels/twin', value: 'no' }],
    () => [{ op: 'copy', from: '/metadata/labels', path: '/metadata/annotations' }],
    () => [{ op: 'move', from: '/metadata/labels/twin', path: '/metadata/labels/moved' }],
    () => [{ op: 'remove', path: '/metadata/labels/none' }],
    () => [{ op: 'replace', path: '/metadata/nowhere/deep', value: 1 }],
    () => [{ op: 'jump', path: '/metadata/labels/x', value: 'y' }],
    () => [{ op: 'add', value: 'y' }],
    () => [{ op: 'add', path: 'metadata/labels/x', value: 'y' }],
    () => [
      { op: 'add', path: '/metadata/finalizers', value: ['example.com/f'] },
      { op: 'add', path: '/metadata/finalizers/-', value: 'example.com/g' },
      { op: 'remove', path: '/metadata/finalizers/0' },
    ],
    () => [{ op: 'replace', path: '/metadata/name', value: 'other' }],
    () => [{ op: 'replace', path: '/kind', value: 'Other' }],
    () => [{ op: 'replace', path: '', value: {} }],
    () => ({ op: 'add', path: '/metadata/labels/x', value: 'y' }),
    () => [],
    () => 'x',
    () => null,
  ])();
}

/** A strategic merge patch with a directive where the type has lists that merge by a key. */
function directive(kind: Kind, rng: Rng): JsonObject {
  for (let tries = 0; tries < 20; tries++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.2 });
    if (!place) break;
    const type = resolve(place.schema);
    const key = place.schema['x-kubernetes-list-map-keys']?.[0];
    if (place.schema.type === 'array' && key !== undefined) {
      const item = plausible(place.schema.items ?? {}, place.name, rng);
      const id = isObject(item) ? (item[key] ?? 'x') : 'x';
      return rng.pick<() => JsonObject>([
        () => patchAt(place.path, [item]),
        () => patchAt(place.path, [{ $patch: 'delete', [key]: id }]),
        () => patchAt(place.path, [{ $patch: 'replace' }, item]),
        () => patchAt(place.path, [item, { $patch: 'replace' }]),
        () => patchAt(place.path, [{ $patch: 'merge', [key]: id }]),
        () => patchAt(place.path, [{ $patch: 'other', [key]: id }]),
        () => patchAt([...place.path.slice(0, -1), `$setElementOrder/${place.path.at(-1)}`], [{ [key]: id }]),
        () => patchAt(place.path, [{ [key === 'name' ? 'other' : 'name']: 'x' }]),
      ])();
    }
    if (type.type === 'object' && type.properties) {
      const value = plausible(place.schema, place.name, rng);
      const fields: JsonObject = isObject(value) ? value : {};
      return patchAt(
        place.path,
        rng.pick<JsonObject>([
          { $patch: 'replace', ...fields },
          { $patch: 'delete' },
          { $retainKeys: Object.keys(fields), ...fields },
          { $retainKeys: [], ...fields },
        ]),
      );
    }
  }
  return rng.pick<JsonObject>([
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/f'] } },
    { metadata: { finalizers: ['example.com/f'], '$setElementOrder/finalizers': ['example.com/f'] } },
    { metadata: { labels: { $patch: 'replace', twin: '{{id}}', z: 'y' } } },
  ]);
}

/** Every patch type against one object. */
export const patches: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const steps: Step[] = [post(kind, enriched(kind, rng, base, rng.int(2))), post(kind, base, { id: 'again' })];
  for (let i = 0; i < 5; i++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.25, metadata: rng.bool(0.2) });
    if (!place) continue;
    const value = rng.bool(0.75) ? plausible(place.schema, place.name, rng) : (violation(place, rng) ?? null);
    const to = itemPath(kind);
    const query: Record<string, string> = {
      ...(rng.bool(0.2) && { dryRun: 'All' }),
      ...(rng.bool(0.3) && { fieldManager: 'm' }),
      ...(rng.bool(0.2) && { fieldValidation: rng.pick(['Ignore', 'Warn', 'Strict']) }),
      ...(rng.bool(0.05) && { force: 'true' }),
    };
    const step = rng.pick<() => Partial<Step>>([
      () => ({ headers: merge, json: patchAt(place.path, value) }),
      () => ({ headers: strategic, json: patchAt(place.path, value) }),
      () => ({ headers: strategic, json: directive(kind, rng) }),
      () => ({ headers: json6902, json: operations(kind, rng) }),
      () => ({ headers: json6902, json: operations(kind, rng) }),
      () => ({
        headers: rng.pick([merge, strategic]),
        text: rng.pick([
          '',
          '{',
          'null',
          '[]',
          '"x"',
          '{"metadata":{"labels":{"a":"b"},"labels":{"c":"d"}}}',
          '{"unknownField":1}',
          '{"metadata":{"resourceVersion":"1"}}',
          '{"metadata":{"uid":"x"}}',
          '{"metadata":{"name":"other"}}',
          '{"metadata":null}',
          '{"kind":"Other"}',
          '{"apiVersion":"v9"}',
          'a: b',
        ]),
      }),
      () => ({
        headers: {
          'content-type': rng.pick([
            'application/json',
            'text/plain',
            'application/yaml',
            'application/merge-patch+json; charset=utf-8',
            'application/vnd.kubernetes.protobuf',
            '',
          ]),
        },
        json: { metadata: { labels: { x: 'y' } } },
      }),
    ])();
    steps.push({ method: 'PATCH', path: to, query, ...step });
  }
  steps.push({ method: 'GET', path: itemPath(kind) });
  return steps;
};

/** Server-side apply by several managers, with updates of others between. */
export const applies: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const steps: Step[] = [];
  const path = itemPath(kind);
  const variants = [base, enriched(kind, rng, base, 1), enriched(kind, rng, base, 2)];
  const applied = (fieldManager: string, object: JsonObject, query: Record<string, string> = {}): Step => ({
    method: 'PATCH',
    path,
    headers: apply,
    query: { fieldManager, ...query },
    json: object,
  });
  const { apiVersion = '', kind: kindName = '' } = base;
  const bare: JsonObject = { apiVersion, kind: kindName };
  if (rng.bool(0.3)) steps.push(post(kind, rng.pick(variants)));
  else steps.push({ ...applied('one', rng.pick(variants)), id: 'made' });
  for (let i = 0; i < 6; i++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.25 });
    const some = place ? withValue(bare, kind.definition, place.path, plausible(place.schema, place.name, rng)) : bare;
    const step = rng.pick<() => Step>([
      () => applied('one', rng.pick(variants)),
      () => applied('two', rng.pick(variants)),
      () => applied('two', rng.pick(variants), { force: 'true' }),
      () => applied('two', some),
      () => applied('three', some, { force: 'true' }),
      () => applied('three', bare),
      () => applied('one', bare),
      () => applied('one', { ...bare, metadata: { labels: { twin: '{{id}}', l: rng.pick(['1', '2']) } } }),
      () =>
        applied(
          'two',
          { ...bare, metadata: { labels: { l: rng.pick(['1', '2']) } } },
          rng.bool() ? { force: 'true' } : {},
        ),
      () => applied('two', { ...bare, metadata: { finalizers: [rng.pick(['example.com/a', 'example.com/b'])] } }),
      () => ({
        method: 'PATCH',
        path,
        headers: { ...merge, 'user-agent': rng.pick(['kubectl/v1', 'ü/x', 'curl']) },
        json: { metadata: { labels: { l: '3' } } },
      }),
      () => ({
        method: 'PUT',
        path,
        headers: { 'user-agent': 'other/v2 (linux)' },
        ...(rng.bool() && { query: { fieldManager: 'putter' } }),
        json: rng.pick(variants),
      }),
      () => ({
        method: 'PATCH',
        path,
        headers: merge,
        query: { fieldManager: 'one' },
        json: { metadata: { managedFields: rng.pick<Json>([[{}], [], null]) } },
      }),
      () => applied('', rng.pick(variants)),
      () => applied('x'.repeat(129), rng.pick(variants)),
      () => applied('one', { ...base, metadata: { name: 'other' } }),
      () => applied('one', { ...base, apiVersion: 'v9' }),
      () => applied('one', withoutKey(base, 'kind')),
      () =>
        applied('one', {
          ...base,
          metadata: {
            ...(isObject(base['metadata']) ? base['metadata'] : {}),
            managedFields: [],
            resourceVersion: rng.pick(['1', '']),
          },
        }),
      () => ({
        ...applied('one', bare),
        json: undefined,
        text: rng.pick([
          '',
          '{',
          '- a',
          'apiVersion: x: y',
          `apiVersion: ${String(apiVersion)}\nkind: ${String(kindName)}\nmetadata:\n  labels:\n    y: z\n    y: w\nunknown: 1\n`,
          `apiVersion: ${String(apiVersion)}\nkind: ${String(kindName)}\nmetadata:\n  labels: {y: z}\n`,
        ]),
      }),
      () => applied('one', rng.pick(variants), { dryRun: 'All' }),
      () => applied('one', { ...bare, unknownField: 1 }, { fieldValidation: rng.pick(['Strict', 'Warn', 'Ignore']) }),
      () => ({ method: 'GET', path }),
    ])();
    steps.push(step);
  }
  if (kind.subresources.get('status')?.includes('patch')) {
    const place = randomPlace(kind.definition, rng, { stop: 0.25, status: true });
    if (place)
      steps.push({
        ...applied(
          rng.pick(['one', 'status']),
          withValue(bare, kind.definition, place.path, plausible(place.schema, place.name, rng)),
        ),
        path: `${path}/status`,
      });
  }
  steps.push({ method: 'GET', path });
  return steps;
};

const withoutKey = (object: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
