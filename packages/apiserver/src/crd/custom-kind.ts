import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
  KubernetesObject,
} from '@keelson/core';
import { inOrder } from '../registry/builtin-kinds.ts';
import type { PrinterColumn, Schema, ServedResource, ServedSubresource } from '../registry/contract.ts';
import type { ObjectDraft } from '../registry/draft.ts';
import { fieldLabels } from '../registry/field-labels.ts';
import { customPrefixFor, type Kind, type ScalePaths } from '../registry/kind.ts';
import { FieldErrors } from '../registry/strategy.ts';
import { storageVersionHash } from '../schema/index.ts';
import type { Converter } from './conversion-webhook.ts';
import { decodeCustom } from './custom-decoder.ts';
import { type CustomVersions, storedVersions } from './custom-versions.ts';
import { deprecationText } from './deprecated-version.ts';
import { validateEmbedded } from './embedded-resources.ts';
import { validateListTypes } from './list-types.ts';
import { validateRules } from './rule-validation.ts';
import { validateScale } from './scale-validation.ts';
import { validateSchema } from './schema-validation.ts';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'] as const;
const partVerbs = ['get', 'patch', 'update'];

const pathOf = (path: string) => path.split('.').filter((each) => each !== '');

function columnsOf(version: CustomResourceDefinitionVersion): readonly PrinterColumn[] {
  const columns = version.additionalPrinterColumns;
  if (!columns?.length) return [{ name: 'Age', type: 'date', priority: 0, path: '.metadata.creationTimestamp' }];
  return columns.map(({ name, type, format, priority, jsonPath }) => ({
    name,
    type,
    ...(format !== undefined && { format }),
    priority: priority ?? 0,
    path: jsonPath,
  }));
}

/** The kinds that a CRD makes, one for each version that it serves; `converter` for one whose versions a webhook converts. */
export function customKinds(definition: CustomResourceDefinition, converter: Converter | undefined): readonly Kind[] {
  const { group, versions } = definition.spec;
  const { version } = sharedBy(definition, converter);
  return versions.filter((each) => each.served).flatMap(({ name }) => version(`${group}/${name}`) ?? []);
}

/** The kind in the version in which its objects are stored, served or not. */
export function storageKind(definition: CustomResourceDefinition, converter: Converter | undefined): Kind | undefined {
  const { version, storage } = sharedBy(definition, converter);
  return version(storage);
}

const schemaOf = ({ schema }: CustomResourceDefinitionVersion): JSONSchemaProps =>
  schema?.openAPIV3Schema ?? { type: 'object' };

function sharedBy(definition: CustomResourceDefinition, converter: Converter | undefined): CustomVersions {
  const { spec } = definition;
  const storage = spec.versions.find((each) => each.storage)?.name ?? '';
  const made = new Map<string, Kind>();
  const shared: CustomVersions = {
    definition: spec,
    schemas: new Map(spec.versions.map((each) => [`${spec.group}/${each.name}`, schemaOf(each)])),
    storage: `${spec.group}/${storage}`,
    converter,
    version(apiVersion) {
      let kind = made.get(apiVersion);
      const version = kind ? undefined : spec.versions.find(({ name }) => apiVersion === `${spec.group}/${name}`);
      if (version) {
        kind = customKind(definition, version, shared);
        made.set(apiVersion, kind);
      }
      return kind;
    },
  };
  return shared;
}

function customKind(
  { spec, metadata }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  shared: CustomVersions,
): Kind {
  const leaving = metadata.deletionTimestamp !== undefined;
  const { group, names } = spec;
  const schema = schemaOf(version);
  const apiVersion = `${group}/${version.name}`;
  const kind = names.kind;
  const scalePaths = scaleOf(version);
  const hasStatus = version.subresources?.status !== undefined;
  const deprecation = deprecationText(spec, version);
  const served: ServedResource = {
    group,
    version: version.name,
    resource: names.plural,
    singular: names.singular ?? kind.toLowerCase(),
    kind,
    listKind: names.listKind ?? `${kind}List`,
    namespaced: spec.scope === 'Namespaced',
    // While a kind is on its way out nothing new of it is made.
    verbs: verbs.filter((each) => !(leaving && each === 'create')),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    storageVersionHash: storageVersionHash(group, spec.versions.find((each) => each.storage)?.name ?? '', kind),
    subresources: subresourcesOf(group, version, kind),
    schema: schema as Schema,
    columns: columnsOf(version),
    ...(deprecation !== undefined && { deprecation }),
    custom: true,
  };
  const besides = withoutMetadata(schema);
  return {
    served,
    apiVersion,
    names: { group, resource: names.plural },
    kindName: { group, resource: kind },
    prefix: customPrefixFor(group, names.plural),
    strategy: { generation: 'spec', unconditionalUpdate: false },
    hasStatus,
    ...(scalePaths && { scale: scalePaths }),
    fields: fieldLabels(`${group}/${names.plural}`, {
      extra: (version.selectableFields ?? []).map((each) => each.jsonPath.replace(/^\./, '')),
    }),
    decode(body, options) {
      const { metadata, rest, unknown } = decodeCustom(body, schema, options);
      // ObjectMeta has been decoded by its own schema.
      const object = { ...rest, metadata: metadata as ObjectDraft['metadata'] };
      return { object: inOrder(object, kind, apiVersion), unknown };
    },
    validateSchema(object, errors, old, warn, part = 'main') {
      const found = new FieldErrors();
      const [now, before] = [besidesMetadata(object), old && besidesMetadata(old)];
      validateSchema(now, besides, '', found, before);
      if (scalePaths) validateScale(now, scalePaths, found, part);
      validateEmbedded(now, besides, '', found);
      validateLists(now, before, besides, found);
      validateRules(object, schema, old, { found: found.list, errors: found, warn: warn ?? (() => undefined) });
      errors.list.push(...found.list);
    },
    stored: storedVersions(apiVersion, shared),
    // What is read from the store is in this version already.
    serve: (stored) => stored,
    view: (object) => object,
  };
}

/** Where anything was there twice before, all may be. */
function validateLists(value: unknown, old: unknown, schema: JSONSchemaProps, errors: FieldErrors): void {
  const twice = new FieldErrors();
  validateListTypes(value, schema, '', twice);
  if (twice.list.length === 0) return;
  const before = new FieldErrors();
  if (old) validateListTypes(old, schema, '', before);
  if (before.list.length === 0) errors.list.push(...twice.list);
}

function besidesMetadata({ metadata: _metadata, ...rest }: KubernetesObject): Readonly<Record<string, unknown>> {
  return rest;
}

const trimmed = new WeakMap<JSONSchemaProps, JSONSchemaProps>();

/** What a schema says of metadata beyond its name is not asked here: metadata has its own rules. */
function withoutMetadata(schema: JSONSchemaProps): JSONSchemaProps {
  let result = trimmed.get(schema);
  if (!result) {
    const { metadata: _metadata, ...properties } = schema.properties ?? {};
    result = { ...schema, properties, required: (schema.required ?? []).filter((each) => each !== 'metadata') };
    trimmed.set(schema, result);
  }
  return result;
}

function scaleOf({ subresources }: CustomResourceDefinitionVersion): ScalePaths | undefined {
  const scale = subresources?.scale;
  return (
    scale && {
      specReplicas: pathOf(scale.specReplicasPath),
      statusReplicas: pathOf(scale.statusReplicasPath),
      ...(scale.labelSelectorPath && { selector: pathOf(scale.labelSelectorPath) }),
    }
  );
}

function subresourcesOf(group: string, version: CustomResourceDefinitionVersion, kind: string): ServedSubresource[] {
  const { status, scale } = version.subresources ?? {};
  return [
    ...(status ? [{ name: 'status', kind: { group, version: version.name, kind }, verbs: partVerbs }] : []),
    ...(scale
      ? [{ name: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, verbs: partVerbs }]
      : []),
  ];
}
