import type { Schema } from '../registry/contract.ts';
import { definitionOf, definitions } from '../schema/index.ts';
import { escapeName, unescapeName } from './adapters/index.ts';
import { authorizerType, resourceCheckType } from './library/index.ts';
import {
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  fieldsOf,
  intType,
  listType,
  mapType,
  objectType,
  stringType,
  timestampType,
} from './standard-types.ts';
import type { CelFields, CelType } from './type.ts';

const record = (name: string, fields: Readonly<Record<string, CelType>>): CelType =>
  objectType(`kubernetes.${name}`, fieldsOf(fields));
const strings = listType(stringType);
const stringMap = mapType(stringType, stringType);

const groupVersion = { group: stringType, version: stringType };
const kindReference = record('GroupVersionKind', { ...groupVersion, kind: stringType });
const resourceReference = record('GroupVersionResource', { ...groupVersion, resource: stringType });

/** The variable `request` of policies and match conditions: an AdmissionRequest (admission.k8s.io/v1) but its objects. */
export const requestType = record('AdmissionRequest', {
  kind: kindReference,
  resource: resourceReference,
  subResource: stringType,
  requestKind: kindReference,
  requestResource: resourceReference,
  requestSubResource: stringType,
  name: stringType,
  namespace: stringType,
  operation: stringType,
  userInfo: record('UserInfo', {
    username: stringType,
    uid: stringType,
    groups: strings,
    extra: mapType(stringType, strings),
  }),
  dryRun: boolType,
  options: dynType,
});

/**
 * The variable `namespaceObject`. Moments are texts when an expression runs, and `uid` is there under no name that a
 * value has: Kubernetes declares it so.
 */
export const namespaceType = record('Namespace', {
  metadata: record('NamespaceMetadata', {
    name: stringType,
    generateName: stringType,
    namespace: stringType,
    labels: stringMap,
    annotations: stringMap,
    UID: stringType,
    creationTimestamp: timestampType,
    deletionGracePeriodSeconds: intType,
    deletionTimestamp: timestampType,
    generation: intType,
    resourceVersion: stringType,
    finalizers: strings,
  }),
  spec: record('NamespaceSpec', { finalizers: strings }),
  status: record('NamespaceStatus', {
    conditions: listType(
      record('NamespaceCondition', {
        status: stringType,
        type: stringType,
        lastTransitionTime: timestampType,
        message: stringType,
        reason: stringType,
      }),
    ),
    phase: stringType,
  }),
});

const namespaceMetadata = [
  ...['name', 'generateName', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'finalizers'],
];

/** What expressions see of a Namespace: neither its kind, nor who manages or owns it. */
export function namespaceOf(namespace: {
  readonly metadata: object;
  readonly spec?: unknown;
  readonly status?: unknown;
}): Readonly<Record<string, unknown>> {
  const metadata = Object.fromEntries(
    Object.entries(namespace.metadata).filter(([field]) => namespaceMetadata.includes(field)),
  );
  const { spec, status } = namespace;
  return { metadata, ...(spec !== undefined && { spec }), ...(status !== undefined && { status }) };
}

/** The type of the variable `variables`, which grows with each that is declared before. */
export const variablesType = (fields: CelFields): CelType => objectType('kubernetes.variables', fields);

/** What `variables` tells of the type of a value: objects and what libraries make are of any type there. */
export function variableType(type: CelType): CelType {
  const [first = dynType, second = dynType] = type.parameters;
  if (type.kind === 'list') return listType(variableType(first));
  if (type.kind === 'map') return mapType(variableType(first), variableType(second));
  return told.has(type.kind) ? type : dynType;
}

const told = new Set<CelType['kind']>([
  ...(['any', 'bool', 'bytes', 'double', 'duration', 'int', 'null'] as const),
  ...(['string', 'timestamp', 'uint'] as const),
]);

/** Variables of policies and of match conditions, as they run: objects are of any type. `params` only where a policy takes some. */
export const admissionVariables = {
  object: dynType,
  oldObject: dynType,
  request: requestType,
  namespaceObject: namespaceType,
  authorizer: authorizerType,
  'authorizer.requestResource': resourceCheckType,
} as const satisfies Readonly<Record<string, CelType>>;

/**
 * The type of a built-in kind's objects, by which policies are checked that name the kind; undefined where there is no
 * such kind. Types within are named by their paths: `Deployment.spec.template.spec.containers.@idx`.
 */
export function kindType(group: string, version: string, kind: string, name = kind): CelType | undefined {
  const definition = definitionOf(group, version, kind);
  return definition === undefined ? undefined : schemaType({ ref: definition }, name);
}

/** The type of a custom kind's objects by its structural schema; their metadata is that of all objects. */
export const customKindType = (schema: Schema, name: string): CelType => objectType(name, customFields(schema, name));

/** The type of lists of a custom kind. */
export function customListType(schema: Schema, name: string): CelType {
  const items: Schema = { type: 'array', items: { ...schema, type: 'object', [embedded]: true } };
  return objectType(name, schemaFields({ ...typeMeta, metadata: { ref: `${meta}ListMeta` }, items }, name));
}

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const embedded = 'x-kubernetes-embedded-resource';
const typeMeta: Readonly<Record<string, Schema>> = { apiVersion: { type: 'string' }, kind: { type: 'string' } };
const plain = new Map<string, CelType>([
  ['boolean', boolType],
  ['integer', intType],
  ['number', doubleType],
]);

/** Definitions that a schema stands in. */
type Within = readonly string[];

/**
 * The type of an OpenAPI schema under a name; undefined for what CEL does not see: quantities, and JSON of any form.
 * Where a definition holds itself it is an object without fields.
 */
export function schemaType(schema: Schema, name: string, within: Within = []): CelType | undefined {
  const { ref } = schema;
  if (ref !== undefined) {
    const referred = definitions()[ref];
    if (ref === quantity || !referred) return undefined;
    return within.includes(ref) ? objectType(name, fieldsOf({})) : schemaType(referred, name, [...within, ref]);
  }
  if (schema.format === 'int-or-string' || schema['x-kubernetes-int-or-string'] === true) return dynType;
  if (schema.type === 'string') return textTypes.get(schema.format ?? '') ?? stringType;
  if (schema.type === 'array') {
    const element = schema.items && schemaType(schema.items, `${name}.@idx`, within);
    return element && listType(element);
  }
  if (schema.type === 'object') return objectOrMap(schema, name, within);
  return plain.get(schema.type ?? '');
}

const textTypes = new Map<string, CelType>([
  ['byte', bytesType],
  ['date', timestampType],
  ['date-time', timestampType],
  ['duration', durationType],
]);

function objectOrMap(schema: Schema, name: string, within: Within): CelType | undefined {
  if (schema[embedded] === true) return customKindType(schema, name);
  const { properties, additionalProperties } = schema;
  if (!properties && typeof additionalProperties === 'object') {
    const value = schemaType(additionalProperties, `${name}.@elem`, within);
    return value && mapType(stringType, value);
  }
  return objectType(name, schemaFields(properties ?? {}, name, within));
}

const customFields = ({ properties }: Schema, name: string): CelFields =>
  schemaFields({ ...properties, ...typeMeta, metadata: { ref: `${meta}ObjectMeta` } }, name);

/** Fields are typed when they are asked for. */
function schemaFields(properties: Readonly<Record<string, Schema>>, name: string, within: Within = []): CelFields {
  const known = new Map<string, CelType | undefined>();
  return {
    type(field) {
      const property = Object.hasOwn(properties, field) ? field : unescapeName(field);
      if (!Object.hasOwn(properties, property)) return undefined;
      if (!known.has(property)) {
        const schema = properties[property];
        known.set(property, schema && schemaType(schema, `${name}.${property}`, within));
      }
      return known.get(property);
    },
    names: () => Object.keys(properties).flatMap((property) => escapeName(property) ?? []),
  };
}
