import { z } from 'zod';
import { messagesJson } from './generated/messages.ts';
import { WireError, WireReader } from './wire.ts';

/** Number, type, and 1 where the absence of the field differs from its zero value. A name with `~` has no JSON name: inlined. */
const Field = z.tuple([z.number(), z.string()]).or(z.tuple([z.number(), z.string(), z.literal(1)]));
const Messages = z.record(z.string(), z.record(z.string(), Field));

interface FieldInfo {
  readonly name: string;
  readonly inline: boolean;
  readonly type: string;
  readonly repeated: boolean;
  /** Type of a map's values. */
  readonly mapOf: string | undefined;
  /** Zero says something else than absence. */
  readonly keepZero: boolean;
}

let table: z.infer<typeof Messages> | undefined;
const compiled = new Map<string, ReadonlyMap<number, FieldInfo>>();
const deepest = 200;

type Values = Record<string, unknown>;

/** Reads one message of the API as the JSON that would say the same. Throws `WireError`. */
export function decodeMessage(type: string, bytes: Uint8Array, depth = 0): unknown {
  if (depth > deepest) throw new WireError('proto: nested too deeply');
  const fields = fieldsOf(type);
  const values: Values = {};
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const { field, wire } = reader.tag();
    const info = fields.get(field);
    if (!info) reader.skip(wire);
    else readField(reader, info, wire, values, depth);
  }
  return shortType(type) in specials ? specials[shortType(type)]?.(values) : values;
}

export function isMessage(type: string): boolean {
  table ??= Messages.parse(JSON.parse(messagesJson));
  return table[type] !== undefined;
}

function fieldsOf(type: string): ReadonlyMap<number, FieldInfo> {
  const known = compiled.get(type);
  if (known) return known;
  table ??= Messages.parse(JSON.parse(messagesJson));
  const entries = Object.entries(table[type] ?? {}).map(([name, [number, text, keep]]): [number, FieldInfo] => {
    const map = /^map<\w+,(.+)>$/.exec(text)?.[1];
    const repeated = text.startsWith('repeated ');
    const special = shortType(type) in specials;
    return [
      number,
      {
        name: name.startsWith('~') ? name.slice(1) : name,
        inline: name.startsWith('~') && !special,
        type: map ?? (repeated ? text.slice('repeated '.length) : text),
        repeated,
        mapOf: map,
        keepZero: keep === 1 || special,
      },
    ];
  });
  const fields = new Map(entries);
  compiled.set(type, fields);
  return fields;
}

function readField(reader: WireReader, info: FieldInfo, wire: number, values: Values, depth: number): void {
  if (info.mapOf !== undefined) {
    const [key, value] = readEntry(reader.bytes(), info.mapOf, depth);
    const map = values[info.name];
    const entries: Values = typeof map === 'object' && map !== null ? { ...map } : {};
    Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true });
    values[info.name] = entries;
    return;
  }
  if (info.repeated) {
    const list = values[info.name];
    const items: unknown[] = Array.isArray(list) ? list : [];
    values[info.name] = items;
    if (wire === 2 && /^(int|bool|double)/.test(info.type)) {
      const packed = new WireReader(reader.bytes());
      while (!packed.done) items.push(readValue(packed, info.type, depth));
    } else items.push(readValue(reader, info.type, depth));
    return;
  }
  const value = readValue(reader, info.type, depth);
  if (info.inline) {
    if (typeof value === 'object' && value !== null) Object.assign(values, value);
    return;
  }
  const zero = value === '' || value === 0 || value === false || value === undefined;
  if (!zero || (info.keepZero && value !== undefined)) values[info.name] = value;
}

function readEntry(bytes: Uint8Array, type: string, depth: number): [string, unknown] {
  const reader = new WireReader(bytes);
  let key = '';
  let value: unknown;
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1) key = reader.string();
    else if (field === 2) value = readValue(reader, type, depth);
    else reader.skip(wire);
  }
  return [key, value ?? (type === 'string' || type === 'bytes' ? '' : {})];
}

function readValue(reader: WireReader, type: string, depth: number): unknown {
  switch (type) {
    case 'string':
      return reader.string();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'bool':
      return reader.bool();
    case 'int32':
    case 'int64':
      return reader.int();
    case 'double':
      return reader.double();
    default:
      return decodeMessage(type, reader.bytes(), depth + 1);
  }
}

const shortType = (type: string) => type.slice(type.lastIndexOf('.') + 1);

const number = (value: unknown) => (typeof value === 'number' ? value : 0);

/** Raw JSON inside of a message. */
function embedded(value: unknown): unknown {
  if (typeof value !== 'string' || value === '') return undefined;
  const parsed: unknown = JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
  return parsed;
}

function time(values: Values, digits: 'seconds' | 'micros'): string | undefined {
  if (values['seconds'] === undefined && values['nanos'] === undefined) return undefined;
  const seconds = number(values['seconds']);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (digits === 'seconds') return `${text}Z`;
  return `${text}.${String(Math.trunc(number(values['nanos']) / 1000)).padStart(6, '0')}Z`;
}

/** Messages whose JSON is not an object of their fields. */
const specials: Readonly<Record<string, (values: Values) => unknown>> = {
  Time: (values) => time(values, 'seconds'),
  MicroTime: (values) => time(values, 'micros'),
  Quantity: ({ string }) => string ?? '0',
  IntOrString: ({ type, intVal, strVal }) => (number(type) === 1 ? (strVal ?? '') : number(intVal)),
  Duration: ({ duration }) => `${number(duration) / 1e9}s`,
  ExtraValue: ({ items }) => items ?? [],
  FieldsV1: ({ Raw }) => embedded(Raw),
  RawExtension: ({ raw, Raw }) => embedded(raw ?? Raw),
  JSON: ({ raw, Raw }) => embedded(raw ?? Raw),
  JSONSchemaPropsOrBool: ({ allows, schema }) => schema ?? allows ?? false,
  JSONSchemaPropsOrArray: ({ schema, jSONSchemas }) => schema ?? jSONSchemas ?? [],
  JSONSchemaPropsOrStringArray: ({ schema, property }) => schema ?? property ?? [],
};
