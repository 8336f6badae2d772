import { baseOf, nameOf, objectOf, severalNames } from '../bases.ts';
import type { Step } from '../case.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Kind } from '../kinds.ts';
import type { Rng } from '../rng.ts';
import { type Path, plausible, randomPlace, violation, withValue } from '../values.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

/** An object with some fields more, as a person might have written it. */
export function enriched(kind: Kind, rng: Rng, object: JsonObject, fields: number): JsonObject {
  let result = object;
  for (let i = 0; i < fields; i++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.2 });
    if (place) result = withValue(result, kind.definition, place.path, plausible(place.schema, place.name, rng));
  }
  return result;
}

/** The merge patch that sets one place; lists are set whole. */
export function patchAt(path: Path, value: Json): JsonObject {
  const [key = '', ...rest] = path;
  if (rest.length === 0) return { [key]: value };
  if (typeof rest[0] === 'number') return { [key]: rest.length === 1 ? [value] : [patchAt(rest.slice(1), value)] };
  return { [key]: patchAt(rest, value) };
}

/** A random object: made, read, changed in every way, deleted. */
export const random: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('create')) return undefined;
  const object = enriched(kind, rng, base, 1 + rng.int(4));
  if (!kind.verbs.includes('get')) return [post(kind, object)];
  const steps: Step[] = [post(kind, object), post(kind, base, { id: 'made' })];
  steps.push({ method: 'GET', path: itemPath(kind) });
  for (let i = 0; i < 2; i++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.25 });
    if (!place) continue;
    const value = plausible(place.schema, place.name, rng);
    const merge = patchAt(place.path, value);
    steps.push(
      rng.bool()
        ? { method: 'PUT', path: itemPath(kind), from: { step: 'made', merge: { ...merge, ...noVersion(merge) } } }
        : {
            method: 'PATCH',
            path: itemPath(kind),
            headers: {
              'content-type': rng.pick(['application/merge-patch+json', 'application/strategic-merge-patch+json']),
            },
            json: merge,
          },
    );
  }
  steps.push({ method: 'GET', path: itemPath(kind) }, { method: 'DELETE', path: itemPath(kind) });
  return steps;
};

/** Updates without a version: what the step before changed does not stand in the way. */
function noVersion(merge: JsonObject): JsonObject {
  const { metadata } = merge;
  return {
    metadata: { ...(typeof metadata === 'object' && !Array.isArray(metadata) ? metadata : {}), resourceVersion: null },
  };
}

/** Objects with one rule broken each, tried without being made. */
export const violations: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('create')) return undefined;
  const steps: Step[] = [];
  for (let i = 0; i < 6; i++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.12, metadata: rng.bool(0.15) });
    if (!place) continue;
    const rich = rng.bool(0.3) ? enriched(kind, rng, base, 1) : base;
    const broken = withValue(rich, kind.definition, place.path, violation(place, rng));
    steps.push(post(kind, broken, { query: { dryRun: 'All' } }));
  }
  return steps;
};

/** Changes of a stored object that may not be allowed. */
export const updates: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (!base || !kind.verbs.includes('update')) return undefined;
  const steps: Step[] = [post(kind, base)];
  for (let i = 0; i < 5; i++) {
    const place = randomPlace(kind.definition, rng, { stop: 0.2, metadata: rng.bool(0.1) });
    if (!place) continue;
    const value = rng.bool(0.6) ? plausible(place.schema, place.name, rng) : violation(place, rng);
    const changed = withValue(base, kind.definition, place.path, value);
    const dryRun = rng.bool(0.7);
    steps.push({ method: 'PUT', path: itemPath(kind), json: changed, ...(dryRun && { query: { dryRun: 'All' } }) });
  }
  return steps;
};

const longName = (length: number) => 'a'.repeat(length);
const names = [
  '',
  '-a',
  'A',
  'a b',
  'a/b',
  'a.b',
  'a..b',
  '.',
  '..',
  '%41',
  'a_b',
  longName(53),
  longName(64),
  longName(254),
  'ü',
  '1',
  'a-',
];

/** What `metadata` may hold, and what it may not. */
export const metadata: Scenario = (kind, rng) => {
  const base = baseOf(kind);
  if (!base || !kind.verbs.includes('get') || !kind.verbs.includes('create')) return undefined;
  const usual: JsonObject = {
    name: nameOf(kind, 'm'),
    ...(kind.namespaced && { namespace: '{{ns}}' }),
    labels: { twin: '{{id}}' },
  };
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: '11111111-2222-3333-4444-555555555555' };
  const changes: readonly (() => JsonObject)[] = [
    () => ({ name: rng.pick(names) }),
    () => ({
      name: undefinedName,
      generateName: `{{id}}-${rng.pick(['g-', 'G-', '', longName(60), longName(250), 'g.'])}`,
    }),
    () => ({ generateName: '{{id}}-both-' }),
    () => ({
      labels: rng.pick<Json>([
        { 'bad key!': 'x' },
        { a: 'bad value!' },
        { a: longName(64) },
        { [`${longName(254)}/a`]: 'x' },
        { 'a/': 'x' },
        { a: '' },
        { '/a': 'b' },
        null,
        { a: 5 },
      ]),
    }),
    () => ({
      annotations: rng.pick<Json>([
        { 'bad key!': 'x' },
        { 'UPPER.com/a': 'x' },
        { a: 'y'.repeat(270_000) },
        { a: null },
        { a: 1 },
        {},
      ]),
    }),
    () => ({
      finalizers: rng.pick<Json>([
        ['example.com/f'],
        ['unqualified'],
        ['bad finalizer!'],
        ['foregroundDeletion'],
        ['orphan'],
        ['orphan', 'foregroundDeletion'],
        ['example.com/f', 'example.com/f'],
        [''],
      ]),
    }),
    () => ({
      ownerReferences: rng.pick<Json>([
        [owner],
        [{ ...owner, uid: '' }],
        [
          { ...owner, controller: true },
          { ...owner, name: 'p', uid: 'x', controller: true },
        ],
        [{ ...owner, apiVersion: 'a/b/c' }],
        [{ ...owner, kind: 'Event' }],
        [{ ...owner, name: '' }],
        [{}],
        [owner, owner],
      ]),
    }),
    () => ({ uid: '11111111-2222-3333-4444-555555555555' }),
    () => ({ resourceVersion: rng.pick(['1', '0', 'x', '-1', '99999999']) }),
    () => ({ generation: 7 }),
    () => ({ creationTimestamp: rng.pick<Json>(['2020-01-01T00:00:00Z', null, 'x']) }),
    () => ({ deletionTimestamp: '2020-01-01T00:00:00Z', deletionGracePeriodSeconds: 5 }),
    () => ({ selfLink: '/x' }),
    () => ({ namespace: rng.pick(['other', '', 'Bad!', 'default']) }),
    () => ({
      managedFields: rng.pick<Json>([
        [],
        [{}],
        [
          {
            manager: 'm',
            operation: 'Update',
            apiVersion: kind.apiVersion,
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:metadata': { 'f:labels': { 'f:twin': {} } } },
          },
        ],
        [{ manager: 'm', operation: 'Other' }],
        [{ manager: 'm', operation: 'Apply', fieldsType: 'V2' }],
      ]),
    }),
  ];
  const steps: Step[] = [];
  for (let i = 0; i < 5; i++) {
    const change = rng.pick(changes)();
    const meta: JsonObject = { ...usual, ...change };
    if (change['name'] === undefinedName) delete meta['name'];
    const dryRun = !severalNames(kind) || rng.bool();
    if (severalNames(kind) && meta['name'] === usual['name']) meta['name'] = nameOf(kind, `m${i}`);
    steps.push(
      post(kind, { ...base, metadata: meta }, { id: `made${i}`, ...(dryRun && { query: { dryRun: 'All' } }) }),
    );
  }
  return steps;
};
const undefinedName = '<none>';
