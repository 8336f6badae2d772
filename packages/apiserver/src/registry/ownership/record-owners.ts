import { deepEqual, type KubernetesObject, type ManagedFieldsEntry, timestamp } from '@keelson/core';
import { isMarkedHollow, withHollows } from '../../schema/index.ts';
import type { Call } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import { asJson, type Draft, isObject, type Json, type ObjectDraft } from '../draft.ts';
import type { Kind } from '../kind.ts';
import { versionsOf, withConversions } from './conversions.ts';
import {
  capUpdaters,
  identityOf,
  type Manager,
  type Managers,
  mayLackKeys,
  readManagers,
  writeManagers,
} from './managers.ts';
import { mergeTypeOf } from './merge-type.ts';
import { resetFieldsOf } from './reset-fields.ts';
import { ownersAfterUpdate } from './update-owners.ts';
import { type TypeFinding, validateValue } from './validate-value.ts';

export type Writer = Omit<Manager, 'fields' | 'entry' | 'time'> & { readonly identity: string };

/** A part of the cluster in this process has no user agent: it is known by the program that it is elsewhere. */
function programOf({ name }: Call['user']): string {
  if (!name.startsWith('system:')) return 'unknown';
  if (name === 'system:apiserver') return 'kube-apiserver';
  if (name === 'system:kube-scheduler' || name === 'system:kube-proxy') return name.slice('system:'.length);
  if (name.startsWith('system:node:')) return 'kubelet';
  return name.startsWith('system:serviceaccount:kube-system:') ? 'kube-controller-manager' : 'unknown';
}

/** Who writes, as an entry of managedFields tells it apart from others. */
export function writerOf({ kind, request, user }: Call, operation: Manager['operation']): Writer {
  const name = request.options?.fieldManager || request.program || programOf(user);
  const { apiVersion } = kind;
  const subresource = request.subresource ?? '';
  const identity = identityOf({ name, operation, apiVersion, subresource });
  return { name, operation, apiVersion, subresource, identity };
}

const empties = new WeakMap<Kind, Readonly<Json>>();

/** What a new object of the kind is before anything is written into it. */
export function emptyObject(kind: Kind): Readonly<Json> {
  let empty = empties.get(kind);
  if (!empty) {
    empty = kind.served.custom
      ? { apiVersion: kind.apiVersion, kind: kind.served.kind }
      : asJson(kind.view(kind.decode({ metadata: {} }).object));
    empties.set(kind, empty);
  }
  return empty;
}

/** A client that sends no entries, or a single empty one, wants nobody to own anything any more. */
function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (entries === undefined) return false;
  const [only] = entries;
  return entries.length === 0 || (entries.length === 1 && only !== undefined && Object.keys(only).length === 0);
}

const nobody: Managers = new Map();

/**
 * The owners to go on from: those that the client sent, if it sent any that can be read, or those of the object.
 * Undefined where nobody is to own anything.
 */
function ownersBefore({ request }: Call, draft: ObjectDraft, old: KubernetesObject | undefined): Managers | undefined {
  const sent = draft.metadata.managedFields;
  const before = old?.metadata.managedFields;
  if (!request.subresource && sent !== undefined && (before === undefined || before !== ownersIn(request.body))) {
    if (isReset(sent)) return nobody;
    const managers = readManagers(sent, { written: false });
    if (managers !== undefined && managers.size > 0) return areConvertible(managers) ? managers : undefined;
  }
  return readManagers(before) ?? nobody;
}

/** A version that is unknown is forgotten with its entry; one that is none makes all of it unreadable. */
function areConvertible(managers: Managers): boolean {
  for (const { apiVersion } of managers.values()) if (apiVersion.split('/').length > 2) return false;
  return true;
}

/** Who writes back what it read in this process sends the very entries that the object has. */
function ownersIn(body: unknown): unknown {
  const metadata = isObject(body) ? body['metadata'] : undefined;
  return isObject(metadata) ? metadata['managedFields'] : undefined;
}

export function setManagedFields(draft: ObjectDraft, entries: readonly ManagedFieldsEntry[] | undefined): void {
  if (entries === undefined) delete draft.metadata.managedFields;
  else draft.metadata.managedFields = entries as Draft<ManagedFieldsEntry>[];
}

/** What is wrong with an object whose owners own elements of lists that have no key; nothing, for nearly all. */
export function keyless(kind: Kind, object: KubernetesObject): readonly TypeFinding[] {
  if (!mayLackKeys(object.metadata.managedFields)) return [];
  return validateValue(mergeTypeOf(kind), asJson(kind.view(object)), '', true);
}

/** A list that was given and is empty is another value than none, where Go writes either. */
function afterWrite(kind: Kind, draft: ObjectDraft): Readonly<Json> {
  const after = asJson(kind.view(draft));
  const given = isMarkedHollow(after) ? withHollows(after, 'shown') : after;
  return isObject(given) ? given : after;
}

/**
 * Writes into the draft who owns what after a create or an update, but not after an apply (KEP-555). `old` is undefined
 * on create. Objects that nobody owns any part of stay so until somebody applies.
 */
export function recordOwners(
  context: RegistryContext,
  call: Call,
  draft: ObjectDraft,
  old: KubernetesObject | undefined,
): void {
  const { kind, request } = call;
  const managers = ownersBefore(call, draft, old);
  if (managers === undefined || (old && (managers.size === 0 || keyless(kind, old).length > 0))) {
    setManagedFields(draft, undefined);
    return;
  }
  try {
    const result = ownersAfterUpdate(
      {
        versions: versionsOf(context.catalog, kind),
        before: old ? asJson(kind.view(old)) : emptyObject(kind),
        after: afterWrite(kind, draft),
        reset: resetFieldsOf(kind, request.subresource ?? ''),
      },
      managers,
      writerOf(call, 'Update'),
      () => timestamp(context.clock),
    );
    capUpdaters(result);
    setManagedFields(draft, writeManagers(result));
  } catch (error) {
    // A list whose elements cannot be told apart: as in Kubernetes, nobody owns any part of such an object any more.
    if (!(error instanceof Error)) throw error;
    setManagedFields(draft, undefined);
  }
}

/** The same where owners may be of versions that a webhook has to convert to. */
export async function recordingOwners(
  context: RegistryContext,
  call: Call,
  draft: ObjectDraft,
  old: KubernetesObject | undefined,
): Promise<void> {
  if (call.kind.stored) await withConversions(() => recordOwners(context, call, draft, old));
  else recordOwners(context, call, draft, old);
}

/**
 * A write that turned out to change nothing but the time of an entry, all of it dropped that is not to be written, leaves
 * that time, too: the object then is what it was, and is not written.
 */
export function keepTimes(draft: ObjectDraft, old: KubernetesObject): void {
  const now = draft.metadata.managedFields as readonly ManagedFieldsEntry[] | undefined;
  const before = old.metadata.managedFields;
  if (!now || !before || now.length !== before.length) return;
  const timeless = ({ time: _time, ...rest }: ManagedFieldsEntry) => rest;
  if (now.every((each, at) => each.time === before[at]?.time)) return;
  if (!now.every((each, at) => deepEqual(timeless(each), timeless(before[at] ?? {})))) return;
  setManagedFields(draft, before);
  if (!deepEqual(draft, old)) setManagedFields(draft, now);
}
