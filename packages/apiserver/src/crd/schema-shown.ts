import type { JSONSchemaProps } from '@keelson/core';
import { withHollows } from '../schema/index.ts';

type Shown = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Shown =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** JSON of any shape, whose fields Go writes in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value ?? null;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

const each = (given: readonly JSONSchemaProps[] | undefined) => given?.map(schemaShown) ?? null;

function named(given: Readonly<Record<string, JSONSchemaProps>> | undefined): unknown {
  if (!given) return null;
  return Object.fromEntries(
    Object.entries(given)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => [name, schemaShown(schema)]),
  );
}

const orBool = (given: JSONSchemaProps['additionalProperties']) =>
  given === undefined
    ? null
    : typeof given === 'boolean'
      ? { Allows: given, Schema: null }
      : { Allows: true, Schema: schemaShown(given) };

const isList = <T>(given: T | readonly T[]): given is readonly T[] => Array.isArray(given);

/** What a list's items may be, as `schemaShown`. */
export function itemsShown(given: JSONSchemaProps['items'] | null): unknown {
  if (given === undefined) return null;
  // Neither the one nor the other was given.
  if (given === null) return { Schema: null, JSONSchemas: null };
  return isList(given)
    ? { Schema: null, JSONSchemas: given.map(schemaShown) }
    : { Schema: schemaShown(given), JSONSchemas: null };
}

function dependenciesShown(given: JSONSchemaProps['dependencies']): unknown {
  if (!given) return null;
  const shown = Object.entries(given).map(([name, one]) => [
    name,
    Array.isArray(one) || one === null
      ? { Schema: null, Property: one }
      : { Schema: schemaShown(one as JSONSchemaProps), Property: null },
  ]);
  return Object.fromEntries(shown.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** A schema with the lists and maps that were given empty, which count here. */
export const asGiven = (schema: JSONSchemaProps): JSONSchemaProps => withHollows(schema, 'all') as JSONSchemaProps;

/** A schema as messages show it: Kubernetes validates a type of its own without JSON names, all of whose fields appear. */
export function schemaShown(schema: JSONSchemaProps): Shown {
  return {
    ID: schema.id ?? '',
    Schema: schema.$schema ?? '',
    Ref: schema.$ref ?? null,
    Description: schema.description ?? '',
    Type: schema.type ?? '',
    Nullable: schema.nullable ?? false,
    Format: schema.format ?? '',
    Title: schema.title ?? '',
    Default: schema.default === undefined ? null : sorted(schema.default),
    Maximum: schema.maximum ?? null,
    ExclusiveMaximum: schema.exclusiveMaximum ?? false,
    Minimum: schema.minimum ?? null,
    ExclusiveMinimum: schema.exclusiveMinimum ?? false,
    MaxLength: schema.maxLength ?? null,
    MinLength: schema.minLength ?? null,
    Pattern: schema.pattern ?? '',
    MaxItems: schema.maxItems ?? null,
    MinItems: schema.minItems ?? null,
    UniqueItems: schema.uniqueItems ?? false,
    MultipleOf: schema.multipleOf ?? null,
    Enum: schema.enum?.map(sorted) ?? null,
    MaxProperties: schema.maxProperties ?? null,
    MinProperties: schema.minProperties ?? null,
    Required: schema.required ?? null,
    Items: itemsShown(schema.items),
    AllOf: each(schema.allOf),
    OneOf: each(schema.oneOf),
    AnyOf: each(schema.anyOf),
    Not: schema.not ? schemaShown(schema.not) : null,
    Properties: named(schema.properties),
    AdditionalProperties: orBool(schema.additionalProperties),
    PatternProperties: named(schema.patternProperties),
    Dependencies: dependenciesShown(schema.dependencies),
    AdditionalItems: orBool(schema.additionalItems),
    Definitions: named(schema.definitions),
    ExternalDocs: schema.externalDocs
      ? { Description: schema.externalDocs.description ?? '', URL: schema.externalDocs.url ?? '' }
      : null,
    Example: schema.example === undefined ? null : sorted(schema.example),
    XPreserveUnknownFields: schema['x-kubernetes-preserve-unknown-fields'] ?? null,
    XEmbeddedResource: schema['x-kubernetes-embedded-resource'] ?? false,
    XIntOrString: schema['x-kubernetes-int-or-string'] ?? false,
    XListMapKeys: schema['x-kubernetes-list-map-keys'] ?? null,
    XListType: schema['x-kubernetes-list-type'] ?? null,
    XMapType: schema['x-kubernetes-map-type'] ?? null,
    XValidations:
      schema['x-kubernetes-validations']?.map((rule) => ({
        Rule: rule.rule ?? '',
        Message: rule.message ?? '',
        MessageExpression: rule.messageExpression ?? '',
        Reason: rule.reason ?? null,
        FieldPath: rule.fieldPath ?? '',
        OptionalOldSelf: rule.optionalOldSelf ?? null,
      })) ?? null,
  };
}

const atRootOfStatus = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
];

/** Why a schema cannot be that of a kind whose status is a subresource, and which part of it; undefined where it can. */
export function notForStatus(shown: Shown): { readonly part: '' | '.type'; readonly why: string } | undefined {
  for (const [name, value] of Object.entries(shown)) {
    if (value === null || value === false || value === '') continue;
    const root = 'at the root of the schema if the status subresource is enabled';
    if (name === 'Type' && value !== 'object') {
      return { part: '.type', why: `only "object" is allowed as the type ${root}` };
    }
    if (!atRootOfStatus.includes(name)) {
      return { part: '', why: `only [${atRootOfStatus.join(' ')}] fields are allowed ${root}` };
    }
  }
  return undefined;
}
