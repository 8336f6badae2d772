import type { Schema } from '../registry/contract.ts';

export type Json = { readonly [key: string]: unknown };

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** A version of OpenAPI, and where its references point. */
export interface SchemaStyle {
  readonly version: 2 | 3;
  readonly prefix: '#/components/schemas/' | '#/definitions/';
}

export const openApi3: SchemaStyle = { version: 3, prefix: '#/components/schemas/' };
export const openApi2: SchemaStyle = { version: 2, prefix: '#/definitions/' };

/** A definition of the table as an OpenAPI schema. Version 2 has no defaults, and its references have siblings. */
export function toOpenApi(schema: Schema, style: SchemaStyle, name?: string): Json {
  const v3 = style.version === 3;
  if (name === quantity && v3) return { oneOf: [{ type: 'string' }, { type: 'number' }] };
  if (name === intOrString && v3) return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
  const { ref, plain, properties, items, additionalProperties, default: preset, ...rest } = schema;
  const own = v3 && preset !== undefined ? { ...rest, default: preset } : rest;
  if (ref !== undefined) {
    if (!v3) return { ...own, ...reference(ref, style) };
    return plain === true ? reference(ref, style) : { ...own, allOf: [reference(ref, style)] };
  }
  return {
    ...own,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, toOpenApi(each, style)])),
    }),
    ...(items && { items: element(items, style) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean' ? additionalProperties : element(additionalProperties, style),
    }),
  };
}

/** What a list or a map is made of: a reference stands alone where nothing is said beside it. */
function element(schema: Schema, style: SchemaStyle): Json {
  if (schema.ref !== undefined && Object.keys(schema).length === 1) return reference(schema.ref, style);
  return toOpenApi(schema, style);
}

export const reference = (name: string, style: SchemaStyle): Json => ({ $ref: style.prefix + name });

/** Every definition that the given ones lead to, themselves included. */
export function reachable(definitions: Readonly<Record<string, Schema>>, roots: Iterable<string>): Set<string> {
  const found = new Set<string>();
  const waiting = [...roots];
  const walk = (schema: Schema) => {
    if (schema.ref !== undefined) waiting.push(schema.ref);
    if (schema.items) walk(schema.items);
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties);
    for (const each of Object.values(schema.properties ?? {})) walk(each);
  };
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const schema = definitions[name];
    if (!schema || found.has(name)) continue;
    found.add(name);
    walk(schema);
  }
  return found;
}

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const listMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';

/** The name of a custom resource's schema: its group backwards, `com.example.v1.Website`. */
export function customSchemaName(group: string, version: string, kind: string): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly schema?: Schema;
}

/** The schemas of a custom resource and of its list. */
export function customSchemas(resource: CustomKind, style: SchemaStyle): Readonly<Record<string, Json>> {
  const { group, version, kind, listKind } = resource;
  const name = customSchemaName(group, version, kind);
  const schema: Schema = resource.schema ?? { type: 'object', [preserving]: true };
  const open = style.version === 2 && schema[preserving] === true;
  const own = open ? {} : custom({ ...schema, properties: schema.properties ?? {} }, style);
  const typed = { apiVersion: { type: 'string' }, kind: { type: 'string' } };
  const meta = (ref: string) => toOpenApi({ ref }, style);
  const identity = (each: string) => [{ group, kind: each, version }];
  const ownProperties = typeof own['properties'] === 'object' ? own['properties'] : {};
  return {
    [name]: {
      ...own,
      type: 'object',
      ...(!open && { properties: { ...ownProperties, ...typed, metadata: meta(objectMeta) } }),
      'x-kubernetes-group-version-kind': identity(kind),
    },
    [`${name}List`]: {
      type: 'object',
      required: ['items'],
      properties: {
        ...typed,
        metadata: meta(listMeta),
        items: { type: 'array', items: reference(name, style) },
      },
      'x-kubernetes-group-version-kind': identity(listKind),
    },
  };
}

const preserving = 'x-kubernetes-preserve-unknown-fields';

/** Version 2 has no words for null, alternatives and what may be anything: the types of such fields are left out of it. */
function custom(schema: Schema, style: SchemaStyle): Json {
  const { properties, items, additionalProperties, ...rest } = schema;
  const each = (below: Schema) => custom(below, style);
  if (style.version === 3) {
    const either =
      schema['x-kubernetes-int-or-string'] === true && rest['anyOf'] === undefined && rest['allOf'] === undefined;
    return {
      ...rest,
      ...(either && { anyOf: [{ type: 'integer' }, { type: 'string' }] }),
      ...below({ properties, items, additionalProperties }, each),
    };
  }
  const { type, default: _, nullable, anyOf: _any, oneOf: _one, allOf: _all, not: _not, ...kept } = rest;
  if (nullable === true || schema[preserving] === true) return kept;
  return { ...kept, ...(type !== undefined && { type }), ...below({ properties, items, additionalProperties }, each) };
}

function below({ properties, items, additionalProperties }: Schema, change: (schema: Schema) => Json): Json {
  return {
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, change(each)])),
    }),
    ...(items && { items: change(items) }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean' ? additionalProperties : change(additionalProperties),
    }),
  };
}
