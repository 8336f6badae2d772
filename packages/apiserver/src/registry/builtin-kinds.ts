import { apiVersionOf, type KubernetesObject } from '@keelson/core';
import {
  columnTable,
  copyHollow,
  decodeAs,
  definitionOf,
  isMarkedHollow,
  resourceTable,
  type TableResource,
  withHollows,
} from '../schema/index.ts';
import type { ServedResource } from './contract.ts';
import { conversionFor } from './conversion.ts';
import { draftJson, type ObjectDraft } from './draft.ts';
import { fieldLabels } from './field-labels.ts';
import { type Kind, prefixFor, type ScalePaths } from './kind.ts';
import type { Serves } from './runtime-config.ts';
import { encodeObject, type StoredObject } from './stored-object.ts';
import type { NamedStrategy } from './strategy.ts';

const subresourceVersion = (resource: TableResource, kind: { group: string; version: string; kind: string }) =>
  kind.version === '' ? { ...kind, group: resource.group, version: resource.version } : kind;

const scalePaths: ScalePaths = {
  specReplicas: ['spec', 'replicas'],
  statusReplicas: ['status', 'replicas'],
  selector: ['spec', 'selector'],
};

/** Every built-in kind in the versions that are served. */
export function builtinKinds(strategies: readonly NamedStrategy[], serves: Serves): readonly Kind[] {
  const byResource = new Map(strategies.map((each) => [`${each.group}/${each.resource}`, each.strategy]));
  return resourceTable().resources.flatMap((resource) => {
    const apiVersion = apiVersionOf(resource);
    if (!serves(resource)) return [];
    const definition = definitionOf(resource.group, resource.version, resource.kind);
    if (definition === undefined) return [];
    const storage = resource.storage ?? { group: resource.group, version: resource.version };
    // One object may be held to other rules where it comes through another group.
    const strategy =
      byResource.get(`${resource.group}/${resource.resource}`) ??
      byResource.get(`${storage.group}/${resource.resource}`) ??
      {};
    return [builtinKind(resource, definition, apiVersion, storage, strategy)];
  });
}

function builtinKind(
  resource: TableResource,
  definition: string,
  apiVersion: string,
  storage: { readonly group: string; readonly version: string },
  strategy: Kind['strategy'],
): Kind {
  const { group, version, kind } = resource;
  const served: ServedResource = {
    group,
    version,
    resource: resource.resource,
    singular: resource.singular,
    kind,
    listKind: `${kind}List`,
    namespaced: resource.scope === 'Namespaced',
    verbs: resource.verbs,
    shortNames: resource.shortNames ?? [],
    categories: resource.categories ?? [],
    ...(resource.storageVersionHash && { storageVersionHash: resource.storageVersionHash }),
    subresources: (resource.subresources ?? []).map((each) => ({
      ...each,
      kind: subresourceVersion(resource, each.kind),
    })),
    definition,
    columns: columnTable()[`${group}/${version}/${resource.resource}`] ?? [],
    custom: false,
  };
  const servedConversion = conversionFor(resource, storage);
  const storedVersion = apiVersionOf(storage);
  const storageGroup = storage.group === '' ? 'core' : storage.group;
  const same = servedConversion === undefined && storedVersion === apiVersion;
  const storedDefinition = definitionOf(storage.group, storage.version, kind) ?? definition;
  // What has been moved about is brought into the form that Go would give it.
  const canonical = (name: string, object: object) => decodeAs(name, object, { unknown: [] });
  const view = (object: KubernetesObject): KubernetesObject => {
    if (same) return object;
    if (!servedConversion) return { ...object, kind, apiVersion };
    const given = isMarkedHollow(object) ? (withHollows(object, 'all') as KubernetesObject) : object;
    return inOrder(canonical(definition, servedConversion.fromStored(given)) as ObjectDraft, kind, apiVersion);
  };
  const views = new WeakMap<StoredObject, ReturnType<typeof encodeObject>>();
  return {
    served,
    apiVersion,
    names: { group, resource: resource.resource },
    // Errors name the kind by the group that it is stored in: Events are core's, whatever they are called.
    kindName: { group: storage.group, resource: kind },
    prefix: prefixFor(storage.group, resource.resource),
    strategy,
    storedDefinition,
    hasStatus: served.subresources.some((each) => each.name === 'status'),
    ...(served.subresources.some((each) => each.name === 'scale') && { scale: scalePaths }),
    fields: fieldLabels(`${storageGroup}/${resource.resource}`, { apiVersion }),
    decode(body, { unkeyed = false, version: told } = {}) {
      const unknown: string[] = [];
      const bodyDefinition = told ? (definitionOf(told.group, told.version, kind) ?? definition) : definition;
      const conversion = told ? conversionFor({ ...told, resource: resource.resource }, storage) : servedConversion;
      const decoded = decodeAs(bodyDefinition, body, { unknown, unkeyed }) as ObjectDraft;
      const given = isMarkedHollow(decoded) && conversion ? (withHollows(decoded, 'all') as ObjectDraft) : decoded;
      const converted = conversion && (canonical(storedDefinition, conversion.toStored(given)) as ObjectDraft);
      const object = converted && conversion.settle ? conversion.settle(converted) : (converted ?? decoded);
      return { object: inOrder(object, kind, storedVersion), unknown };
    },
    serve(stored) {
      if (same) return stored;
      let encoded = views.get(stored);
      if (!encoded) {
        encoded = encodeObject(view(stored.object));
        views.set(stored, encoded);
      }
      return encoded;
    },
    view,
  };
}

/** The slot of the resourceVersion wants kind, apiVersion and metadata to come first, and metadata never to be empty. */
export function inOrder(object: ObjectDraft, kind: string, apiVersion: string): ObjectDraft {
  const result = { kind, apiVersion, metadata: object.metadata } satisfies ObjectDraft;
  const [from, to] = [draftJson(object), draftJson(result)];
  for (const key in from) {
    if (key === 'kind' || key === 'apiVersion' || key === 'metadata') continue;
    if (key === '__proto__') Object.defineProperty(to, key, { value: from[key], enumerable: true });
    else to[key] = from[key];
  }
  copyHollow(object, result);
  return result;
}
