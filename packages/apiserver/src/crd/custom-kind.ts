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
import { encodeObject, type StoredObject } from '../registry/stored-object.ts';
import { FieldErrors } from '../registry/strategy.ts';
import { storageVersionHash } from '../schema/index.ts';
import { decodeCustom, fittedTo, withDefaults } from './custom-decoder.ts';
import { validateListTypes } from './list-types.ts';
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

/** The kinds that a CRD makes, one for each version that it serves. */
export function customKinds(definition: CustomResourceDefinition): readonly Kind[] {
  const { spec } = definition;
  const storage = spec.versions.find((each) => each.storage)?.name ?? '';
  const leaving = definition.metadata.deletionTimestamp !== undefined;
  return spec.versions
    .filter((each) => each.served)
    .map((version) => customKind(definition, version, `${spec.group}/${storage}`, leaving));
}

function customKind(
  { spec }: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  storedVersion: string,
  leaving: boolean,
): Kind {
  const { group, names } = spec;
  const schema: JSONSchemaProps = version.schema?.openAPIV3Schema ?? { type: 'object' };
  const apiVersion = `${group}/${version.name}`;
  const kind = names.kind;
  const scalePaths = scaleOf(version);
  const hasStatus = version.subresources?.status !== undefined;
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
    custom: true,
  };
  const besides = withoutMetadata(schema);
  const asRead = (object: KubernetesObject) => withDefaults(fittedTo(object, schema), schema);
  const view = (object: KubernetesObject): KubernetesObject => {
    const full = asRead(object);
    return full.apiVersion === apiVersion ? full : { ...full, apiVersion };
  };
  const views = new WeakMap<StoredObject, ReturnType<typeof encodeObject>>();
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
      const unknown: string[] = [];
      const { metadata, rest } = decodeCustom(body, schema, { unknown }, options);
      // ObjectMeta has been decoded by its own schema.
      const object = { ...rest, metadata: metadata as ObjectDraft['metadata'] };
      return { object: inOrder(object, kind, storedVersion), unknown: unknown.sort() };
    },
    validateSchema(object, errors, old) {
      validateSchema(besidesMetadata(object), besides, '', errors, old && besidesMetadata(old));
      const twice = new FieldErrors();
      validateListTypes(besidesMetadata(object), besides, '', twice);
      if (twice.list.length === 0) return;
      // Where anything was there twice before, all may be.
      const before = new FieldErrors();
      if (old) validateListTypes(besidesMetadata(old), besides, '', before);
      if (before.list.length === 0) errors.list.push(...twice.list);
    },
    asRead,
    serve(stored) {
      let encoded = views.get(stored);
      if (!encoded) {
        const seen = view(stored.object);
        if (seen === stored.object) return stored;
        encoded = encodeObject(seen);
        views.set(stored, encoded);
      }
      return encoded;
    },
    view,
  };
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
