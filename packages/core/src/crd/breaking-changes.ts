import type { CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps } from '../api/index.ts';
import { deepEqual } from '../machinery/index.ts';
import { type Breaks, compareSchemas, type Report } from './schema-changes.ts';

/** A change that stands in the way of what is stored, or of who uses it. */
export interface BreakingChange {
  /** For example `v1: spec.replicas`; of the definition as a whole its own field, such as `scope`. */
  readonly path: string;
  /** Objects that are stored become invalid, unreadable or lose something; or clients find things otherwise. */
  readonly breaks: Breaks;
  /** What changed: a keyword of the schema (`minimum`, `required` …), or `removed`, `served`, `storage` … */
  readonly change: string;
  readonly why: string;
}

/**
 * What breaks when one definition takes the place of another. An object that fits the old one and not the new one is
 * always found; of rules in CEL and of patterns it is not known which way they go, so that each new one counts.
 */
export function breakingChanges(
  before: CustomResourceDefinition,
  after: CustomResourceDefinition,
): readonly BreakingChange[] {
  const found: BreakingChange[] = [];
  const report: Report = (path, breaks, change, why) => void found.push({ path, breaks, change, why });
  compareNames(before, after, report);
  for (const was of before.spec.versions) {
    const is = after.spec.versions.find((each) => each.name === was.name);
    if (is) compareVersions(was, is, report);
    else if (was.storage) report(was.name, 'objects', 'removed', 'objects are stored in it: migrate them first');
    else if (was.served) report(was.name, 'clients', 'removed', 'clients ask for it: stop serving it first');
  }
  compareConversion(before, after, report);
  return found;
}

function compareNames({ spec: was }: CustomResourceDefinition, { spec: is }: CustomResourceDefinition, report: Report) {
  for (const [path, old, now] of [
    ['group', was.group, is.group],
    ['scope', was.scope, is.scope],
    ['names.plural', was.names.plural, is.names.plural],
    ['names.kind', was.names.kind, is.names.kind],
  ] as const) {
    if (old !== now) report(path, 'objects', 'names', `it was ${old} and is ${now}: that is another resource`);
  }
  const called = (names: typeof was.names) => [names.singular ?? names.kind.toLowerCase(), ...(names.shortNames ?? [])];
  for (const name of called(was.names)) {
    if (!called(is.names).includes(name)) report('names', 'clients', 'names', `it is no longer called ${name}`);
  }
}

function compareVersions(was: CustomResourceDefinitionVersion, is: CustomResourceDefinitionVersion, report: Report) {
  const { name } = was;
  if (was.served && !is.served) report(name, 'clients', 'served', 'clients ask for it');
  const at = (path: string) => (path === '' ? name : `${name}: ${path}`);
  const [before, after] = [schemaOf(was), schemaOf(is)];
  compareSchemas(before, after, '', (path, ...rest) => report(at(path), ...rest));
  const [old, now] = [was.subresources ?? {}, is.subresources ?? {}];
  if (old.status && !now.status)
    report(at('status'), 'clients', 'subresource', 'it can no longer be written by itself');
  if (!old.status && now.status && before.properties?.['status']) {
    report(at('status'), 'clients', 'subresource', 'writes of the object no longer change it');
  }
  if (old.scale && !deepEqual(old.scale, now.scale)) {
    report(at('scale'), 'clients', 'subresource', now.scale ? 'its paths are others' : 'it cannot be scaled any more');
  }
  for (const { jsonPath } of was.selectableFields ?? []) {
    if (is.selectableFields?.some((each) => each.jsonPath === jsonPath)) continue;
    report(at(jsonPath.replace(/^\./, '')), 'clients', 'selectableFields', 'clients select by it');
  }
}

const schemaOf = ({ schema }: CustomResourceDefinitionVersion): JSONSchemaProps => schema?.openAPIV3Schema ?? {};

/** Without a conversion all versions are read by one name or another, and what only one of them knows is lost. */
function compareConversion(before: CustomResourceDefinition, after: CustomResourceDefinition, report: Report): void {
  if ((after.spec.conversion?.strategy ?? 'None') !== 'None') return;
  const wasConverted = (before.spec.conversion?.strategy ?? 'None') !== 'None';
  const [was, is] = [before, after].map(({ spec }) => spec.versions.find((each) => each.storage));
  if (!was || !is) return;
  if (wasConverted && after.spec.versions.length > 1) {
    report('conversion', 'objects', 'conversion', 'versions are no longer converted');
  } else if (was.name !== is.name && after.spec.versions.some((each) => each.name === was.name)) {
    const lossy: string[] = [];
    compareSchemas(schemaOf(was), schemaOf(is), '', (path, breaks) => breaks === 'objects' && lossy.push(path));
    if (lossy.length === 0) return;
    report(
      is.name,
      'objects',
      'storage',
      `what is stored in ${was.name} does not fit it, and nobody converts: ${lossy.join(', ')}`,
    );
  }
}
