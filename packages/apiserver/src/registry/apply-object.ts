import { type KubernetesObject, StatusError, timestamp } from '@keelson/core';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import { createDecoded } from './create-object.ts';
import { decodeApplied, describe } from './decode-patched.ts';
import { asJson, isObject, type Json, type ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';
import { checkName } from './object-metadata.ts';
import { applyConflict } from './ownership/apply-conflict.ts';
import { type Application, type ApplyOutcome, applyTo } from './ownership/apply-owners.ts';
import { versionsOf, withConversions } from './ownership/conversions.ts';
import { conflictsBeyond, fieldsLastApplied, withLastApplied } from './ownership/last-applied.ts';
import { identityOf, type Manager, readManagers, writeManagers } from './ownership/managers.ts';
import { emptyObject, keyless, setManagedFields, writerOf } from './ownership/record-owners.ts';
import { resetFieldsOf } from './ownership/reset-fields.ts';
import { ownersAfterUpdate } from './ownership/update-owners.ts';
import { findingsText, validateValue } from './ownership/validate-value.ts';
import {
  checkConditional,
  checkVersion,
  checkVersionText,
  find,
  type KeepRest,
  type UpdateOutcome,
  updateObject,
} from './update-object.ts';

/** PATCH with an apply patch: server-side apply (KEP-555), which also creates. */
export async function applyObject(context: RegistryContext, call: Call, keep?: KeepRest): Promise<UpdateOutcome> {
  const { kind, request } = call;
  const { subresource } = request;
  const current = await find(context, call);
  if (!current) {
    // Kinds that an update may create are looked at first, whatever part of them was meant.
    if (subresource && !mayMake(call, subresource)) throw StatusError.notFound(kind.names, request.name ?? '');
    const draft = await applying(context, call, emptyObject(kind), undefined);
    checkNoUid(call, draft);
    checkIdentity(call, draft, undefined);
    return { value: await createDecoded(context, call, draft), created: true };
  }
  const part = keep ? 'raw' : subresource === 'status' ? 'status' : 'main';
  const value = await updateObject(
    context,
    call,
    async (latest) => {
      const draft = await applying(context, call, asJson(kind.view(latest.object)), latest.object);
      checkIdentity(call, draft, latest.object);
      return draft;
    },
    { part, retry: true, owners: 'applied', ...(keep && { keep }) },
    current,
  );
  return { value, created: false };
}

/** By way of their status too, a real server makes objects of kinds that an update may create, and policies. */
function mayMake({ kind }: Call, subresource: string): boolean {
  const { group, resource } = kind.served;
  const policies = group === 'admissionregistration.k8s.io' && resource === 'validatingadmissionpolicies';
  return subresource === 'status' && (kind.strategy.createOnUpdate === true || policies);
}

/** Who names a uid means an object that is there. */
function checkNoUid({ kind, request }: Call, { metadata }: ObjectDraft): void {
  const { uid } = metadata;
  if (!uid) return;
  const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  throw StatusError.conflict(kind.names, request.name ?? '', why);
}

function checkIdentity({ kind, request }: Call, draft: ObjectDraft, old: KubernetesObject | undefined): void {
  if (!kind.served.namespaced) delete draft.metadata.namespace;
  const { namespace, resourceVersion } = draft.metadata;
  if (namespace && namespace !== request.namespace) {
    throw StatusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  checkName(draft, request.name ?? '');
  if (!old) checkVersionText(resourceVersion);
  else {
    checkVersion(kind, resourceVersion, old);
    checkConditional(kind, draft);
  }
}

/** What a configuration says it is; nothing where its apiVersion is none. */
function typeIn(applied: Readonly<Json>): { readonly group: string; readonly version: string; readonly named: string } {
  const { apiVersion, kind: named } = applied;
  const parts = typeof apiVersion === 'string' ? apiVersion.split('/') : [''];
  if (parts.length > 2) return { group: '', version: '', named: '' };
  const [version = '', group = ''] = parts.toReversed();
  return { group, version, named: typeof named === 'string' ? named : '' };
}

function readApplied({ kind, request }: Call): Readonly<Json> {
  const { body } = request;
  if (body !== undefined && body !== null && !isObject(body)) {
    const found = Array.isArray(body) ? 'array' : typeof body === 'boolean' ? 'bool' : typeof body;
    throw StatusError.badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`,
    );
  }
  const applied = isObject(body) ? body : {};
  const { group, version, named } = typeIn(applied);
  if (group !== kind.served.group || version !== kind.served.version || named !== kind.served.kind) {
    throw StatusError.badRequest(`invalid object type: ${group}/${version}, Kind=${named}`);
  }
  return applied;
}

/** The same where owners may be of versions that a webhook has to convert to. */
export const applying = (...given: Parameters<typeof applyConfiguration>): ObjectDraft | Promise<ObjectDraft> =>
  given[1].kind.stored ? withConversions(() => applyConfiguration(...given)) : applyConfiguration(...given);

/** The outcome as a draft of the stored version, with its owners. */
export function applyConfiguration(
  context: RegistryContext,
  call: Call,
  live: Readonly<Json>,
  object: KubernetesObject | undefined,
): ObjectDraft {
  const { kind, request } = call;
  const applied = readApplied(call);
  const versions = versionsOf(context.catalog, kind);
  const application: Application = {
    versions,
    live,
    applied,
    reset: resetFieldsOf(kind, request.subresource ?? ''),
    force: request.options?.force === true,
  };
  // What is there is looked at before what is applied to it.
  const managers = ownersToBegin(context, call, application, object);
  const { metadata } = applied;
  if (isObject(metadata) && Array.isArray(metadata['managedFields'])) {
    throw StatusError.badRequest('metadata.managedFields must be nil');
  }
  const findings = validateValue(versions.asked.type, applied);
  if (findings.length > 0) {
    throw new StatusError({
      status: 'Failure',
      message: `failed to create typed patch object (${describe(kind, applied)}): ${findingsText(findings)}`,
      code: 500,
    });
  }
  const unread = object ? unreadable(kind, versions.asked.type, object, live) : [];
  if (unread.length > 0) {
    const message = `failed to create typed live object (${describe(kind, live)}): ${findingsText(unread)}`;
    throw new StatusError({ status: 'Failure', message, code: 500 });
  }
  const outcome = attempt(context, call, application, managers);
  if (outcome.type === 'conflicts') throw applyConflict(outcome.conflicts);
  const merged = outcome.merged ?? live;
  const told = request.options?.fieldManager === 'kubectl' ? withLastApplied(merged, applied) : merged;
  const decoded = decodeApplied(call, told);
  // Where nothing changes nothing gets a default, either: what is stored as another version may lack some.
  const isAsBefore = outcome.merged === undefined && object !== undefined && kind.served.custom;
  // What is there has been read as an object of the kind.
  const draft = isAsBefore ? (structuredClone(told) as ObjectDraft & Json) : decoded;
  setManagedFields(draft, writeManagers(outcome.managers));
  return draft;
}

/**
 * What of a live object is not as its type says: of built-in kinds only lists without their keys can be, of custom
 * ones anything that was stored when the type was another one.
 */
function unreadable(
  kind: Kind,
  type: Application['versions']['asked']['type'],
  object: KubernetesObject,
  live: Readonly<Json>,
) {
  return kind.served.custom ? validateValue(type, live) : keyless(kind, object);
}

function attempt(
  context: RegistryContext,
  call: Call,
  application: Application,
  managers: ReadonlyMap<string, Manager>,
): ApplyOutcome {
  const now = () => timestamp(context.clock);
  const writer = writerOf(call, 'Apply');
  const outcome = applyTo(application, managers, writer, now);
  if (outcome.type === 'applied' || writer.name !== 'kubectl') return outcome;
  const allowed = fieldsLastApplied(application);
  if (!allowed) return outcome;
  const conflicts = conflictsBeyond(outcome.conflicts, allowed);
  if (conflicts.length > 0) return { type: 'conflicts', conflicts };
  return applyTo({ ...application, force: true }, managers, writer, now);
}

/** All that stands in an object which nobody owned so far belongs to `before-first-apply`. */
function ownersToBegin(
  context: RegistryContext,
  { kind, request }: Call,
  { versions, live, reset }: Application,
  object: KubernetesObject | undefined,
): ReadonlyMap<string, Manager> {
  const managers = readManagers(object?.metadata.managedFields);
  if (managers === undefined) {
    throw new StatusError({ status: 'Failure', message: 'failed to decode managed fields', code: 500 });
  }
  if (managers.size > 0 || object === undefined) return managers;
  const first = {
    name: 'before-first-apply',
    operation: 'Update',
    apiVersion: kind.apiVersion,
    subresource: request.subresource ?? '',
  } as const;
  try {
    return ownersAfterUpdate(
      { versions, before: emptyObject(kind), after: live, reset },
      managers,
      { ...first, identity: identityOf(first) },
      () => timestamp(context.clock),
    );
  } catch (error) {
    const findings = validateValue(versions.asked.type, live, '', true);
    if (findings.length === 0) throw error;
    const why = `failed to convert new object (${describe(kind, live)}) to smd typed: ${findingsText(findings)}`;
    throw new StatusError({
      status: 'Failure',
      message: `failed to create manager for existing fields: ${why}`,
      code: 500,
    });
  }
}
