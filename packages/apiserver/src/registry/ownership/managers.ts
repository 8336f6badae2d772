import type { ManagedFieldsEntry } from '@keelson/core';
import { type FieldSet, unionOf } from './field-set.ts';
import { formatFields, mayNameNull, parseFields } from './fields-v1.ts';

/** Who owns which fields: one entry of managedFields. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
  /** What it was read from, if it is unchanged. */
  readonly entry: ManagedFieldsEntry | undefined;
}

export type Identity = Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>;

/** By identity, in no order. */
export type Managers = ReadonlyMap<string, Manager>;

/**
 * What tells entries apart: all but time and fields, and for appliers not the version. Kubernetes orders by this very
 * text in places, so that it is written as there.
 */
export function identityOf({ name, operation, apiVersion, subresource }: Identity): string {
  let text = '{';
  if (name !== '') text += `"manager":${JSON.stringify(name)},`;
  text += `"operation":"${operation}"`;
  if (operation === 'Update' && apiVersion !== '') text += `,"apiVersion":${JSON.stringify(apiVersion)}`;
  if (subresource !== '') text += `,"subresource":${JSON.stringify(subresource)}`;
  return `${text}}`;
}

/** Why entries cannot be read, in the words of Kubernetes; undefined where they can. */
export function managersProblem(entries: readonly ManagedFieldsEntry[]): string | undefined {
  for (const [index, { operation, apiVersion = '', fieldsType = '' }] of entries.entries()) {
    if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`';
    if (apiVersion === '') return 'apiVersion must not be empty';
    const at = `in managed fields entry ${index}`;
    if (fieldsType === '') return `missing fieldsType ${at}`;
    if (fieldsType !== 'FieldsV1') return `invalid fieldsType ${JSON.stringify(fieldsType)} ${at}`;
  }
  return readManagers(entries) ? undefined : 'its fields cannot be read';
}

/**
 * Undefined if an entry is not what an entry must be. `written` by this server, entries stay as they are while nothing
 * changes; what a client sent is written anew, in the one form that a set has.
 */
export function readManagers(
  entries: readonly ManagedFieldsEntry[] | undefined,
  { written = true }: { readonly written?: boolean } = {},
): Managers | undefined {
  const managers = new Map<string, Manager>();
  for (const entry of entries ?? []) {
    const { operation, apiVersion = '', fieldsType } = entry;
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion === '' || fieldsType !== 'FieldsV1') {
      return undefined;
    }
    let fields: FieldSet;
    try {
      fields = parseFields(entry.fieldsV1 ?? {});
    } catch {
      // Kubernetes ignores entries that it cannot read, whatever is wrong with them, and the caller says with what.
      return undefined;
    }
    const manager: Manager = {
      name: entry.manager ?? '',
      operation,
      apiVersion,
      subresource: entry.subresource ?? '',
      time: entry.time ?? undefined,
      fields,
      entry: written ? entry : undefined,
    };
    managers.set(identityOf(manager), manager);
  }
  return managers;
}

/** Whether the object that has these entries may hold elements of lists that have no key; to be looked at only then. */
export const mayLackKeys = (entries: readonly ManagedFieldsEntry[] | undefined): boolean =>
  entries?.some(({ fieldsV1 }) => fieldsV1 != null && mayNameNull(fieldsV1)) ?? false;

/** The entries, in their order; undefined where there are none. Unchanged ones are those that were read. */
export function writeManagers(managers: Managers): readonly ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined;
  if (managers.size === 1) for (const only of managers.values()) return [entryOf(only)];
  return [...managers.values()].sort(inOrder).map(entryOf);
}

function entryOf(manager: Manager): ManagedFieldsEntry {
  if (manager.entry) return manager.entry;
  const { name, operation, apiVersion, time, subresource, fields } = manager;
  const fieldsV1 = formatFields(fields) as NonNullable<ManagedFieldsEntry['fieldsV1']>;
  // The common one in one go: its order is that of the encoded object.
  if (name !== '' && time !== undefined && subresource === '') {
    return { manager: name, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1 };
  }
  return {
    ...(name !== '' && { manager: name }),
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource !== '' && { subresource }),
  };
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function inOrder(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

/** The manager with other fields; itself if they are the same. */
export function withFields(manager: Manager, fields: FieldSet): Manager {
  return fields === manager.fields ? manager : { ...manager, fields, entry: undefined };
}

const mostUpdaters = 10;

/** Beyond ten, the oldest updaters of one version become one, `ancient-changes`. */
export function capUpdaters(managers: Map<string, Manager>): void {
  let count = 0;
  for (const each of managers.values()) if (each.operation === 'Update') count++;
  if (count <= mostUpdaters) return;
  const oldestFirst = [...managers]
    .filter(([, each]) => each.operation === 'Update')
    .sort(([a, left], [b, right]) => compareText(left.time ?? '', right.time ?? '') || compareText(a, b));
  const firstOf = new Map<string, string>();
  for (const [identity] of oldestFirst) {
    if (count <= mostUpdaters) return;
    const manager = managers.get(identity);
    if (!manager) continue;
    const { apiVersion } = manager;
    const first = firstOf.get(apiVersion);
    if (first === undefined) {
      firstOf.set(apiVersion, identity);
      continue;
    }
    const ancient = { name: 'ancient-changes', operation: 'Update', apiVersion, subresource: '' } as const;
    const bucket = identityOf(ancient);
    if (!managers.has(bucket)) {
      const oldest = managers.get(first);
      managers.delete(first);
      if (oldest) managers.set(bucket, { ...oldest, ...ancient, entry: undefined });
    }
    const gathered = managers.get(bucket);
    const fields = gathered ? unionOf(manager.fields, gathered.fields) : manager.fields;
    // The bucket is as old as what came into it last.
    managers.set(bucket, { ...ancient, time: manager.time, fields, entry: undefined });
    // Where the bucket itself is what comes next, it goes with all that it holds, as with a real server.
    managers.delete(identity);
    count--;
  }
}
