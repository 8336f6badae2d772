import type { KubernetesObject, ManagedFieldsEntry, ObjectMeta } from '@keelson/core';
import type { Schema } from '../contract.ts';
import { asJson, type Json } from '../draft.ts';
import type { Kind } from '../kind.ts';
import { differenceOf, emptyTree, type FieldTree, formatTree, isEmptyTree, parseTree, unionOf } from './field-tree.ts';
import { changedFields, fieldsOf } from './typed-value.ts';

/** Who owns which fields: one entry of managedFields. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fields: FieldTree;
}

/** What nobody owns: identity, and what the server itself writes. */
const unowned: readonly (keyof ObjectMeta)[] = [
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
  'generateName',
];

/** The part of an object that can be owned. */
export function ownable(object: Readonly<Json>): Json {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const meta = Object.entries((metadata ?? {}) as object).filter(([key]) => !unowned.some((each) => each === key));
  return meta.length === 0 ? rest : { ...rest, metadata: Object.fromEntries(meta) };
}

export function schemaOf({ served }: Kind): Schema | undefined {
  if (served.definition !== undefined) return { ref: served.definition };
  const schema = served.schema;
  return schema && { ...schema, properties: { ...schema.properties, metadata: { ref: metaDefinition } } };
}
const metaDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  return (entries ?? []).map((each) => ({
    name: each.manager ?? 'unknown',
    operation: each.operation === 'Apply' ? 'Apply' : 'Update',
    apiVersion: each.apiVersion ?? '',
    ...(each.subresource && { subresource: each.subresource }),
    ...(each.time && { time: each.time }),
    fields: parseTree(each.fieldsV1),
  }));
}

export function writeManagers(managers: readonly Manager[]): ManagedFieldsEntry[] {
  return managers
    .filter((each) => !isEmptyTree(each.fields))
    .sort((a, b) => order(a).localeCompare(order(b)))
    .map(({ name, operation, apiVersion, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      ...(time && { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: formatTree(fields),
      ...(subresource && { subresource }),
    }));
}

const order = ({ operation, time, name }: Manager) => `${operation} ${time ?? ''} ${name}`;

type Identity = Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>;

export const sameManager = (a: Identity, b: Identity) =>
  a.name === b.name &&
  a.operation === b.operation &&
  a.apiVersion === b.apiVersion &&
  (a.subresource ?? '') === (b.subresource ?? '');

/**
 * Who owns what after an ordinary write: the writer all that it changed, the others no longer what was changed or
 * removed. Objects that nobody ever applied keep no record: it costs as much as the object itself, and the first
 * apply treats all that is there as somebody else's.
 */
export function ownersAfterUpdate(
  kind: Kind,
  before: KubernetesObject,
  after: KubernetesObject,
  writer: Identity,
  now: string,
): ManagedFieldsEntry[] | undefined {
  const managers = readManagers(before.metadata.managedFields);
  if (managers.length === 0) return undefined;
  const { changed, removed } = changedFields(
    ownable(asJson(kind.view(before))),
    ownable(asJson(kind.view(after))),
    schemaOf(kind),
  );
  if (isEmptyTree(changed) && isEmptyTree(removed)) return writeManagers(managers);
  const gone = unionOf(changed, removed);
  const others = managers.map((each) => {
    const mine = sameManager(each, writer);
    return { ...each, fields: mine ? differenceOf(each.fields, removed) : differenceOf(each.fields, gone) };
  });
  if (isEmptyTree(changed)) return writeManagers(others);
  const own = others.find((each) => sameManager(each, writer));
  const entry: Manager = { ...writer, time: now, fields: unionOf(own?.fields ?? emptyTree(), changed) };
  return writeManagers([...others.filter((each) => each !== own), entry]);
}

/** All that stands in an object which nobody ever applied. */
export function beforeFirstApply(kind: Kind, object: KubernetesObject): Manager {
  return {
    name: 'before-first-apply',
    operation: 'Update',
    apiVersion: kind.apiVersion,
    ...(object.metadata.creationTimestamp && { time: object.metadata.creationTimestamp }),
    fields: fieldsOf(ownable(asJson(kind.view(object))), schemaOf(kind)),
  };
}
