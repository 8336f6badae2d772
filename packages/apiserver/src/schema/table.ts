import type { PrinterColumn, Schema } from '../registry/contract.ts';
import { columnsJson } from './generated/columns.ts';
import { definitionsJson } from './generated/definitions.ts';
import { kindsJson } from './generated/kinds.ts';
import { resourcesJson } from './generated/resources.ts';

/** A kind as discovery of Kubernetes v1.35 lists it. */
export interface TableResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly singular: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
  /** The version that Kubernetes stores it in, where that is another one. */
  readonly storage?: { readonly group: string; readonly version: string };
  readonly subresources?: readonly {
    readonly name: string;
    readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
    readonly verbs: readonly string[];
  }[];
}

export interface ResourceTable {
  readonly groups: readonly { readonly group: string; readonly versions: readonly string[] }[];
  readonly resources: readonly TableResource[];
}

/** What is generated from the reference is JSON text; it is parsed when first asked for, and once. */
function lazy<T>(json: string): () => T {
  let value: T | undefined;
  return () => {
    value ??= JSON.parse(json) as T;
    return value;
  };
}

/** Every definition of the API by its OpenAPI name, such as `io.k8s.api.core.v1.Pod`. */
export const definitions = lazy<Readonly<Record<string, Schema>>>(definitionsJson);
export const resourceTable = lazy<ResourceTable>(resourcesJson);
/** Table columns by `/v1/pods` or `/apps/v1/deployments`. */
export const columnTable = lazy<Readonly<Record<string, readonly PrinterColumn[]>>>(columnsJson);

/** A Map: versions are looked up that come from outside, and `hasOwnProperty` is none. */
let kinds: ReadonlyMap<string, ReadonlySet<string>> | undefined;

/** Whether Kubernetes' code knows a kind, be it of a version that it no longer serves, or one that no API has. */
export function isKnownKind(groupVersion: string, kind: string): boolean {
  kinds ??= new Map(
    Object.entries(JSON.parse(kindsJson) as Record<string, string>).map(([each, names]) => [
      each,
      new Set(names.split(' ')),
    ]),
  );
  return kinds.get(groupVersion)?.has(kind) ?? false;
}

let byKind: Map<string, string> | undefined;

/** The definition's name of a kind, or undefined where the table has none. */
export function definitionOf(group: string, version: string, kind: string): string | undefined {
  if (byKind === undefined) {
    byKind = new Map();
    for (const [name, definition] of Object.entries(definitions())) {
      const kinds = definition['x-kubernetes-group-version-kind'];
      if (!Array.isArray(kinds)) continue;
      for (const each of kinds) byKind.set(`${each.group}/${each.version}/${each.kind}`, name);
    }
  }
  return byKind.get(`${group}/${version}/${kind}`);
}

/** The definition's name of a kind in some version of its group: all of them are one kind within Kubernetes. */
export function anyDefinitionOf(group: string, kind: string): string | undefined {
  definitionOf(group, '', kind);
  for (const [name, definition] of byKind ?? []) {
    if (name.startsWith(`${group}/`) && name.endsWith(`/${kind}`)) return definition;
  }
  return undefined;
}

let writtenZeros: Readonly<Record<string, string>> | undefined;

/** Fields whose OpenAPI schema has the zero value as its default: `name` alone is an empty struct, `name=0` a scalar. */
export function alwaysWritten(): Readonly<Record<string, string>> {
  writtenZeros ??= Object.fromEntries(
    Object.entries(definitions()).map(([name, { properties = {} }]) => {
      const zeros = Object.entries(properties).flatMap(([field, { default: preset }]) => {
        if (preset === '' || preset === 0 || preset === false) return [`${field}=${preset}`];
        return typeof preset === 'object' && preset !== null && Object.keys(preset).length === 0 ? [field] : [];
      });
      return [name, zeros.join(' ')];
    }),
  );
  return writtenZeros;
}
