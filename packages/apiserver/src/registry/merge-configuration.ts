import type { JsonObject } from '@keelson/core';
import type { ObjectForm } from '@keelson/core/admission';
import type { MergeConfiguration } from '../admission/index.ts';
import { definitionOf } from '../schema/index.ts';
import type { KindCatalog } from './catalog.ts';
import { deduced, definitionType, type MergeType, mergeTypeOf } from './ownership/merge-type.ts';
import { mergeValues } from './ownership/merge-values.ts';
import { findingsText, validateValue } from './ownership/validate-value.ts';

/** How mutating policies lay a part of an object over it, with the types of what is served. */
export function mergeConfiguration(catalog: Pick<KindCatalog, 'kind'>): MergeConfiguration {
  return (form, live, patch) => {
    const type = typeOf(form, catalog);
    const findings = validateValue(type, patch);
    if (findings.length > 0)
      throw new Error(`failed to convert patch object to typed object: ${findingsText(findings)}`);
    const atomics = atomicPaths(type, patch);
    if (atomics.length > 0) {
      const paths = atomics.join(', ');
      throw new Error(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${paths}`);
    }
    // Two maps are laid over each other.
    return mergeValues(type, live, patch) as JsonObject;
  };
}

/** A subresource's own kind, such as Scale, is none of the catalog. */
function typeOf({ kind, resource }: ObjectForm, catalog: Pick<KindCatalog, 'kind'>): MergeType {
  const found = catalog.kind(resource.group, resource.version, resource.resource);
  if (found?.served.kind === kind.kind) return mergeTypeOf(found);
  const definition = definitionOf(kind.group, kind.version, kind.kind);
  return definition === undefined ? deduced : definitionType(definition);
}

/** Where a value sets something that is owned as a whole: policies could not be told apart by such fields. */
function atomicPaths(type: MergeType | undefined, value: unknown, at = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) {
    const { list } = type ?? {};
    if (!list) return [];
    const within = value.flatMap((each, index) => atomicPaths(list.item, each, `${at}[${index}]`));
    return list.atomic ? [at, ...within] : within;
  }
  const { map } = type ?? {};
  if (!map) return [];
  const within = Object.entries(value).flatMap(([name, each]) =>
    atomicPaths(map.fields.get(name)?.type, each, `${at}.${name}`),
  );
  return map.atomic ? [at, ...within] : within;
}
