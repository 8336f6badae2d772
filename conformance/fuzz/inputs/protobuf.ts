import fc, { type Arbitrary } from 'fast-check';
import { encodeProtobuf } from '../../../packages/apiserver/src/http/protobuf/envelope.ts';
import type { JsonObject } from '../../twin/json.ts';
import { type Kind, validObject } from './kinds.ts';
import { of } from './texts.ts';

interface ByteMutation {
  readonly at: number;
  readonly how: 'set' | 'flip' | 'insert' | 'delete' | 'truncate' | 'repeat' | 'varint';
  readonly value: number;
}

const byteMutation: Arbitrary<ByteMutation> = fc.record({
  at: fc.nat({ max: 4000 }),
  how: of('set', 'flip', 'insert', 'delete', 'truncate', 'repeat', 'varint'),
  value: fc.nat({ max: 255 }),
});

const hugeVarints = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
];

function apply(bytes: readonly number[], { at, how, value }: ByteMutation): number[] {
  const result = [...bytes];
  const index = at % Math.max(1, result.length);
  switch (how) {
    case 'set':
      result[index] = value;
      break;
    case 'flip':
      result[index] = (result[index] ?? 0) ^ (1 << (value & 7));
      break;
    case 'insert':
      result.splice(index, 0, value);
      break;
    case 'delete':
      result.splice(index, (value & 15) + 1);
      break;
    case 'truncate':
      result.length = index;
      break;
    case 'repeat':
      result.splice(index, 0, ...result.slice(index, index + value));
      break;
    case 'varint':
      result.splice(index, 1, ...(hugeVarints[value % hugeVarints.length] ?? []));
      break;
  }
  return result;
}

const known = new Map<string, readonly number[]>();

function encoded(kind: Kind, full: boolean): readonly number[] {
  const key = `${kind.id} ${full}`;
  const before = known.get(key);
  if (before) return before;
  const object = plain(validObject(kind, full));
  let bytes: readonly number[] = [...Buffer.from('k8s\0')];
  try {
    bytes = [...encodeProtobuf({ ...object, kind: kind.kind, apiVersion: kind.apiVersion })];
  } catch {
    // A kind without a form in protobuf: its bodies are only the beginning of one.
  }
  known.set(key, bytes);
  return bytes;
}

/** Names whose length would change in the body, and its lengths with them, are put in before. */
const plain = (object: JsonObject): JsonObject =>
  JSON.parse(JSON.stringify(object).replaceAll('{{ip}}', '10.200.0.1').replaceAll('{{net}}', '2001:db8:7:7::'));

const latin1 = (bytes: readonly number[]) => Buffer.from(bytes).toString('latin1');

/** A valid object of the kind, its bytes changed. */
export const mutatedProtobuf = (kind: Kind): Arbitrary<string> =>
  fc
    .tuple(fc.boolean(), fc.array(byteMutation, { maxLength: 4 }))
    .map(([full, mutations]) => latin1(mutations.reduce<readonly number[]>(apply, encoded(kind, full))));

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
const field = (number: number, type: number, content: readonly number[]) => [...varint(number * 8 + type), ...content];
const message = (content: readonly number[]) => [...varint(content.length), ...content];

/** Any message: fields by chance, of any wire type, one in the other. */
const anyMessage: Arbitrary<number[]> = fc.letrec<{ node: number[] }>((tie) => ({
  node: fc
    .array(
      fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        {
          weight: 3,
          arbitrary: fc
            .tuple(
              fc.integer({ min: 0, max: 20 }),
              fc.nat({ max: 7 }),
              fc.array(fc.nat({ max: 255 }), { maxLength: 10 }),
            )
            .map(([number, type, content]) => field(number, type, type === 2 ? message(content) : content)),
        },
        {
          weight: 2,
          arbitrary: fc
            .tuple(fc.integer({ min: 1, max: 20 }), tie('node'))
            .map(([number, content]) => field(number, 2, message(content))),
        },
      ),
      { maxLength: 5 },
    )
    .map((all) => all.flat()),
})).node;

const text = (value: string) => message([...Buffer.from(value)]);

/** A message in the envelope that names its type. */
const enveloped = (kind: Kind, raw: readonly number[]) => {
  const typeMeta = [...field(1, 2, text(kind.apiVersion)), ...field(2, 2, text(kind.kind))];
  return latin1([...Buffer.from('k8s\0'), ...field(1, 2, message(typeMeta)), ...field(2, 2, message(raw))]);
};

function nested(number: number, depth: number): number[] {
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level++)
    inner = Buffer.concat([Buffer.from(field(number, 2, varint(inner.length))), inner]);
  return [...inner];
}

/** Bodies under the content type of protobuf. */
export const protobufBody = (kind: Kind): Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: mutatedProtobuf(kind) },
    { weight: 3, arbitrary: anyMessage.map((raw) => enveloped(kind, raw)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 3 }), of(10, 200, 3000))
        .map(([number, depth]) => enveloped(kind, nested(number, depth))),
    },
    {
      weight: 1,
      arbitrary: of(
        '',
        'k8s',
        'k8s\0',
        'k8s\0\x0a',
        'k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
        '{}',
        'k8s\0\x12\x00',
        'K8S\0',
      ),
    },
    { weight: 1, arbitrary: anyMessage.map((bytes) => `k8s\0${latin1(bytes)}`) },
  );
