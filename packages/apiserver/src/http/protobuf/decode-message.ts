import { deepestJson, nestsDeeper } from '@keelson/core/machinery';
import { fieldsOf, type MessageField } from './message-table.ts';
import { formatMicros, formatSeconds } from './times.ts';
import { WireError, WireReader } from './wire.ts';

type Values = Record<string, unknown>;
/** Reads a message up to the end that the reader is narrowed to. */
type Decoder = (reader: WireReader, depth: number) => unknown;
type FieldDecoder = (reader: WireReader, wire: number, values: Values, depth: number) => void;
type ValueDecoder = (reader: WireReader, wire: number, depth: number) => unknown;

const decoders = new Map<string, Decoder>();

/** Reads one message of the API as the JSON that would say the same. Throws `WireError`, and `SyntaxError` for JSON inside that is none. */
export function decodeMessage(type: string, bytes: Uint8Array): unknown {
  return decoderOf(type)(new WireReader(bytes), 0);
}

function decoderOf(type: string): Decoder {
  const known = decoders.get(type);
  if (known) return known;
  let compiled: Decoder | undefined;
  const late: Decoder = (reader, depth) => {
    if (!compiled) {
      compiled = compile(type);
      decoders.set(type, compiled);
    }
    return compiled(reader, depth);
  };
  decoders.set(type, late);
  return late;
}

const shortName = (type: string) => type.slice(type.lastIndexOf('.') + 1);

function compile(type: string): Decoder {
  const special = specials[shortName(type)];
  const read = structDecoder(type, special !== undefined);
  return special ? (reader, depth) => special(read(reader, depth)) : read;
}

/** `bare`: the fields are parts of a special message: all of them count, and none is inlined. */
function structDecoder(type: string, bare: boolean): (reader: WireReader, depth: number) => Values {
  const fields: FieldDecoder[] = [];
  const sparse = new Map<number, FieldDecoder>();
  for (const field of fieldsOf(type)) {
    const decode = compileField(bare ? { ...field, inline: false, optional: true } : field);
    if (field.number < 128) fields[field.number] = decode;
    else sparse.set(field.number, decode);
  }
  return (reader, depth) => {
    if (depth > deepestJson) throw new WireError('proto: nested too deeply');
    const values: Values = {};
    while (!reader.done) {
      const tag = reader.tag();
      const number = tag >>> 3;
      const decode = number < 128 ? fields[number] : sparse.get(number);
      if (decode) decode(reader, tag & 7, values, depth);
      else reader.skip(tag & 7);
    }
    return values;
  };
}

function compileField(field: MessageField): FieldDecoder {
  const { name, shape, inline, optional, type } = field;
  const read = valueDecoder(type);
  if (shape === 'map') {
    return (reader, wire, values, depth) => {
      expect(wire, 2, name);
      let map = values[name] as Values | undefined;
      if (!map) {
        map = {};
        values[name] = map;
      }
      readEntry(reader, read, type, map, depth);
    };
  }
  if (shape === 'repeated') {
    const packable = type === 'int32' || type === 'int64' || type === 'bool' || type === 'double';
    return (reader, wire, values, depth) => {
      let list = values[name] as unknown[] | undefined;
      if (!list) {
        list = [];
        values[name] = list;
      }
      if (!packable || wire !== 2) {
        list.push(read(reader, wire, depth));
        return;
      }
      const outer = reader.enter();
      while (!reader.done) list.push(read(reader, type === 'double' ? 1 : 0, depth));
      reader.leave(outer);
    };
  }
  if (inline) {
    return (reader, wire, values, depth) => {
      const value = read(reader, wire, depth);
      if (typeof value === 'object' && value !== null) Object.assign(values, value);
    };
  }
  // Zero says nothing where Go has no pointer; the zero of a message that JSON writes as a scalar does.
  if (optional || type.includes('.')) {
    return (reader, wire, values, depth) => {
      const value = read(reader, wire, depth);
      if (value !== undefined) values[name] = value;
    };
  }
  return (reader, wire, values, depth) => {
    const value = read(reader, wire, depth);
    if (value !== '' && value !== 0 && value !== false && value !== undefined) values[name] = value;
  };
}

function readEntry(reader: WireReader, read: ValueDecoder, type: string, map: Values, depth: number): void {
  const outer = reader.enter();
  let key = '';
  let value: unknown;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 0x0a) key = reader.string();
    else if (tag >>> 3 === 2) value = read(reader, tag & 7, depth);
    else reader.skip(tag & 7);
  }
  reader.leave(outer);
  value ??= type === 'string' || type === 'bytes' ? '' : {};
  if (key === '__proto__')
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
}

function expect(wire: number, wanted: number, field: string): void {
  if (wire !== wanted) throw new WireError(`proto: wrong wireType = ${wire} for field ${field}`);
}

function valueDecoder(type: string): ValueDecoder {
  switch (type) {
    case 'string':
      return (reader, wire) => {
        expect(wire, 2, type);
        return reader.string();
      };
    case 'bytes':
      return (reader, wire) => {
        expect(wire, 2, type);
        return reader.base64();
      };
    case 'bool':
      return (reader, wire) => {
        expect(wire, 0, type);
        return reader.bool();
      };
    case 'int32':
      return (reader, wire) => {
        expect(wire, 0, type);
        return reader.int32();
      };
    case 'int64':
      return (reader, wire) => {
        expect(wire, 0, type);
        return reader.int64();
      };
    case 'double':
      return (reader, wire) => {
        expect(wire, 1, type);
        return reader.double();
      };
    default: {
      const decode = decoderOf(type);
      return (reader, wire, depth) => {
        expect(wire, 2, type);
        const outer = reader.enter();
        const value = decode(reader, depth + 1);
        reader.leave(outer);
        return value;
      };
    }
  }
}

const number = (value: unknown) => (typeof value === 'number' ? value : 0);

/** Raw JSON inside of a message. */
function embedded(value: unknown): unknown {
  if (typeof value !== 'string' || value === '') return undefined;
  const parsed: unknown = JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
  if (nestsDeeper(parsed)) throw new WireError('proto: nested too deeply');
  return parsed;
}

const absent = ({ seconds, nanos }: Values) => seconds === undefined && nanos === undefined;

/** Messages whose JSON is not an object of their fields. */
const specials: Readonly<Record<string, (values: Values) => unknown>> = {
  Time: (values) => (absent(values) ? undefined : formatSeconds(number(values['seconds']))),
  MicroTime: (values) =>
    absent(values) ? undefined : formatMicros(number(values['seconds']), number(values['nanos'])),
  Quantity: ({ string }) => (string === undefined || string === '' ? '0' : string),
  IntOrString: ({ type, intVal, strVal }) => (number(type) === 1 ? (strVal ?? '') : number(intVal)),
  ExtraValue: ({ items }) => items ?? [],
  Verbs: ({ items }) => items ?? [],
  FieldsV1: (values) => embedded(values['-']),
  RawExtension: ({ raw }) => embedded(raw),
  JSON: (values) => embedded(values['-']),
  JSONSchemaPropsOrBool: ({ allows, schema }) => schema ?? allows ?? false,
  JSONSchemaPropsOrArray: ({ schema, jSONSchemas }) => schema ?? jSONSchemas ?? [],
  JSONSchemaPropsOrStringArray: ({ schema, property }) => schema ?? property ?? [],
};
