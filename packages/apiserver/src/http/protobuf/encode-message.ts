import { fieldsOf, type MessageField } from './message-table.ts';
import { parseTime, zeroSeconds } from './times.ts';
import { WireWriter } from './wire-writer.ts';

type Json = Readonly<Record<string, unknown>>;
/** Writes the fields of a message, without tag and length. */
type Encoder = (writer: WireWriter, value: unknown) => void;
/** Writes one field of `object`, if it is to be written. */
type FieldEncoder = (writer: WireWriter, object: Json) => void;
/** Writes one value with its tag. */
type ValueEncoder = (writer: WireWriter, value: unknown) => void;

const encoders = new Map<string, Encoder>();
const shared = new WireWriter(256 * 1024);

/** The message that says the same as a JSON value, byte for byte as Kubernetes writes it. */
export function encodeMessage(type: string, value: unknown, allocate?: (length: number) => Buffer): Buffer {
  shared.reset();
  encoderOf(type)(shared, value);
  return shared.take(allocate);
}

/** One field of a message with its tag; empty where it is not written. `name` is the field's key in JSON. */
export function encodeField(type: string, name: string, value: unknown): Buffer {
  const field = fieldsOf(type).find((each) => each.name === name);
  if (!field) return Buffer.alloc(0);
  shared.reset();
  compileField(field)(shared, { [name]: value });
  return shared.take();
}

function encoderOf(type: string): Encoder {
  const known = encoders.get(type);
  if (known) return known;
  // Messages may hold their own kind: the encoder is there before its fields are.
  let compiled: Encoder | undefined;
  const late: Encoder = (writer, value) => {
    if (!compiled) {
      compiled = compile(type);
      encoders.set(type, compiled);
    }
    compiled(writer, value);
  };
  encoders.set(type, late);
  return late;
}

const shortName = (type: string) => type.slice(type.lastIndexOf('.') + 1);

function compile(type: string): Encoder {
  const special = specials[shortName(type)];
  if (special) return special(type);
  return structEncoder(type);
}

function structEncoder(type: string): Encoder {
  const fields = fieldsOf(type).toReversed().map(compileField);
  const { length } = fields;
  return (writer, value) => {
    const object = typeof value === 'object' && value !== null ? (value as Json) : empty;
    for (let index = 0; index < length; index++) fields[index]?.(writer, object);
  };
}

const empty: Json = {};

function compileField(field: MessageField): FieldEncoder {
  const { name, shape, optional, inline } = field;
  const write = valueEncoder(field);
  if (inline) {
    if (shape === 'single') return (writer, object) => write(writer, object);
  }
  if (shape === 'repeated') {
    return (writer, object) => {
      const list = object[name];
      if (!Array.isArray(list)) return;
      for (let index = list.length - 1; index >= 0; index--) write(writer, list[index]);
    };
  }
  if (shape === 'map') return mapEncoder(field, valueEncoder({ ...field, number: 2 }));
  if (optional) {
    return (writer, object) => {
      const value = object[name];
      if (value !== undefined && value !== null) write(writer, value);
    };
  }
  return (writer, object) => write(writer, object[name]);
}

/** Entries in the order of their keys, as Go sorts them: by bytes. */
function mapEncoder({ name, number }: MessageField, write: ValueEncoder): FieldEncoder {
  const tag = number * 8 + 2;
  return (writer, object) => {
    const map = object[name];
    if (typeof map !== 'object' || map === null) return;
    const keys = Object.keys(map);
    if (keys.length > 1) keys.sort(byBytes);
    for (let index = keys.length - 1; index >= 0; index--) {
      const key = keys[index] ?? '';
      const end = writer.length;
      write(writer, (map as Json)[key]);
      writer.string(key);
      writer.byte(0x0a);
      writer.uint32(writer.length - end);
      writer.uint32(tag);
    }
  };
}

/** UTF-16 orders like UTF-8 but for surrogates, which keys of the API have only in free-form maps. */
function byBytes(a: string, b: string): number {
  if (/[^\x00-\x7f]/.test(a) || /[^\x00-\x7f]/.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

const asNumber = (value: unknown) => (typeof value === 'number' ? value : 0);
const asString = (value: unknown) => (typeof value === 'string' ? value : '');

function valueEncoder({ type, number, shape }: MessageField): ValueEncoder {
  const tag = number * 8;
  switch (type) {
    case 'string':
      return (writer, value) => {
        writer.string(asString(value));
        writer.uint32(tag + 2);
      };
    case 'bytes':
      return (writer, value) => {
        // Bytes that are nil are not written; in a list or a map there is always something.
        if (typeof value !== 'string' && shape === 'single') return;
        writer.base64(asString(value));
        writer.uint32(tag + 2);
      };
    case 'bool':
      return (writer, value) => {
        writer.byte(value === true ? 1 : 0);
        writer.uint32(tag);
      };
    case 'int32':
    case 'int64':
      return (writer, value) => {
        writer.int64(asNumber(value));
        writer.uint32(tag);
      };
    case 'double':
      return (writer, value) => {
        writer.double(asNumber(value));
        writer.uint32(tag + 1);
      };
    default: {
      const encode = encoderOf(type);
      return (writer, value) => {
        const end = writer.length;
        encode(writer, value);
        writer.uint32(writer.length - end);
        writer.uint32(tag + 2);
      };
    }
  }
}

const timeEncoder =
  (fraction: boolean): Encoder =>
  (writer, value) => {
    const time = typeof value === 'string' ? parseTime(value) : undefined;
    if (!time || (time.seconds === zeroSeconds && time.nanos === 0)) return;
    writer.int64(fraction ? time.nanos : 0);
    writer.byte(0x10);
    writer.int64(time.seconds);
    writer.byte(0x08);
  };

/** JSON as it is, in field 1. */
const rawJson = (): Encoder => (writer, value) => {
  if (value === undefined) return;
  writer.string(JSON.stringify(value));
  writer.byte(0x0a);
};

/** A list in JSON, a message around it in protobuf. */
const wrapped = (type: string): Encoder => {
  const encode = structEncoder(type);
  return (writer, value) => encode(writer, { items: value });
};

/** One of two shapes in JSON; in protobuf the fields of both. */
const either =
  (toFields: (value: unknown) => Json) =>
  (type: string): Encoder => {
    const encode = compileNames(type);
    return (writer, value) => encode(writer, toFields(value));
  };

/** Like `structEncoder`, for messages whose names in JSON are none. */
function compileNames(type: string): Encoder {
  const fields = fieldsOf(type)
    .toReversed()
    .map((field) => compileField({ ...field, inline: false }));
  return (writer, value) => {
    const object = typeof value === 'object' && value !== null ? (value as Json) : empty;
    for (const field of fields) field(writer, object);
  };
}

/** Messages whose JSON is not an object of their fields. */
const specials: Readonly<Record<string, (type: string) => Encoder>> = {
  Time: () => timeEncoder(false),
  MicroTime: () => timeEncoder(true),
  Quantity: () => (writer, value) => {
    writer.string(value === undefined || value === null ? '0' : String(value));
    writer.byte(0x0a);
  },
  IntOrString: () => (writer, value) => {
    const text = typeof value === 'string';
    writer.string(text ? value : '');
    writer.byte(0x1a);
    writer.int64(text ? 0 : asNumber(value));
    writer.byte(0x10);
    writer.byte(text ? 1 : 0);
    writer.byte(0x08);
  },
  ExtraValue: wrapped,
  Verbs: wrapped,
  FieldsV1: rawJson,
  RawExtension: rawJson,
  JSON: rawJson,
  JSONSchemaPropsOrBool: either((value) =>
    typeof value === 'boolean' ? { allows: value } : { allows: true, schema: value },
  ),
  JSONSchemaPropsOrArray: either((value) => (Array.isArray(value) ? { jSONSchemas: value } : { schema: value })),
  JSONSchemaPropsOrStringArray: either((value) => (Array.isArray(value) ? { property: value } : { schema: value })),
};
