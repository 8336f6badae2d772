import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject, merged } from '../json.ts';
import type { Rng } from '../rng.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const group = '{{id}}.example.com';
const path = `/apis/${group}/v1/things`;
const apply = { 'content-type': 'application/apply-patch+yaml' };
const merge = { 'content-type': 'application/merge-patch+json' };
const json6902 = { 'content-type': 'application/json-patch+json' };
const string: JsonObject = { type: 'string' };

/** How a list and a map of a type of one's own are merged: as a whole, by keys, by members. */
function shape(rng: Rng): JsonObject {
  const item: JsonObject = {
    type: 'object',
    properties: {
      name: string,
      proto: rng.bool() ? { type: 'string', default: 'TCP' } : string,
      value: { type: 'integer' },
      more: { type: 'object', properties: { x: string, y: string } },
    },
  };
  const list = rng.pick<() => JsonObject>([
    () => ({}),
    () => ({ 'x-kubernetes-list-type': 'atomic' }),
    () => ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
    () => ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name', 'proto'] }),
  ])();
  const keys = Array.isArray(list['x-kubernetes-list-map-keys']) ? list['x-kubernetes-list-map-keys'] : [];
  const properties = isObject(item['properties']) ? item['properties'] : {};
  // A key must be there in each element, or have a default.
  const required = keys.filter(
    (key) => isObject(properties[String(key)]) && !('default' in (properties[String(key)] as JsonObject)),
  );
  const type = (name: string) =>
    rng.bool() ? {} : { [`x-kubernetes-${name}-type`]: rng.pick(['atomic', 'granular']) };
  return {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        ...(rng.bool(0.2) && { 'x-kubernetes-map-type': 'atomic' }),
        properties: {
          list: { type: 'array', items: required.length > 0 ? { ...item, required } : item, ...list },
          set: { type: 'array', items: string, 'x-kubernetes-list-type': rng.pick(['set', 'atomic']) },
          map: { type: 'object', additionalProperties: string, ...type('map') },
          object: { type: 'object', properties: { a: string, b: string }, ...type('map') },
          open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          count: { type: 'integer', default: 3 },
          nothing: { type: 'string', nullable: rng.bool() },
        },
      },
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
}

function spec(rng: Rng): JsonObject {
  const item = (): JsonObject => ({
    name: rng.pick(['a', 'b', 'c']),
    ...(rng.bool(0.5) && { proto: rng.pick(['TCP', 'UDP']) }),
    ...(rng.bool(0.5) && { value: rng.int(3) }),
    ...(rng.bool(0.3) && { more: rng.pick<JsonObject>([{ x: '1' }, { y: '2' }, {}, { x: '2', y: '2' }]) }),
  });
  const some: Readonly<Record<string, () => Json>> = {
    list: () => rng.pick<() => Json>([() => [item()], () => [item(), item()], () => [item()], () => [], () => null])(),
    set: () => rng.pick<Json>([['x'], ['y', 'x'], ['z'], [], ['x', 'x'], null]),
    map: () => rng.pick<Json>([{ k: '1' }, { k: '2', l: '1' }, {}, { k: null }, null]),
    object: () => rng.pick<Json>([{ a: '1' }, { b: '1' }, { a: '2', b: '2' }, {}]),
    open: () => rng.pick<Json>([{ q: 1 }, { q: { r: [1, 2] } }, { q: [{ s: 1 }] }, { q: null }]),
    count: () => rng.pick<Json>([1, 2, null]),
    nothing: () => rng.pick<Json>([null, 'x']),
    unknown: () => 1,
  };
  const names = rng.shuffled(Object.keys(some)).slice(0, 1 + rng.int(3));
  // Of several findings the real server says some by chance.
  const taken = names.includes('unknown') ? ['unknown'] : names;
  return Object.fromEntries(taken.map((name) => [name, some[name]?.() ?? null]));
}

/** Custom resources under apply, by several managers, before and after their type merges otherwise. */
export const customTypes: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (kind.resource !== 'customresourcedefinitions' || !base) return undefined;
  const version = (): JsonObject => ({
    name: 'v1',
    served: true,
    storage: true,
    ...(rng.bool() && { subresources: { status: {} } }),
    schema: { openAPIV3Schema: shape(rng) },
  });
  const definition = merged(base, { spec: { scope: 'Cluster', versions: [version()] } });
  if (!isObject(definition)) return undefined;
  const thing: JsonObject = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'a' } };
  const write = (): Step => {
    const object: JsonObject = { ...thing, spec: spec(rng) };
    return rng.pick<() => Step>([
      ...['one', 'two', 'three'].map(
        (fieldManager) => (): Step => ({
          method: 'PATCH',
          path: `${path}/a`,
          headers: apply,
          query: { fieldManager, ...(rng.bool(0.5) && { force: 'true' }) },
          json: object,
        }),
      ),
      () => ({ method: 'PATCH', path: `${path}/a`, headers: merge, json: { spec: spec(rng) } }),
      () => ({
        method: 'PATCH',
        path: `${path}/a`,
        headers: json6902,
        json: Object.entries(spec(rng)).map(([name, value]) => ({ op: 'add', path: `/spec/${name}`, value })),
      }),
      () => ({
        method: 'PUT',
        path: `${path}/a`,
        from: { step: 'thing', merge: { spec: spec(rng), metadata: { resourceVersion: null } } },
      }),
      () => ({
        method: 'PATCH',
        path: `${path}/a/status`,
        headers: apply,
        query: { fieldManager: 'one' },
        json: { ...thing, status: { s: rng.int(2) } },
      }),
    ])();
  };
  return [
    post(kind, definition),
    { id: 'thing', method: 'POST', path, json: { ...thing, spec: spec(rng) }, waitMs: 2000 },
    write(),
    write(),
    write(),
    write(),
    { method: 'PATCH', path: itemPath(kind), headers: merge, json: { spec: { versions: [version()] } } },
    { ...write(), waitMs: 2000 },
    write(),
    write(),
    write(),
    { method: 'GET', path: `${path}/a` },
    { method: 'DELETE', path: `${path}/a` },
  ];
};
