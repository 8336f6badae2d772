import type { Json, JsonObject } from '../json.ts';
import type { Rng } from '../rng.ts';

const string: JsonObject = { type: 'string' };
const integer: JsonObject = { type: 'integer' };
const open: JsonObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** A field that a type of one's own may have: its schema, in several forms, and values that fit and that do not. */
interface CustomField {
  readonly schemas: readonly JsonObject[];
  readonly values: readonly Json[];
}

const port: JsonObject = {
  type: 'object',
  required: ['name'],
  properties: { name: string, proto: { ...string, default: 'TCP' }, n: { type: 'integer', format: 'int32' } },
};

export const customFields: Readonly<Record<string, CustomField>> = {
  ports: {
    schemas: [
      { type: 'array', items: port },
      { type: 'array', items: port, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name', 'proto'] },
      { type: 'array', items: { ...port, nullable: true }, maxItems: 2 },
      { type: 'array', items: port, default: [{ name: 'd' }, { name: 'e', n: 3 }] },
    ],
    values: [
      [{ name: 'a' }],
      [
        { name: 'a', n: 1 },
        { name: 'a', proto: 'UDP', x: 1 },
      ],
      [{ name: 'a' }, { name: 'a' }],
      [null],
      [],
      null,
      [{}],
      [{ name: 'a', n: 3_000_000_000 }],
      'x',
      [[]],
    ],
  },
  byName: {
    schemas: [
      { type: 'object', additionalProperties: port },
      { type: 'object', additionalProperties: { type: 'object', additionalProperties: port } },
      { type: 'object', additionalProperties: { ...port, nullable: true } },
      { type: 'object', additionalProperties: true },
    ],
    values: [
      { a: { name: 'x' } },
      { a: { b: { name: 'y', z: 1 } } },
      { a: {} },
      { a: null },
      {},
      null,
      [],
      { a: { name: 'x', n: 1.5 } },
    ],
  },
  nested: {
    schemas: [
      {
        type: 'object',
        default: {},
        properties: {
          a: { ...integer, default: 1 },
          b: { type: 'object', default: { c: 'x' }, properties: { c: string, d: { type: 'boolean', default: true } } },
        },
      },
      {
        type: 'object',
        properties: {
          a: { ...integer, default: 1 },
          b: { type: 'object', properties: { c: { ...string, default: 'y' } } },
        },
      },
      { type: 'object', nullable: true, default: null, properties: { a: integer } },
    ],
    values: [{}, { a: 2 }, { a: null }, { b: {} }, { b: null }, null, { b: { c: 'z', d: false, e: 1 } }, 7, { a: '1' }],
  },
  nothing: {
    schemas: [
      { ...string, nullable: true },
      string,
      { ...string, default: 'd' },
      { ...string, nullable: true, default: 'd' },
    ],
    values: [null, 'x', '', 1],
  },
  either: {
    schemas: [
      { 'x-kubernetes-int-or-string': true },
      { 'x-kubernetes-int-or-string': true, maximum: 5, maxLength: 2 },
      { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], default: '50%' },
      { 'x-kubernetes-int-or-string': true, pattern: '^[a-z]+$', nullable: true },
    ],
    values: [1, '50%', 'abc', 1.5, 7, null, true, []],
  },
  resource: {
    schemas: [
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        properties: { spec: { type: 'object', properties: { a: integer } } },
      },
      {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        properties: { apiVersion: string, kind: { ...string, enum: ['Pod'] }, metadata: { type: 'object' } },
      },
    ],
    values: [
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', labels: { a: 'b' }, foo: 1 }, spec: { a: 1, b: 2 } },
      { apiVersion: 'v1', kind: 'Pod' },
      { kind: 'Pod' },
      { apiVersion: 'a/b/c', kind: 'x y', metadata: {} },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'A_B', namespace: 'X', labels: { 'a b': 'c' } } },
      { apiVersion: 'v1', kind: 'Pod', metadata: null },
      { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { a: 1 } } },
      {},
      null,
    ],
  },
  open: {
    schemas: [
      open,
      { ...open, properties: { known: { type: 'object', properties: { a: { ...integer, default: 4 } } } } },
      { 'x-kubernetes-preserve-unknown-fields': true },
      { type: 'array', items: open },
    ],
    values: [{ q: 1 }, { known: { a: 2, b: 3 } }, { known: {} }, [{ s: [1, null] }], { q: null }, 'text', 3, null, []],
  },
  text: {
    schemas: [
      { ...string, enum: ['a', 'b'] },
      { ...string, pattern: '^[a-c]+$', maxLength: 3 },
      ...[
        'date',
        'date-time',
        'byte',
        'ipv4',
        'ipv6',
        'uuid',
        'email',
        'hostname',
        'uri',
        'duration',
        'cidr',
        'mac',
        'isbn',
        'creditcard',
        'password',
        'nothing',
        'bsonobjectid',
        'hexcolor',
        'rgbcolor',
        'ssn',
        'k8s-short-name',
        'k8s-long-name',
      ].map((format) => ({ ...string, format })),
      { ...string, minLength: 2 },
      { ...string, not: { enum: ['a'] } },
    ],
    values: [
      'a',
      'abcd',
      'é€',
      '2020-01-01',
      '2020-01-01T00:00:00Z',
      'YQ==',
      '10.0.0.1',
      '::1',
      '123e4567-e89b-12d3-a456-426614174000',
      'a@example.com',
      'http://x/y',
      '1h30m',
      '10.0.0.0/8',
      '00:00:5e:00:53:01',
      '#fff',
      '',
      5,
    ],
  },
  number: {
    schemas: [
      { type: 'number' },
      { type: 'number', minimum: 1.5, exclusiveMinimum: true, maximum: 3 },
      { type: 'integer', multipleOf: 3 },
      { type: 'integer', format: 'int64', minimum: 0 },
      { type: 'number', format: 'float', default: 1 },
      { ...integer, enum: [1, 3] },
      { type: 'integer', format: 'int32', default: 7 },
    ],
    values: [1, 1.5, 3, 3.0, 9, -1, 2 ** 40, 1e21, 0.1, '3', null, true],
  },
  choice: {
    schemas: [
      { type: 'object', properties: { a: string, b: string }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      {
        type: 'object',
        properties: { a: string, b: string },
        anyOf: [{ required: ['a'] }, { properties: { b: { minLength: 2 } } }],
      },
      {
        type: 'object',
        properties: { a: string, b: string },
        allOf: [{ required: ['a'] }, { not: { required: ['b'] } }],
      },
      { type: 'object', properties: { a: string, b: string }, minProperties: 1, maxProperties: 1 },
    ],
    values: [{ a: '1' }, { b: '22' }, { b: '2' }, { a: '1', b: '22' }, {}, { c: 1 }, null],
  },
  set: {
    schemas: [
      { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
      { type: 'array', items: { ...integer }, 'x-kubernetes-list-type': 'set', minItems: 1 },
      {
        type: 'array',
        items: { type: 'object', 'x-kubernetes-map-type': 'atomic', properties: { a: string } },
        'x-kubernetes-list-type': 'set',
      },
      {
        type: 'array',
        items: { type: 'array', items: integer, 'x-kubernetes-list-type': 'atomic' },
        'x-kubernetes-list-type': 'set',
      },
    ],
    values: [['x'], ['x', 'x'], [1, 2, 1], [{ a: '1' }, { a: '1' }], [[1], [1]], [], null, [null]],
  },
  flag: { schemas: [{ type: 'boolean' }, { type: 'boolean', default: false }], values: [true, false, 'true', null] },
};

/** A schema of some fields under `spec`, each in one of its forms. */
export function customSchema(rng: Rng, names: readonly string[], word: string): JsonObject {
  const properties: JsonObject = Object.fromEntries(
    names.map((name) => [name, rng.pick(customFields[name]?.schemas ?? [string])]),
  );
  return {
    type: 'object',
    ...(rng.bool(0.1) && { 'x-kubernetes-preserve-unknown-fields': true }),
    properties: {
      // What says by its refusal which schema is in force.
      probe: { ...string, enum: [word] },
      spec: {
        type: 'object',
        ...(rng.bool(0.2) && { required: [names[0] ?? 'probe'] }),
        ...(rng.bool(0.15) && { default: {} }),
        ...(rng.bool(0.1) && { nullable: true }),
        properties: {
          ...properties,
          replicas: rng.bool() ? { ...integer, minimum: 0 } : { ...integer, default: 2 },
          tier: string,
        },
      },
      status: {
        type: 'object',
        properties: { replicas: integer, selector: string, word: { ...string, default: 'w' } },
      },
    },
  };
}

/** A value under `spec` for one field, and sometimes more. */
export function customSpec(rng: Rng, names: readonly string[]): JsonObject {
  const chosen = rng.shuffled(names).slice(0, rng.pick([0, 1, 1, 1, 2]));
  return {
    ...Object.fromEntries(chosen.map((name) => [name, rng.pick(customFields[name]?.values ?? [null])])),
    ...(rng.bool(0.3) && { tier: rng.pick(['front', 'back']) }),
    ...(rng.bool(0.2) && { replicas: rng.pick([0, 3, -1]) }),
    ...(rng.bool(0.1) && { unknown: { x: 1 } }),
  };
}
