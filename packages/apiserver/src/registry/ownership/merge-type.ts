import { alwaysWritten, definitions } from '../../schema/index.ts';
import type { Schema } from '../contract.ts';
import type { Kind } from '../kind.ts';

/**
 * How values of one type are owned and merged (KEP-555), compiled from the schema once. A type that is not told in
 * the schema has all three.
 */
export interface MergeType {
  scalar?: ScalarType;
  list?: ListType;
  map?: MapType;
}

export type ScalarType = 'string' | 'numeric' | 'boolean' | 'untyped';

export interface ListType {
  /** Owned as a whole. */
  readonly atomic: boolean;
  /** Of a list whose elements are told apart by them; none: elements are told apart by their value. */
  readonly keys: readonly string[];
  item: MergeType;
}

export interface MapType {
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, FieldType>;
  /** Of members that are not listed; undefined: there are none. */
  element: MergeType | undefined;
}

export interface FieldType {
  readonly type: MergeType;
  /** What an element without this key counts as having. */
  readonly keyDefault: unknown;
}

const untypedAtomic: MergeType = { scalar: 'untyped' };
untypedAtomic.list = { atomic: true, keys: [], item: untypedAtomic };
untypedAtomic.map = { atomic: true, fields: new Map(), element: untypedAtomic };

/** Of values whose schema is not known: maps member by member, lists as a whole. */
export const deduced: MergeType = { scalar: 'untyped' };
deduced.list = { atomic: true, keys: [], item: untypedAtomic };
deduced.map = { atomic: false, fields: new Map(), element: deduced };

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const compiled = new Map<string, MergeType>();
const ofKinds = new WeakMap<object, MergeType>();

/** The type of a kind's objects in its served version. */
export function mergeTypeOf({ served }: Kind): MergeType {
  if (served.definition !== undefined) return definitionType(served.definition);
  const { schema } = served;
  if (schema === undefined) return deduced;
  let type = ofKinds.get(schema);
  if (type === undefined) {
    type = compile(
      {
        ...schema,
        properties: {
          ...schema.properties,
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          metadata: { ref: objectMeta },
        },
      },
      false,
    );
    ofKinds.set(schema, type);
  }
  return type;
}

/** By the name of an OpenAPI definition. */
export function definitionType(name: string): MergeType {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  if (name.endsWith('.Quantity')) return remember(name, { scalar: 'untyped' });
  if (name.endsWith('.IntOrString')) return remember(name, deduced);
  if (name.endsWith('.RawExtension')) return remember(name, untypedAtomic);
  const schema = definitions()[name];
  if (schema === undefined) return remember(name, deduced);
  // Definitions may be recursive: the type exists before it is filled in.
  const type = remember(name, {});
  return Object.assign(type, compile(schema, false, name));
}

function remember(name: string, type: MergeType): MergeType {
  compiled.set(name, type);
  return type;
}

function compile(schema: Schema, inherited: boolean, definition?: string): MergeType {
  const preserve = inherited || schema['x-kubernetes-preserve-unknown-fields'] === true;
  switch (schema['x-kubernetes-int-or-string'] === true ? '' : schema.type) {
    case 'object':
      return { map: mapOf(schema, preserve, definition) };
    case 'array':
      return { list: listOf(schema, preserve) };
    case 'integer':
    case 'number':
      return { scalar: 'numeric' };
    case 'boolean':
      return { scalar: 'boolean' };
    case 'string':
      return { scalar: schema.format === undefined || schema.format === 'byte' ? 'string' : 'untyped' };
    default:
      return { scalar: 'untyped', list: listOf(schema, preserve), map: mapOf(schema, preserve, definition) };
  }
}

/** The type of a field: what it refers to, with what the field itself says of maps. */
function referred(schema: Schema, preserve: boolean): MergeType {
  if (schema.ref === undefined) return compile(schema, preserve);
  const type = definitionType(schema.ref);
  const asked = schema['x-kubernetes-map-type'];
  if (asked !== 'atomic' && asked !== 'granular') return type;
  const name = `${schema.ref} ${asked}`;
  const known = compiled.get(name);
  if (known) return known;
  const atomic = asked === 'atomic';
  return remember(name, {
    ...type,
    ...(type.map && { map: { ...type.map, atomic } }),
    ...(type.list && { list: { ...type.list, atomic } }),
  });
}

function mapOf(schema: Schema, preserve: boolean, definition: string | undefined): MapType {
  const zeros = definition === undefined ? undefined : zeroDefaults(definition);
  const properties = Object.entries({ ...schema.properties, ...embedded(schema) });
  const values = schema.additionalProperties;
  return {
    atomic: schema['x-kubernetes-map-type'] === 'atomic',
    fields: new Map(
      properties.map(([name, each]) => [
        name,
        {
          type: referred(each, preserve),
          keyDefault: each['default'] ?? (name === 'protocol' && definition ? 'TCP' : zeros?.get(name)),
        },
      ]),
    ),
    element:
      values === undefined
        ? preserve || properties.length === 0
          ? deduced
          : undefined
        : typeof values === 'object'
          ? referred(values, preserve)
          : values
            ? deduced
            : undefined,
  };
}

function embedded(schema: Schema): Readonly<Record<string, Schema>> {
  if (schema['x-kubernetes-embedded-resource'] !== true) return {};
  return { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { ref: objectMeta } };
}

function zeroDefaults(definition: string): ReadonlyMap<string, unknown> {
  const zeros = new Map<string, unknown>();
  for (const each of (alwaysWritten()[definition] ?? '').split(' ')) {
    const [name = '', zero] = each.split('=');
    if (zero !== undefined) zeros.set(name, zero === '' ? '' : zero === '0' ? 0 : false);
  }
  return zeros;
}

function listOf(schema: Schema, preserve: boolean): ListType {
  const item = schema.items === undefined ? untypedAtomic : referred(schema.items, preserve);
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (type === 'set') return { atomic: false, keys: [], item };
  if (type === 'map' && Array.isArray(keys)) return { atomic: false, keys: keys.map(String).sort(), item };
  if (type !== undefined) return { atomic: true, keys: [], item };
  // Where the API has not been told yet, lists are merged as a strategic merge patch would.
  const strategy = schema['x-kubernetes-patch-strategy'];
  if (strategy !== 'merge' && strategy !== 'merge,retainKeys') return { atomic: true, keys: [], item };
  const key = schema['x-kubernetes-patch-merge-key'];
  return { atomic: false, keys: typeof key === 'string' ? [key] : [], item };
}
