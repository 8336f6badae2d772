import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resourceTable } from '../../schema/index.ts';
import { decodeMessage } from './decode-message.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import { encodeMessage } from './encode-message.ts';
import { encodeProtobuf } from './envelope.ts';
import { fieldsOf, type MessageField, messageOf } from './message-table.ts';

const seconds = fc
  .date({ min: new Date('1970-01-01T00:00:00Z'), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true })
  .map((each) => `${each.toISOString().slice(0, 19)}Z`);
const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const key = fc.string({ minLength: 1, maxLength: 12 });
/** Not `undefined`, and nothing that JSON writes otherwise, such as -0. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify(value)) ?? false);
const object = fc.dictionary(key, json).map((value): unknown => JSON.parse(JSON.stringify(value)));
const schema = fc.record({ type: fc.constantFrom('string', 'object') });

const specials: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  Time: seconds,
  MicroTime: seconds.map((each) => each.replace('Z', '.012345Z')),
  Quantity: fc.constantFrom('0', '1', '100m', '1Gi'),
  IntOrString: fc.oneof(fc.integer(), text),
  ExtraValue: fc.array(text),
  Verbs: fc.array(text),
  FieldsV1: object,
  RawExtension: object,
  JSON: json,
  JSONSchemaPropsOrBool: fc.oneof(fc.boolean(), schema),
  JSONSchemaPropsOrArray: fc.oneof(fc.array(schema, { minLength: 1 }), schema),
  JSONSchemaPropsOrStringArray: fc.oneof(fc.array(text, { minLength: 1 }), schema),
};

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }).map((each) => Buffer.from(each).toString('base64')),
  bool: fc.boolean(),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each + 0),
};

/** What JSON leaves out: zero values of fields that are no pointers. */
const isZero = (value: unknown) => value === '' || value === 0 || value === false;

function arbitraryOf(type: string, depth: number): fc.Arbitrary<unknown> {
  return scalars[type] ?? specials[type.slice(type.lastIndexOf('.') + 1)] ?? message(type, depth - 1);
}

/** The JSON of a field, or `undefined` where it is absent. */
function fieldOf({ shape, type, optional }: MessageField, depth: number): fc.Arbitrary<unknown> {
  const value = arbitraryOf(type, depth);
  const small = { minLength: 1, maxLength: 2 };
  if (shape === 'repeated') return fc.option(fc.array(value, small), { nil: undefined });
  if (shape === 'map') return fc.option(fc.dictionary(key, value, { minKeys: 1, maxKeys: 3 }), { nil: undefined });
  if (optional) return fc.option(value, { nil: undefined });
  // A message that is no pointer is always there, a time alone may be none.
  if (/\.(Quantity|IntOrString)$/.test(type)) return value;
  if (scalars[type] || specials[type.slice(type.lastIndexOf('.') + 1)])
    return fc.option(value, { nil: undefined }).map((each) => (scalars[type] && isZero(each) ? undefined : each));
  return value;
}

function message(type: string, depth: number): fc.Arbitrary<unknown> {
  const fields = fieldsOf(type);
  const recursive = depth <= 0;
  const parts = fields.map((field) => {
    const simple = scalars[field.type] ?? specials[field.type.slice(field.type.lastIndexOf('.') + 1)];
    const mayGo = field.optional || field.shape !== 'single';
    return recursive && !simple && mayGo
      ? fc.constant(undefined)
      : fc.constant(field).chain((each) => fieldOf(each, depth));
  });
  return fc.tuple(...parts).map((values) => {
    const result: Record<string, unknown> = {};
    fields.forEach((field, index) => {
      const value = values[index];
      if (value === undefined) return;
      if (field.inline) Object.assign(result, value);
      else result[field.name] = value;
    });
    return result;
  });
}

const kinds = resourceTable().resources.flatMap(({ group, version, kind, subresources }) =>
  [
    { group, version, kind },
    ...(subresources ?? []).map((each) => (each.kind.version ? each.kind : { group, version, kind: each.kind.kind })),
  ].map((each) => ({
    apiVersion: each.group === '' ? each.version : `${each.group}/${each.version}`,
    kind: each.kind,
  })),
);
const distinct = [...new Map(kinds.map((each) => [`${each.apiVersion} ${each.kind}`, each])).values()].filter(
  ({ kind }) => !kind.endsWith('Options'),
);

describe('objects in protobuf', () => {
  it.each(distinct)('$apiVersion $kind comes back as it went', (type) => {
    const name = messageOf(type.apiVersion, type.kind);
    expect(name).toBeDefined();
    fc.assert(
      fc.property(message(name ?? '', 4), (value) => {
        const sent = { ...type, ...(value as object) };
        expect(decodeProtobuf(encodeProtobuf(sent))).toEqual(sent);
      }),
      { numRuns: 15 },
    );
  });

  it('writes numbers of every size', () => {
    const type = 'k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta';
    fc.assert(
      fc.property(fc.maxSafeInteger(), (generation) => {
        fc.pre(generation !== 0);
        expect(decodeMessage(type, encodeMessage(type, { generation }))).toEqual({ generation });
      }),
    );
    for (const generation of [-1, 127, 128, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 49, 2 ** 62]) {
      expect(decodeMessage(type, encodeMessage(type, { generation }))).toEqual({ generation });
    }
  });

  it('writes what Go writes: zero values too, absent pointers not', () => {
    const bytes = encodeMessage('k8s.io.api.core.v1.ContainerPort', { containerPort: 80, protocol: 'TCP' });
    expect(bytes.toString('hex')).toBe('0a001000185022035443502a00');
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeProtobuf(Buffer.concat([Buffer.from('6b387300', 'hex'), bytes]), { apiVersion: 'v1', kind: 'Pod' });
        } catch (error) {
          expect(error).toHaveProperty('name', 'WireError');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
