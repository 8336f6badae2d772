import { stringify } from 'yaml';

/** Writers of protobuf fields for the OpenAPI messages of gnostic (github.com/google/gnostic-models). */

export type Loose = Readonly<Record<string, unknown>>;

const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object of whatever fields; a schema library would copy each of millions. */
export function loose(value: unknown): Loose {
  if (!isLoose(value)) throw new TypeError('a part of an OpenAPI document is no object');
  return value;
}

export const nothing = Buffer.alloc(0);
export const message = (...parts: readonly Buffer[]) => Buffer.concat(parts);
export const entries = (object: unknown) => (object === undefined ? [] : Object.entries(loose(object)));

function varint(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) digits.push((rest & 0x7f) | 0x80);
  return Buffer.from([...digits, rest]);
}

/** What stands before so many bytes of a field. */
export const head = (field: number, length: number) => Buffer.concat([varint(field * 8 + 2), varint(length)]);
export const bytes = (field: number, content: Buffer) => Buffer.concat([head(field, content.length), content]);
/** As `bytes`, of content that is in pieces. */
export const pieces = (field: number, content: readonly Buffer[]): readonly Buffer[] => [
  head(field, lengthOf(content)),
  ...content,
];
export const lengthOf = (content: readonly Buffer[]) => content.reduce((sum, { length }) => sum + length, 0);
export const text = (field: number, value: unknown) =>
  typeof value === 'string' && value !== '' ? bytes(field, Buffer.from(value)) : nothing;
export const flag = (field: number, value: unknown) =>
  value === true ? Buffer.concat([varint(field * 8), varint(1)]) : nothing;
export const integer = (field: number, value: unknown) =>
  typeof value === 'number' && value > 0 ? Buffer.concat([varint(field * 8), varint(value)]) : nothing;

export const double = (field: number, value: unknown) =>
  typeof value === 'number' && value !== 0 ? fixed(field, value) : nothing;

/** A double, also where it is zero. */
export function fixed(field: number, value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([varint(field * 8 + 1), content]);
}

export const texts = (field: number, values: unknown) =>
  Array.isArray(values) ? Buffer.concat(values.map((each: unknown) => text(field, each))) : nothing;
export const named = (name: string, value: Buffer) => message(text(1, name), bytes(2, value));
/** gnostic's `Any`: the value as YAML. */
export function any(value: unknown): Buffer {
  const key = String(JSON.stringify(value));
  const known = written.get(key);
  if (known) return known;
  const made = bytes(2, Buffer.from(stringify(value)));
  if (key.length <= longestKept) {
    if (written.size >= mostKept) written.clear();
    written.set(key, made);
  }
  return made;
}

/** By their JSON: each operation tells of its kind again, and to write YAML takes longer than all the rest. */
const written = new Map<string, Buffer>();
const mostKept = 1000;
const longestKept = 300;

export const anys = (field: number, values: unknown) =>
  Array.isArray(values) ? message(...values.map((each: unknown) => bytes(field, any(each)))) : nothing;
export const list = (values: unknown): readonly unknown[] => (Array.isArray(values) ? values : []);

/** Everything that begins with `x-`, its value as YAML. */
export function extensions(field: number, object: Loose): Buffer {
  const own = entries(object).filter(([name]) => name.startsWith('x-'));
  return message(...own.map(([name, value]) => bytes(field, named(name, any(value)))));
}
