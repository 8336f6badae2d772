import type { JsonObject } from '@keelson/core';
import type { ObjectForm } from '@keelson/core/admission';
import type { MergeConfiguration } from '../admission/index.ts';
import { definitionOf } from '../schema/index.ts';
import type { KindCatalog } from './catalog.ts';
import { isObject } from './draft.ts';
import { definitionType, type ListType, type MergeType, mergeTypeOf, type ScalarType } from './ownership/merge-type.ts';
import { mergeValues } from './ownership/merge-values.ts';
import { elementText } from './ownership/path-element.ts';
import { listElement, memberType } from './ownership/typed-shape.ts';
import { findingsText, type TypeFinding, validateValue } from './ownership/validate-value.ts';

/** How mutating policies lay a part of an object over it, with the types of what is served. */
export function mergeConfiguration(catalog: Pick<KindCatalog, 'kind'>): MergeConfiguration {
  return (form, live, patch) => {
    const type = typeOf(form, catalog);
    const findings = [...nullFindings(type, patch), ...validateValue(type, patch)];
    if (findings.length > 0)
      throw new Error(`failed to convert patch object to typed object: ${findingsText(findings)}`);
    const atomics = atomicPaths(type, patch);
    if (atomics.length > 0) {
      const paths = atomics.join(', ');
      throw new Error(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${paths}`);
    }
    // What was made of a built-in kind before has been read as one.
    const { group, version, resource } = form.resource;
    const found = catalog.kind(group, version, resource)?.served.custom ? validateValue(type, live, '', true) : [];
    if (found.length > 0) throw new Error(`failed to convert original object to typed object: ${findingsText(found)}`);
    // Two maps are laid over each other.
    return mergeValues(type, live, patch) as JsonObject;
  };
}

/** A subresource's own kind, such as Scale, has a type only in the documents of its own version. */
function typeOf({ kind, resource }: ObjectForm, catalog: Pick<KindCatalog, 'kind'>): MergeType {
  const { group, version } = kind;
  const found = catalog.kind(resource.group, resource.version, resource.resource);
  if (found?.served.kind === kind.kind) return mergeTypeOf(found);
  const own = group === resource.group && version === resource.version;
  const definition = own ? definitionOf(group, version, kind.kind) : undefined;
  if (definition !== undefined) return definitionType(definition);
  const apiVersion = group === '' ? version : `${group}/${version}`;
  throw new Error(
    `failed to convert patch object to typed object: no corresponding type for ${apiVersion}, Kind=${kind.kind}`,
  );
}

const nullTexts: Readonly<Record<ScalarType, string>> = {
  string: 'expected string, got &value.valueUnstructured{Value:0}',
  numeric: 'expected numeric (int or float), got structpb.NullValue',
  boolean: 'expected boolean, got &{NULL_VALUE}',
  untyped: 'expected any scalar, got &{NULL_VALUE}',
};

/** Unlike what clients apply, what an expression gives may hold no null: it is none of JSON there. */
function nullFindings(type: MergeType | undefined, value: unknown, path = ''): readonly TypeFinding[] {
  if (!type) return [];
  const { map, list, scalar } = type;
  if (value === null) {
    const wanted = map ? 'map' : list ? 'list' : undefined;
    if (scalar) return [{ path, message: nullTexts[scalar] }];
    return wanted ? [{ path, message: `expected ${wanted}, got &{NULL_VALUE}` }] : [];
  }
  if (Array.isArray(value)) {
    if (!list) return [];
    const elements: readonly unknown[] = value;
    return elements.flatMap((each, index) => nullFindings(list.item, each, path + elementPath(list, each, index)));
  }
  if (!map || !isObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => nullFindings(memberType(map, name), each, `${path}.${name}`));
}

function elementPath(list: ListType, element: unknown, index: number): string {
  try {
    return elementText(list.atomic ? `i:${index}` : listElement(list, element));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // What cannot be told from others is found by the validation of the list.
    return `[${index}]`;
  }
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
