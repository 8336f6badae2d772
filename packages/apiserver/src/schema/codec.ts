import { deepestJson, nestsDeeper } from '@keelson/core/machinery';
import type { Schema } from '../registry/contract.ts';
import type { Codec, Decoder } from './codec-contract.ts';
import { copy } from './copy.ts';
import { describeJson } from './decode-error.ts';
import { Findings } from './findings.ts';
import { type GoField, type GoType, goFields, parseGoType } from './go-types.ts';
import { markHollow, noteHollow } from './hollow.ts';
import { isRecord } from './records.ts';
import {
  booleanDecoder,
  bytesDecoder,
  floatDecoder,
  integerDecoder,
  intOrString,
  microTime,
  quantity,
  resourceAmount,
  stringDecoder,
  time,
} from './scalars.ts';
import { alternativeDecoder, isAlternative } from './schema-alternatives.ts';
import { definitions } from './table.ts';

/** What a decoder found besides the value: fields that the schema does not know, as `unknown field "spec.foo"`. */
export interface DecodeFindings {
  readonly unknown: string[];
  /** Keys of maps are not told in the places of unknown fields. */
  readonly unkeyed?: boolean;
}

/**
 * Copies a JSON value by its definition and leaves what Kubernetes would write: no unknown fields, no nulls but those
 * that Go writes, no empty values but those of pointers and of fields that are always there; quantities and times in
 * their one canonical form. Throws `DecodeError`.
 */
export function decodeAs(definition: string, value: unknown, found: DecodeFindings): unknown {
  const findings = new Findings(found.unkeyed);
  const decoded = structCodec(definition).decode(value, findings);
  if (findings.count > 0) found.unknown.push(...findings.settle());
  if (findings.hollow && isRecord(decoded)) markHollow(decoded);
  return decoded;
}

/** What an object of a definition is when nothing of it is set. */
export function emptyOf(definition: string): unknown {
  return structCodec(definition).zero();
}

const structs = new Map<string, Codec>();
const resourceNames = 'io.k8s.apimachinery.pkg.api.resource.';
const goName = (definition: string) => definition.split('.').slice(-2).join('.');
const shortName = (definition: string) => definition.slice(definition.lastIndexOf('.') + 1);

/** Definitions may be recursive: a codec exists before its fields do. */
function structCodec(definition: string): Codec {
  let known = structs.get(definition);
  if (!known) {
    let compiled: Codec | undefined;
    const own = () => {
      compiled ??= compileStruct(definition);
      return compiled;
    };
    known = {
      kind: 'struct',
      decode: (value, findings) => (compiled ?? own()).decode(value, findings),
      zero: () => own().zero(),
    };
    structs.set(definition, known);
  }
  return known;
}

/** What becomes of a value that Go takes for empty. */
type Emptiness = 'kept' | 'no-zero' | 'no-blank' | 'no-empty' | 'null-if-empty' | 'null-if-blank' | 'no-null';

interface Field {
  readonly name: string;
  readonly path: string;
  readonly decode: Decoder;
  readonly emptiness: Emptiness;
}

/** Structs with amounts of resources for which Kubernetes fills in no defaults, and so rounds nothing. */
const undefaulted = new Set(['io.k8s.api.node.v1.Overhead']);

function compileStruct(definition: string): Codec {
  const schema = definitions()[definition];
  const properties = schema?.properties ?? {};
  const struct = shortName(definition);
  const goType = goName(definition);
  const fields = new Map<string, Field>();
  const filled: { readonly name: string; readonly zero: () => unknown }[] = [];
  const declared = goFields(definition) ?? Object.keys(properties).map(undeclared);
  for (const each of declared) {
    const own = properties[each.name];
    if (own === undefined) continue;
    const codec = codecOf(own, undefaulted.has(definition) ? { ...each.type, fine: true } : each.type);
    const { name, path } = each;
    fields.set(name, { name, path, decode: codec.decode, emptiness: emptinessOf(each, codec) });
    // Bytes are null where there are none, but in a map.
    const isNull = each.type.pointer || codec.kind === 'bytes';
    if (isAlwaysThere(each, codec)) filled.push({ name, zero: isNull ? nullZero : codec.zero });
  }
  const zero = () => {
    const result: Record<string, unknown> = {};
    for (const each of filled) result[each.name] = each.zero();
    return result;
  };
  const decode: Decoder = (value, findings) => {
    if (!isRecord(value)) {
      findings.mismatch(describeJson(value), goType);
      return undefined;
    }
    if (++findings.depth > deepestJson) {
      findings.problem('exceeded max depth', 'fatal');
      return undefined;
    }
    const result: Record<string, unknown> = {};
    for (const key in value) {
      const field = fields.get(key);
      if (field === undefined) {
        findings.unknown(key);
        continue;
      }
      const each = value[key];
      if (each === null || each === undefined) continue;
      const start = findings.count;
      const decoded = field.decode(each, findings);
      if (findings.count !== start) findings.inField(start, key, field.path, struct);
      if (decoded === undefined) continue;
      const settled = field.emptiness === 'kept' ? decoded : settle(decoded, field.emptiness);
      if (settled !== undefined) result[key] = settled;
      // What is left out of a collection, or of bytes, was empty, and given.
      if (settled !== decoded && decoded !== null && (typeof decoded === 'object' || isOfBytes(field))) {
        noteHollow(result, key, decoded);
        findings.hollow = true;
      }
    }
    for (const { name, zero: make } of filled) if (result[name] === undefined) result[name] = make();
    findings.depth--;
    return result;
  };
  return { kind: 'struct', decode, zero };
}

const isOfBytes = ({ emptiness }: Field) => emptiness === 'no-blank' || emptiness === 'null-if-blank';

/** A type that only the schema tells of: everything that is empty is left out. */
const undeclared = (name: string): GoField => ({
  name,
  path: name,
  type: parseGoType('*'),
  omitEmpty: true,
  omitZero: false,
});

const nullZero = () => null;

function settle(value: unknown, emptiness: Emptiness): unknown {
  switch (emptiness) {
    case 'no-zero':
      return value === '' || value === 0 || value === false ? undefined : value;
    case 'no-blank':
      return value === '' ? undefined : value;
    case 'no-empty':
      return isEmpty(value) ? undefined : value;
    case 'null-if-empty':
      return isEmpty(value) ? null : value;
    case 'null-if-blank':
      return value === '' ? null : value;
    case 'no-null':
      return value === null ? undefined : value;
    default:
      return value;
  }
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}

function emptinessOf({ type, omitEmpty, omitZero }: GoField, { kind }: Codec): Emptiness {
  if (type.pointer) return 'kept';
  if (kind === 'collection') return omitEmpty ? 'no-empty' : 'null-if-empty';
  if (kind === 'bytes') return omitEmpty ? 'no-blank' : 'null-if-blank';
  if (kind === 'scalar') return omitEmpty ? 'no-zero' : 'kept';
  return kind === 'time' && omitZero ? 'no-null' : 'kept';
}

/** Structs are written even where they are empty, whatever `omitempty` says. */
function isAlwaysThere({ type, omitEmpty, omitZero }: GoField, { kind }: Codec): boolean {
  if (omitZero) return false;
  const struct = kind === 'struct' || kind === 'time' || kind === 'other';
  return !omitEmpty || (struct && !type.pointer);
}

function codecOf(schema: Schema, type: GoType): Codec {
  const { ref } = schema;
  if (ref !== undefined) return referredCodec(ref, type);
  if (type.shape === 'bytes' || schema.format === 'byte') {
    // Bytes are never null in a map: what was null comes back from the store as empty.
    return { kind: 'bytes', decode: bytesDecoder, zero: () => '' };
  }
  if (schema.type === 'array') return listCodec(schema.items ?? {}, type);
  if (schema.type === 'object') {
    const values = schema.additionalProperties;
    return typeof values === 'object' ? mapCodec(values, type) : opaque;
  }
  return scalarCodec(schema, type.name);
}

const opaque: Codec = {
  kind: 'other',
  decode(value, findings) {
    if (!nestsDeeper(value)) return copy(value);
    findings.problem('exceeded max depth', 'fatal');
    return undefined;
  },
  zero: nullZero,
};

const specials: Readonly<Record<string, Codec>> = {
  [`${resourceNames}Quantity`]: { kind: 'other', decode: quantity, zero: () => '0' },
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': { kind: 'time', decode: time, zero: nullZero },
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': { kind: 'time', decode: microTime, zero: nullZero },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { kind: 'other', decode: intOrString, zero: () => 0 },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': opaque,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': opaque,
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': opaque,
};

function referredCodec(ref: string, type: GoType): Codec {
  const special = specials[ref];
  if (special) return special;
  if (isAlternative(ref)) return { kind: 'other', decode: alternativeDecoder(ref, structCodec), zero: nullZero };
  const schema = definitions()[ref];
  if (goFields(ref) === undefined && schema && schema.properties === undefined) return codecOf(schema, type);
  return structCodec(ref);
}

function scalarCodec(schema: Schema, goType: string): Codec {
  switch (schema.type) {
    case 'string':
      return { kind: 'scalar', decode: stringDecoder(goType), zero: () => '' };
    case 'integer': {
      const limit = schema.format === 'int32' ? 2 ** 31 : 2 ** 63;
      return { kind: 'scalar', decode: integerDecoder(goType, limit), zero: () => 0 };
    }
    case 'number':
      return { kind: 'scalar', decode: floatDecoder(goType), zero: () => 0 };
    case 'boolean':
      return { kind: 'scalar', decode: booleanDecoder(goType), zero: () => false };
    default:
      return opaque;
  }
}

function listCodec(items: Schema, type: GoType): Codec {
  const element = type.element ?? parseGoType('interface {}');
  const { decode, zero } = codecOf(items, element);
  const absent = element.pointer ? nullZero : zero;
  return {
    kind: 'collection',
    zero: nullZero,
    decode(value, findings) {
      if (!Array.isArray(value)) {
        findings.mismatch(describeJson(value), type.name);
        return undefined;
      }
      const result: unknown[] = [];
      for (let index = 0; index < value.length; index++) {
        const each: unknown = value[index];
        if (each === null || each === undefined) {
          result.push(absent());
          continue;
        }
        const start = findings.count;
        const decoded = decode(each, findings);
        if (findings.count !== start) findings.inElement(start, `[${index}]`);
        result.push(decoded === undefined ? null : decoded);
      }
      return result;
    },
  };
}

function mapCodec(values: Schema, type: GoType): Codec {
  const element = type.element ?? parseGoType('interface {}');
  const { zero, kind, ...each } = codecOf(values, element);
  // Kubernetes rounds where it fills in defaults, which nobody sees apart from reading.
  const decode = type.name === 'v1.ResourceList' && !type.fine ? resourceAmount : each.decode;
  const absent = element.pointer ? nullZero : zero;
  return {
    kind: 'collection',
    zero: nullZero,
    decode(value, findings) {
      if (!isRecord(value)) {
        findings.mismatch(describeJson(value), type.name);
        return undefined;
      }
      const result: Record<string, unknown> = {};
      for (const key in value) {
        const member = value[key];
        let decoded: unknown;
        if (member === null || member === undefined) decoded = absent();
        else {
          const start = findings.count;
          decoded = decode(member, findings);
          if (findings.count !== start) findings.inKey(start, key);
          if (kind === 'collection' && decoded !== undefined && isEmpty(decoded)) {
            noteHollow(result, key, decoded);
            findings.hollow = true;
            decoded = null;
          }
        }
        if (key === '__proto__') Object.defineProperty(result, key, { value: decoded, enumerable: true });
        else result[key] = decoded;
      }
      return result;
    },
  };
}
