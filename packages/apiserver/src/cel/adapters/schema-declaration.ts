import type { JSONSchemaProps } from '@keelson/core';
import type { SizeEstimate } from '../contract.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  objectType,
  stringType,
  timestampType,
} from '../standard-types.ts';
import type { CelType } from '../type.ts';
import { escapeName } from './escaping.ts';

/** Bytes of the greatest request: no value of a schema without a limit can be greater. */
export const greatestRequest = 3 * 1024 * 1024;
const textSizes: Readonly<Record<string, number>> = { duration: 32, date: 12, 'date-time': 32 };
const smallestTexts: Readonly<Record<string, number>> = { duration: 3, date: 12, 'date-time': 21 };

/**
 * What CEL knows of a structural schema: the type, and the limits that the static cost counts with (lengths in bytes,
 * elements of lists, entries of maps).
 */
export interface SchemaDeclaration {
  readonly type: CelType;
  /** Greatest size; 0 for objects and for what has no size. */
  readonly greatest: number;
  /** Fewest bytes that a value takes as JSON. */
  readonly smallestJson: number;
  /** By the names that CEL has for them. */
  readonly fields?: ReadonlyMap<string, SchemaDeclaration>;
  readonly key?: SchemaDeclaration;
  readonly element?: SchemaDeclaration;
}

/** The schema of a list's elements. */
export const itemsOf = ({ items }: JSONSchemaProps): JSONSchemaProps | undefined =>
  items !== undefined && isSchema(items) ? items : undefined;
const isSchema = (value: JSONSchemaProps | readonly JSONSchemaProps[]): value is JSONSchemaProps =>
  !Array.isArray(value);

/** The schema of a map's values. */
export function valuesOf({ additionalProperties }: JSONSchemaProps): JSONSchemaProps | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

const text: JSONSchemaProps = { type: 'string' };

/** What every object of the API has, wherever its schema says nothing of it. */
export function withTypeAndObjectMeta(schema: JSONSchemaProps): JSONSchemaProps {
  const { properties = {} } = schema;
  const metadata: JSONSchemaProps = { type: 'object', properties: { name: text, generateName: text } };
  return { ...schema, properties: { ...properties, kind: text, apiVersion: text, metadata } };
}

/**
 * The declaration of a schema under a type's name; undefined where CEL cannot see it (unknown fields that are merely
 * preserved). `isRoot` for a whole object, which has kind, apiVersion and metadata in any case.
 */
export function declareSchema(schema: JSONSchemaProps, name: string, isRoot = false): SchemaDeclaration | undefined {
  if (schema['x-kubernetes-int-or-string']) {
    const { maxLength } = schema;
    return plain(dynType, 1, maxLength === undefined ? greatestRequest - 2 : notNegative(maxLength) * 4);
  }
  const whole = isRoot ? withTypeAndObjectMeta(schema) : schema;
  switch (whole.type) {
    case 'array':
      return declareList(whole, name);
    case 'object':
      return declareObject(whole, name);
    case 'string':
      return declareText(whole);
    case 'boolean':
      return plain(boolType, 4);
    case 'number':
      return plain(doubleType, 1);
    case 'integer':
      return plain(intType, 1);
    default:
      return undefined;
  }
}

const plain = (type: CelType, smallestJson: number, greatest = 0): SchemaDeclaration => ({
  type,
  smallestJson,
  greatest,
});
const notNegative = (value: number): number => Math.max(0, value);
const isEmbedded = (schema: JSONSchemaProps): boolean => schema['x-kubernetes-embedded-resource'] === true;

function declareList(schema: JSONSchemaProps, name: string): SchemaDeclaration | undefined {
  const items = itemsOf(schema);
  const element = items && declareSchema(items, `${name}.@idx`, isEmbedded(items));
  if (!element) return undefined;
  const most = Math.floor((greatestRequest - 2) / (element.smallestJson + 1));
  const greatest = schema.maxItems === undefined ? most : notNegative(schema.maxItems);
  return { type: listType(element.type), smallestJson: 2, greatest, element };
}

function declareObject(schema: JSONSchemaProps, name: string): SchemaDeclaration | undefined {
  const values = valuesOf(schema);
  if (values) {
    const element = declareSchema(values, `${name}.@elem`, isEmbedded(values));
    if (!element) return undefined;
    const most = Math.floor((greatestRequest - 2) / (element.smallestJson + 6));
    const greatest = schema.maxProperties === undefined ? most : notNegative(schema.maxProperties);
    const key = plain(stringType, 2);
    return { type: mapType(stringType, element.type), smallestJson: 2, greatest, key, element };
  }
  return declareFields(schema, name);
}

function declareFields({ properties = {}, required = [] }: JSONSchemaProps, name: string): SchemaDeclaration {
  const fields = new Map<string, SchemaDeclaration>();
  const needed = new Set(required);
  let smallestJson = 2;
  for (const [property, schema] of Object.entries(properties)) {
    const own = escapeName(property);
    const field = declareSchema(schema, `${name}.${own}`, isEmbedded(schema));
    if (!field) continue;
    if (own !== undefined) fields.set(own, field);
    if (needed.has(property) && schema.default === undefined) {
      smallestJson += Buffer.byteLength(property) + field.smallestJson + 4;
    }
  }
  const type = objectType(name, { type: (field) => fieldOf(fields, field)?.type, names: () => fields.keys() });
  return { type, smallestJson, greatest: 0, fields };
}

/** Words that CEL reserves are told apart by where they stand: `self.namespace` is `self.__namespace__`. */
function fieldOf(fields: ReadonlyMap<string, SchemaDeclaration>, name: string): SchemaDeclaration | undefined {
  return fields.get(name) ?? (reserved.has(name) ? fields.get(`__${name}__`) : undefined);
}

const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

function declareText(schema: JSONSchemaProps): SchemaDeclaration {
  const { format = '', maxLength, enum: values = [] } = schema;
  const smallest = smallestTexts[format] ?? 2;
  if (format === 'duration') return plain(durationType, smallest, textSizes['duration']);
  if (format === 'date' || format === 'date-time') return plain(timestampType, smallest, textSizes[format]);
  if (format === 'byte')
    return plain(bytesType, 2, maxLength === undefined ? greatestRequest - 2 : notNegative(maxLength));
  if (maxLength !== undefined) return plain(stringType, 2, notNegative(maxLength) * 4);
  if (values.length === 0) return plain(stringType, 2, greatestRequest - 2);
  const lengths = values.map((each) => (typeof each === 'string' ? Buffer.byteLength(each) : 0));
  return plain(stringType, 2, Math.max(...lengths));
}

/** Sizes by paths that start at the root, whatever the variable is called. */
export function sizesOf(root: SchemaDeclaration): (path: readonly string[]) => SizeEstimate | undefined {
  return (path) => {
    let at: SchemaDeclaration | undefined = root;
    for (const step of path.slice(1)) {
      if (step === '@items' || step === '@values') at = at.element;
      else if (step === '@keys') at = at.key;
      else at = at.fields?.get(step);
      if (!at) return undefined;
    }
    return { min: 0, max: at.greatest };
  };
}

/** How often a value may stand in one request, by the fewest bytes that it takes. */
export const greatestCount = ({ smallestJson }: SchemaDeclaration): number =>
  Math.floor(greatestRequest / (smallestJson + 1));
