import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject, merged } from '../json.ts';
import type { Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { plausible, randomPlace, withValue } from '../values.ts';
import { patchAt } from './random.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const merge = { 'content-type': 'application/merge-patch+json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const json6902 = { 'content-type': 'application/json-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

/** Entries as a user may send them, right and wrong. */
function entries({ apiVersion }: Kind, rng: Rng): Json {
  const good: JsonObject = {
    manager: rng.pick(['m', 'one', 'twin', '']),
    operation: rng.pick(['Update', 'Apply']),
    apiVersion,
    time: rng.pick(['2026-01-02T03:04:05Z', '2020-01-01T00:00:00Z', '2099-01-01T00:00:00Z']),
    fieldsType: 'FieldsV1',
    fieldsV1: rng.pick<Json>([
      { 'f:metadata': { 'f:labels': { 'f:twin': {} } } },
      { 'f:metadata': { 'f:labels': { '.': {}, 'f:none': {} } } },
      { 'f:spec': {}, 'f:data': {} },
      { 'f:metadata': { 'f:name': {}, 'f:uid': {} } },
      {},
    ]),
  };
  const but = (change: JsonObject): Json => merged(good, change);
  return rng.pick<() => Json>([
    () => [],
    () => [{}],
    () => [{}, {}],
    () => null,
    () => [null],
    () => 'x',
    () => [good],
    () => [good, good],
    () => [good, but({ manager: 'second' })],
    () => [good, but({ subresource: 'status' })],
    () => [but({ subresource: 'none' })],
    () => [but({ time: null })],
    () => [but({ time: 'x' })],
    () => [but({ operation: 'Other' })],
    () => [but({ operation: null })],
    () => [but({ apiVersion: 'v9' })],
    () => [but({ apiVersion: null })],
    () => [but({ apiVersion: 'a/b/c' })],
    () => [but({ fieldsType: 'FieldsV2' })],
    () => [but({ fieldsType: null })],
    () => [but({ fieldsV1: null })],
    () => [but({ fieldsV1: { x: {} } })],
    () => [but({ fieldsV1: { 'k:{"name":"x"}': {}, 'v:"a"': {}, 'i:0': {} } })],
    () => [but({ fieldsV1: { 'k:{': {} } })],
    () => [but({ fieldsV1: { 'f:a': 1 } })],
    () => [but({ fieldsV1: [] })],
    () => [but({ manager: 'x'.repeat(129) })],
    () => [but({ manager: 'a\nb' })],
    () => [but({ manager: 5 })],
    () => [but({ unknownField: 1 })],
    () => [good, {}],
    () => Array.from({ length: 12 }, (_, i) => but({ manager: `u${i}`, operation: 'Update' })),
  ])();
}

/** `managedFields` as users write them: reset, replaced, broken; by every verb. */
export const owners: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const path = itemPath(kind);
  const { apiVersion = '', kind: kindName = '' } = base;
  const bare: JsonObject = { apiVersion, kind: kindName };
  const applied = (fieldManager: string, json: JsonObject, query: Record<string, string> = {}): Step => ({
    method: 'PATCH',
    path,
    headers: apply,
    query: { fieldManager, ...query },
    json,
  });
  const meta = (managedFields: Json): JsonObject => {
    const result = merged(base, { metadata: { managedFields } });
    return isObject(result) ? result : base;
  };
  const first = rng.pick<() => Step>([
    () => post(kind, base),
    () => post(kind, withManaged(base, entries(kind, rng))),
    () => ({ ...applied('one', base), id: 'made' }),
  ]);
  const steps: Step[] = [first(), post(kind, base, { id: 'again' })];
  for (let i = 0; i < 5; i++) {
    const labels: JsonObject = { l: rng.pick(['1', '2']) };
    steps.push(
      rng.pick<() => Step>([
        () => ({ method: 'PATCH', path, headers: merge, json: { metadata: { managedFields: entries(kind, rng) } } }),
        () => ({
          method: 'PATCH',
          path,
          headers: merge,
          json: { metadata: { managedFields: entries(kind, rng), labels } },
        }),
        () => ({ method: 'PUT', path, json: withManaged(base, entries(kind, rng)) }),
        () => ({
          method: 'PATCH',
          path,
          headers: strategic,
          json: { metadata: { managedFields: entries(kind, rng) } },
        }),
        () => ({
          method: 'PATCH',
          path,
          headers: json6902,
          json: rng.pick<Json>([
            [{ op: 'replace', path: '/metadata/managedFields', value: entries(kind, rng) }],
            [{ op: 'remove', path: '/metadata/managedFields' }],
            [{ op: 'remove', path: '/metadata/managedFields/0' }],
            [{ op: 'replace', path: '/metadata/managedFields/0', value: {} }],
            [{ op: 'replace', path: '/metadata/managedFields/0/manager', value: 'renamed' }],
            [{ op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Apply' }],
            [{ op: 'remove', path: '/metadata/managedFields/0/fieldsV1/f:metadata' }],
            [{ op: 'test', path: '/metadata/managedFields/0/fieldsType', value: 'FieldsV1' }],
          ]),
        }),
        () => applied('one', base),
        () => applied('two', { ...bare, metadata: { labels } }),
        () => applied('two', { ...bare, metadata: { labels } }, { force: 'true' }),
        () => ({ method: 'PATCH', path, headers: merge, query: { fieldManager: 'm' }, json: { metadata: { labels } } }),
        () => ({ method: 'PUT', path, json: base, query: { fieldManager: rng.pick(['one', 'm']) } }),
        ...(kind.subresources.has('status')
          ? [
              (): Step => ({
                method: 'PATCH',
                path: `${path}/status`,
                headers: merge,
                json: { metadata: { managedFields: entries(kind, rng), labels } },
              }),
              (): Step => ({ ...applied('one', { ...meta([]), ...bare }), path: `${path}/status` }),
            ]
          : []),
      ])(),
    );
  }
  steps.push({ method: 'GET', path });
  return steps;
};

function withManaged(base: JsonObject, managedFields: Json): JsonObject {
  const { metadata } = base;
  return { ...base, metadata: { ...(isObject(metadata) ? metadata : {}), managedFields } };
}

/** More managers by update than are kept apart, in one version or several, before and after an apply. */
export const updaters: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('patch')) return undefined;
  const path = itemPath(kind);
  const { apiVersion = '', kind: kindName = '' } = base;
  const steps: Step[] = [rng.bool() ? post(kind, base) : { ...appliedBy('one', path, base), id: 'made' }];
  const count = 10 + rng.int(4);
  for (let i = 0; i < count; i++) {
    const place = rng.bool(0.2) ? randomPlace(kind.definition, rng) : undefined;
    steps.push({
      method: 'PATCH',
      path: kind.subresources.has('status') && rng.bool(0.1) ? `${path}/status` : path,
      headers: merge,
      query: { fieldManager: `u${rng.pick([i, i, i, 3])}` },
      json: place
        ? patchAt(place.path, plausible(place.schema, place.name, rng))
        : { metadata: { labels: { [`l${rng.pick([i, i, 1])}`]: `${i}` } } },
    });
  }
  const all = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`l${i}`, 'x']));
  const whole: JsonObject = { apiVersion, kind: kindName, metadata: { labels: all } };
  const place = randomPlace(kind.definition, rng);
  steps.push(
    appliedBy('two', path, whole),
    appliedBy('two', path, whole, { force: 'true' }),
    ...(place
      ? [
          appliedBy(
            'three',
            path,
            withValue(
              { apiVersion, kind: kindName },
              kind.definition,
              place.path,
              plausible(place.schema, place.name, rng),
            ),
          ),
        ]
      : []),
    { method: 'PUT', path, json: base, query: { fieldManager: 'last' } },
  );
  return steps;
};

const appliedBy = (fieldManager: string, path: string, json: JsonObject, query: Record<string, string> = {}): Step => ({
  method: 'PATCH',
  path,
  headers: apply,
  query: { fieldManager, ...query },
  json,
});
