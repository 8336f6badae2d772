import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import { isObject, type Json, type JsonObject, merged } from '../json.ts';
import type { Rng } from '../rng.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const group = '{{id}}.example.com';
const pathIn = (version: string) => `/apis/${group}/${version}/things`;
const merge = { 'content-type': 'application/merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

/** Fields of a type of one's own: their schemas, rules that they may have, and values that keep or break them. */
const fields: Readonly<
  Record<
    string,
    { readonly schema: JsonObject; readonly rules: readonly JsonObject[]; readonly values: readonly Json[] }
  >
> = {
  number: {
    schema: { type: 'integer' },
    rules: [
      { rule: 'self < 5' },
      { rule: 'self > 0', message: 'must be above nothing' },
      { rule: 'self >= oldSelf', message: 'never down' },
      { rule: 'self != 3', reason: 'FieldValueForbidden', message: 'not three' },
      { rule: '10 / self > 1', messageExpression: '"too big: " + string(self)' },
      { rule: '!oldSelf.hasValue() || self - oldSelf.value() < 3', optionalOldSelf: true },
    ],
    values: [0, 1, 2, 3, 5, 7, 20, -1, null, 'x'],
  },
  text: {
    schema: { type: 'string', maxLength: 30 },
    rules: [
      { rule: 'self.startsWith("a")', reason: 'FieldValueRequired' },
      { rule: 'self == oldSelf', message: 'is as it was' },
      { rule: 'self.matches("^[a-c]+$")', messageExpression: 'self + "?"' },
      { rule: 'self.size() < 4', reason: 'FieldValueDuplicate' },
      { rule: 'quantity(self).isGreaterThan(quantity("1"))' },
      { rule: 'isIP(self) || self.lowerAscii() == self' },
    ],
    values: ['a', 'abc', 'abcd', 'B', '', '1', '10.0.0.1', '5Mi', null, 3],
  },
  either: {
    schema: { 'x-kubernetes-int-or-string': true },
    rules: [
      { rule: 'self == 1 || self == "a"' },
      { rule: 'self > 2' },
      { rule: 'type(self) == int', message: 'whole' },
    ],
    values: [1, 3, 'a', 'b', null, 1.5],
  },
  list: {
    schema: {
      type: 'array',
      maxItems: 5,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', maxLength: 5 }, size: { type: 'integer' } },
        'x-kubernetes-validations': [{ rule: '!has(self.size) || self.size >= oldSelf.size', message: 'grows' }],
      },
    },
    rules: [
      { rule: 'self.all(x, x.name != "z")' },
      { rule: 'self.size() < 3', message: 'few' },
      { rule: 'self.filter(x, has(x.size)).map(x, x.size).sum() < 10' },
      { rule: 'oldSelf.all(x, self.exists(y, y.name == x.name))', message: 'none goes' },
    ],
    values: [
      [{ name: 'a', size: 1 }],
      [{ name: 'a', size: 2 }, { name: 'b' }],
      [
        { name: 'b', size: 9 },
        { name: 'a', size: 1 },
      ],
      [{ name: 'z' }],
      [{ name: 'a' }, { name: 'b' }, { name: 'c' }],
      [],
      null,
    ],
  },
  map: {
    schema: {
      type: 'object',
      maxProperties: 5,
      additionalProperties: { type: 'string', maxLength: 5, 'x-kubernetes-validations': [{ rule: 'self != "bad"' }] },
    },
    rules: [
      { rule: '"a" in self' },
      { rule: 'self.size() == 1', message: 'one' },
      { rule: 'self.all(k, self[k] != k)' },
    ],
    values: [{ a: '1' }, { b: 'bad' }, { a: 'a' }, {}, { a: '1', c: '2' }],
  },
  object: {
    schema: {
      type: 'object',
      properties: { low: { type: 'integer', default: 1 }, high: { type: 'integer' }, 'odd-name': { type: 'boolean' } },
    },
    rules: [
      { rule: 'self.low <= self.high', fieldPath: '.high', message: 'low above high' },
      { rule: '!has(self.odd__dash__name) || self.odd__dash__name' },
      { rule: 'has(self.high)', reason: 'FieldValueRequired', fieldPath: '.high' },
      { rule: 'self == oldSelf', message: 'fixed' },
    ],
    values: [{ high: 3 }, { low: 5, high: 3 }, { 'odd-name': false, high: 9 }, {}, { low: 1, high: 3 }],
  },
  time: {
    schema: { type: 'string', format: 'date-time' },
    rules: [{ rule: 'self > timestamp("2020-01-01T00:00:00Z")' }, { rule: 'self.getFullYear() != 2021' }],
    values: ['2020-05-05T01:02:03Z', '2019-05-05T01:02:03Z', '2021-01-01T00:00:00+02:00', 'x'],
  },
  set: {
    schema: { type: 'array', maxItems: 4, 'x-kubernetes-list-type': 'set', items: { type: 'string', maxLength: 4 } },
    rules: [
      { rule: 'self == ["a", "b"]' },
      { rule: 'self.exists(x, x == "a")' },
      { rule: '(self + ["a"]).size() < 3' },
    ],
    values: [['a'], ['b', 'a'], ['a', 'b', 'c'], ['c'], [], ['a', 'a']],
  },
};

const withRules = (schema: JsonObject, rules: readonly JsonObject[]): JsonObject =>
  rules.length === 0 ? schema : { ...schema, 'x-kubernetes-validations': rules.map((each) => ({ ...each })) };

const some = (rng: Rng, rules: readonly JsonObject[]) => rules.filter(() => rng.bool(0.4));

/** One finding each: the real server tells those of several fields in any order. */
function specOf(rng: Rng, names: readonly string[]): JsonObject {
  const [name = '', other = ''] = rng.shuffled(names);
  const value = (field: string) => rng.pick<Json>(fields[field]?.values ?? [null]);
  return { [name]: value(name), ...(rng.bool(0.2) && { [other]: value(other) }), ...(rng.bool(0.1) && { unknown: 1 }) };
}

/** Custom resources with rules in CEL, in two versions, before and after their schema and stored version change. */
export const ruledTypes: Scenario = (kind, rng) => {
  const base = objectOf(kind);
  if (kind.resource !== 'customresourcedefinitions' || !base) return undefined;
  const names = rng.shuffled(Object.keys(fields)).slice(0, 3);
  const schema = (): JsonObject => {
    const properties = Object.fromEntries(
      names.map((name) => [name, withRules(fields[name]?.schema ?? {}, some(rng, fields[name]?.rules ?? []))]),
    );
    const rules = some(rng, [
      { rule: '!has(self.status) || self.status.ready != 7', message: 'not seven' },
      { rule: 'self.metadata.name.size() < 5', message: 'a short name' },
      { rule: 'has(self.spec)', message: 'a spec' },
    ]);
    const more: JsonObject = rng.bool(0.3) ? { count: { type: 'integer', default: rng.int(5) } } : {};
    const status = { type: 'object', properties: { ready: withRules({ type: 'integer' }, [{ rule: 'self < 9' }]) } };
    return withRules(
      { type: 'object', properties: { spec: { type: 'object', properties: { ...properties, ...more } }, status } },
      rules,
    );
  };
  const versions = (): Json => {
    const stored = rng.pick(['v1', 'v2']);
    const same = schema();
    return ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === stored,
      subresources: { status: {} },
      schema: { openAPIV3Schema: rng.bool() ? same : schema() },
    }));
  };
  const definition = merged(base, { spec: { scope: 'Cluster', versions: versions() } });
  if (!isObject(definition)) return undefined;
  const write = (): Step => {
    const version = rng.pick(['v1', 'v2']);
    const path = `${pathIn(version)}/a`;
    const spec = specOf(rng, names);
    return rng.pick<() => Step>([
      () => ({ method: 'PATCH', path, headers: merge, json: { spec } }),
      () => ({ method: 'PATCH', path, headers: merge, json: { metadata: { labels: { l: String(rng.int(3)) } } } }),
      () => ({ method: 'PATCH', path: `${path}/status`, headers: merge, json: { status: { ready: rng.int(11) } } }),
      () => ({
        method: 'PATCH',
        path,
        headers: apply,
        query: { fieldManager: rng.pick(['one', 'two']), force: 'true' },
        json: { apiVersion: `${group}/${version}`, kind: 'Thing', metadata: { name: 'a' }, spec },
      }),
      () => ({ method: 'GET', path }),
    ])();
  };
  const create = (name: string): Step => {
    const version = rng.pick(['v1', 'v2']);
    const thing = { apiVersion: `${group}/${version}`, kind: 'Thing', metadata: { name } };
    return { method: 'POST', path: pathIn(version), json: { ...thing, spec: specOf(rng, names) } };
  };
  const steps: readonly Step[] = [
    post(kind, definition),
    { ...create('b'), waitMs: 2000 },
    {
      method: 'POST',
      path: pathIn('v1'),
      json: { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'a' }, spec: {} },
    },
    create('c'),
    ...Array.from({ length: 6 }, write),
    { method: 'PATCH', path: itemPath(kind), headers: merge, json: { spec: { versions: versions() } } },
    { ...write(), waitMs: 2500 },
    ...Array.from({ length: 6 }, write),
    { method: 'GET', path: `${pathIn('v1')}/a` },
    { method: 'GET', path: pathIn('v2') },
    { method: 'DELETE', path: `${pathIn('v2')}/a` },
  ];
  return steps;
};
