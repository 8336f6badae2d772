import { seededRandom } from '@keelson/core/testing';
import type { Schema } from '../registry/contract.ts';
import { definitions } from './table.ts';

/** Numbers in [0, 1). */
export type Chance = () => number;

/** The same numbers for the same seed. */
export const chanceFrom: (seed: number) => Chance = seededRandom;

const pick = <T>(chance: Chance, values: readonly T[]): T => values[Math.floor(chance() * values.length)] as T;

const quantities = ['0', '1', '100m', '1000m', '1Gi', '1024Mi', '1e3', '0.5', 5, '12345678901', '1.5Gi'];
const times = ['2020-01-02T03:04:05Z', '2020-01-02T03:04:05.6+01:00', '0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z'];
const microTimes = ['2020-01-02T03:04:05.678901Z', '2020-01-02T03:04:05.678901+02:00', '0001-01-01T00:00:00.000000Z'];

const special: Readonly<Record<string, (chance: Chance) => unknown>> = {
  Quantity: (chance) => pick(chance, quantities),
  Time: (chance) => pick(chance, times),
  MicroTime: (chance) => pick(chance, microTimes),
  IntOrString: (chance) => pick(chance, [0, 1, '', 'a', '50%']),
  RawExtension: (chance) => pick(chance, [{}, { a: 1 }, { apiVersion: 'v1', kind: 'Foo', b: [] }]),
  JSON: (chance) => pick<unknown>(chance, [1, 'a', true, {}, []]),
  FieldsV1: () => ({ 'f:spec': {} }),
  JSONSchemaPropsOrBool: (chance) => pick<unknown>(chance, [true, false, {}, { type: 'string' }]),
  JSONSchemaPropsOrArray: (chance) => pick<unknown>(chance, [{}, { type: 'string' }]),
  JSONSchemaPropsOrStringArray: (chance) => pick<unknown>(chance, [{}, ['a']]),
};

/** A value of a schema as clients might send it: with nulls, zeros and empties where they may stand. */
export function randomValue(schema: Schema, chance: Chance, depth = 0): unknown {
  if (schema.ref !== undefined) {
    const own = special[schema.ref.slice(schema.ref.lastIndexOf('.') + 1)];
    return own ? own(chance) : randomObject(schema.ref, chance, depth + 1);
  }
  const dice = chance();
  switch (schema.type) {
    case 'string': {
      if (schema.format === 'byte') return pick(chance, ['', 'YQ==', 'YWJj']);
      if (schema.format === 'date-time') return pick(chance, times);
      const values = Array.isArray(schema['enum']) ? schema['enum'].map(String) : ['a', 'b'];
      return dice < 0.3 ? '' : pick(chance, values);
    }
    case 'integer':
      return dice < 0.4 ? 0 : pick(chance, [1, 2, 7]);
    case 'number':
      return pick(chance, [0, 1.5, 2]);
    case 'boolean':
      return dice < 0.5;
    case 'array':
      if (dice < 0.25 || depth > 9) return [];
      return [
        ...(dice < 0.35 ? [null] : []),
        randomValue(schema.items ?? {}, chance, depth + 1),
        ...(dice > 0.8 ? [randomValue(schema.items ?? {}, chance, depth + 1)] : []),
      ];
    case 'object': {
      const values = schema.additionalProperties;
      if (dice < 0.25 || typeof values !== 'object') return {};
      return { a: randomValue(values, chance, depth + 1), ...(dice < 0.4 && { b: null }) };
    }
    default:
      return {};
  }
}

export function randomObject(definition: string, chance: Chance, depth = 0): Record<string, unknown> {
  const { properties = {} } = definitions()[definition] ?? {};
  const names = Object.keys(properties);
  const result: Record<string, unknown> = {};
  const share = depth > 6 ? 0.1 : depth > 3 ? 0.35 : 0.75;
  // Fields come in any order.
  for (const name of names.sort(() => chance() - 0.5)) {
    if (chance() > share) continue;
    const schema = properties[name];
    if (schema !== undefined) result[name] = chance() < 0.08 ? null : randomValue(schema, chance, depth);
  }
  return result;
}

/** Metadata that the server takes out or refuses before any webhook is asked. */
const serverFields = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generateName',
  'managedFields',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
];

/** A body to create, of no declared type, with these labels alone. */
export function randomBody(
  definition: string,
  chance: Chance,
  labels: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const { kind: _kind, apiVersion: _version, metadata, ...body } = randomObject(definition, chance);
  const own = Object.entries(typeof metadata === 'object' && metadata !== null ? metadata : {});
  const kept = Object.fromEntries(own.filter(([name]) => !serverFields.includes(name)));
  return { ...body, metadata: { ...kept, name: 'a', labels } };
}
