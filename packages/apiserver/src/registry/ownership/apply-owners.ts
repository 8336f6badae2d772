import { deepEqual, StatusError } from '@keelson/core';
import type { Json } from '../draft.ts';
import { convertValue, UntypedValue, type Version, type Versions } from './conversions.ts';
import {
  differenceOf,
  equalSets,
  type FieldSet,
  intersectionOf,
  noFields,
  recursiveDifferenceOf,
  unionOf,
} from './field-set.ts';
import { fieldsOf, withNamedFields } from './fields-of-value.ts';
import type { Manager, Managers } from './managers.ts';
import { withFields } from './managers.ts';
import { mergeValues } from './merge-values.ts';
import { reconciledManagers } from './reconcile.ts';
import { removeFields } from './remove-fields.ts';
import { Comparisons, stripped } from './update-owners.ts';

/** A configuration that is applied to an object; all in the request's version. */
export interface Application {
  readonly versions: Versions;
  readonly live: Readonly<Json>;
  readonly applied: Readonly<Json>;
  readonly reset: FieldSet;
  readonly force: boolean;
}

export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

export type ApplyOutcome =
  | { readonly type: 'conflicts'; readonly conflicts: readonly Conflict[] }
  | {
      readonly type: 'applied';
      /** The merged object, or undefined if that is what there was. */
      readonly merged: Readonly<Json> | undefined;
      readonly managers: Map<string, Manager>;
    };

/**
 * Server-side apply (KEP-555): what the manager names becomes so, what it named before and no longer does goes unless
 * somebody else owns it, and what others own and want otherwise is a conflict.
 */
export function applyTo(
  application: Application,
  managers: Managers,
  writer: Omit<Manager, 'fields' | 'entry' | 'time'> & { readonly identity: string },
  now: () => string,
): ApplyOutcome {
  const { versions, live, applied, reset, force } = application;
  managers = reconciledManagers(versions, managers);
  const { asked } = versions;
  const { identity, ...writing } = writer;
  const previous = managers.get(identity);
  const fields = recursiveDifferenceOf(fieldsOf(asked.type, applied), reset);
  const everyone = new Map(managers);
  everyone.set(identity, { ...writing, time: previous?.time, fields, entry: undefined });
  const laid = mergeValues(asked.type, live, applied);
  const merged = (
    givesUpNothing(previous, fields, asked) ? laid : prune(versions, laid, everyone, previous)
  ) as Readonly<Json> | null;
  const comparisons = new Comparisons({ versions, before: live, after: merged, reset }, managers);
  const conflicts: Conflict[] = [];
  const result = new Map<string, Manager>();
  for (const [each, manager] of managers) {
    if (each === identity) continue;
    const version = versions.find(manager.apiVersion);
    if (!version) continue;
    const { changed, removed } = comparisons.in(version);
    const contested = intersectionOf(manager.fields, changed);
    if (contested.size > 0) conflicts.push({ manager, fields: contested });
    const left = differenceOf(differenceOf(manager.fields, contested), removed);
    if (left.size > 0) result.set(each, withFields(manager, left));
  }
  if (conflicts.length > 0 && !force) return { type: 'conflicts', conflicts };
  const unchanged = deepEqual(live, merged);
  const kept = differenceOf(fields, stripped);
  if (kept.size > 0) {
    const time = unchanged ? previous?.time : now();
    const same = previous && previous.time === time && previous.apiVersion === writing.apiVersion;
    if (same && equalSets(previous.fields, kept)) result.set(identity, previous);
    else result.set(identity, { ...writing, time, fields: kept, entry: undefined });
  }
  return { type: 'applied', merged: unchanged ? undefined : (merged ?? {}), managers: result };
}

/** Who applies all that it did before takes nothing away. */
function givesUpNothing(previous: Manager | undefined, fields: FieldSet, asked: Version): boolean {
  if (!previous) return true;
  return previous.apiVersion === asked.kind.apiVersion && differenceOf(previous.fields, fields).size === 0;
}

/** Takes away what was applied before, is not now, and is nobody else's. */
function prune(versions: Versions, merged: unknown, managers: Managers, previous: Manager | undefined): unknown {
  if (!previous || previous.fields.size === 0) return merged;
  const version = versions.find(previous.apiVersion);
  if (!version) return merged;
  const last = 'to last applied version';
  const whole = convertToPrune(versions.asked, version, merged, `failed to convert merged object ${last}`);
  const bare = removeFields(version.type, whole, withNamedFields(previous.fields, version.type));
  const owned = addBackOwned(versions, version, whole, bare, managers);
  const why = `failed add back dangling items: failed to convert pruned object ${last}`;
  const left = convertToPrune(owned.version, version, owned.value, why);
  return convertToPrune(version, versions.asked, addBackDangling(version, whole, left, previous));
}

/** Throws what Kubernetes says of values that have no place in the other version. */
function convertToPrune(from: Version, to: Version, value: unknown, ...why: readonly string[]): unknown {
  try {
    return convertValue(from, to, value);
  } catch (error) {
    if (!(error instanceof UntypedValue)) throw error;
    const message = ['failed to prune fields', ...why, error.message].join(': ');
    throw new StatusError({ status: 'Failure', message, code: 500 });
  }
}

function addBackOwned(
  versions: Versions,
  version: Version,
  whole: unknown,
  bare: unknown,
  managers: Managers,
): { readonly version: Version; readonly value: unknown } {
  const owned = new Map<string, FieldSet>();
  for (const { apiVersion, fields } of managers.values()) {
    owned.set(apiVersion, unionOf(owned.get(apiVersion) ?? noFields, fields));
  }
  // The version in which it was removed comes first: others may not be convertible to before.
  const order = [...owned].sort(([a]) => (a === version.kind.apiVersion ? -1 : 0));
  let at = version;
  let [all, left] = [whole, bare];
  for (const [apiVersion, fields] of order) {
    const next = versions.find(apiVersion);
    if (!next) continue;
    const why = (which: string) =>
      `failed add back owned items: failed to convert ${which} object at version ${apiVersion}`;
    all = convertToPrune(at, next, all, why('merged'));
    left = convertToPrune(at, next, left, why('pruned'));
    at = next;
    const kept = unionOf(named(next, left), withNamedFields(fields, next.type));
    left = removeFields(next.type, all, differenceOf(named(next, all), kept));
  }
  return { version: at, value: left };
}

const named = (version: Version, value: unknown) => withNamedFields(fieldsOf(version.type, value), version.type);

/** What went with something that was removed, but was not applied before, stays. */
function addBackDangling(version: Version, whole: unknown, pruned: unknown, previous: Manager): unknown {
  const gone = differenceOf(named(version, whole), named(version, pruned));
  const ours = withNamedFields(previous.fields, version.type);
  return removeFields(version.type, whole, intersectionOf(gone, ours));
}
