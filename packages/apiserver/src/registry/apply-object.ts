import { type JsonValue, type KubernetesObject, type ManagedFieldsEntry, StatusError, timestamp } from '@keelson/core';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import { createDecoded } from './create-object.ts';
import { decodePatched } from './decode-patched.ts';
import { asJson, type Draft, isObject, type Json, type ObjectDraft } from './draft.ts';
import { differenceOf, type FieldTree, intersectionOf, isEmptyTree, pathsOf, unionOf } from './ownership/field-tree.ts';
import {
  beforeFirstApply,
  type Manager,
  ownable,
  readManagers,
  sameManager,
  schemaOf,
  writeManagers,
} from './ownership/managed-fields.ts';
import { changedFields, fieldsOf, mergeValues, removeFields } from './ownership/typed-value.ts';
import { find, type UpdateOutcome, updateObject } from './update-object.ts';

/**
 * Server-side apply (KEP-555): what the manager names becomes so, what it named before and no longer does goes unless
 * somebody else owns it, and what others own and want otherwise is a conflict.
 */
export async function applyObject(context: RegistryContext, call: Call): Promise<UpdateOutcome> {
  const applied = readApplied(call);
  const current = await find(context, call);
  if (!current) {
    if (call.request.subresource) throw StatusError.notFound(call.kind.names, call.request.name ?? '');
    const draft = decodePatched(call, withIdentity(call, applied) as JsonValue);
    const entry = newEntry(context, call, fieldsOf(applied, schemaOf(call.kind)));
    draft.metadata.managedFields = writeManagers([entry]) as Draft<ManagedFieldsEntry>[];
    return { value: await createDecoded(context, call, draft), created: true };
  }
  let owners: ManagedFieldsEntry[] = [];
  const value = await updateObject(
    context,
    call,
    (latest) => {
      const outcome = applyTo(context, call, latest.object, applied);
      owners = outcome.owners;
      return outcome.draft;
    },
    { part: call.request.subresource === 'status' ? 'status' : 'main', retry: true, owners: () => owners },
    current,
  );
  return { value, created: false };
}

/** The part of the body that can be applied: no identity, and the status only through its subresource. */
function readApplied({ kind, request }: Call): Json {
  const { body } = request;
  if (!isObject(body)) throw StatusError.badRequest('error decoding YAML: an object is required');
  if (body['apiVersion'] !== kind.apiVersion || body['kind'] !== kind.served.kind) {
    const [group, version] = String(body['apiVersion'] ?? '').includes('/')
      ? String(body['apiVersion']).split('/')
      : ['', String(body['apiVersion'] ?? '')];
    throw StatusError.badRequest(`invalid object type: ${group}/${version}, Kind=${String(body['kind'] ?? '')}`);
  }
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  if (metadata['managedFields'] !== undefined) throw StatusError.badRequest('metadata.managedFields must be nil');
  if (metadata['name'] !== undefined && metadata['name'] !== request.name) {
    throw StatusError.badRequest(
      `the name of the object (${String(metadata['name'])}) does not match the name on the URL (${request.name ?? ''})`,
    );
  }
  const applied = ownable(body);
  if (!kind.hasStatus) return applied;
  const { status, ...rest } = applied;
  return request.subresource === 'status' ? { ...(status !== undefined && { status }) } : rest;
}

function withIdentity({ kind, request }: Call, applied: Json): Json {
  const metadata = isObject(applied['metadata']) ? applied['metadata'] : {};
  return {
    ...applied,
    apiVersion: kind.apiVersion,
    kind: kind.served.kind,
    metadata: { ...metadata, name: request.name, ...(request.namespace && { namespace: request.namespace }) },
  };
}

function newEntry(context: RegistryContext, { kind, request }: Call, fields: FieldTree): Manager {
  return {
    name: request.options?.fieldManager ?? 'unknown',
    operation: 'Apply',
    apiVersion: kind.apiVersion,
    ...(request.subresource && { subresource: request.subresource }),
    time: timestamp(context.clock),
    fields,
  };
}

function applyTo(
  context: RegistryContext,
  call: Call,
  object: KubernetesObject,
  applied: Json,
): { readonly draft: ObjectDraft; readonly owners: ManagedFieldsEntry[] } {
  const { kind, request } = call;
  const schema = schemaOf(kind);
  const live = asJson(kind.view(object));
  const recorded = readManagers(object.metadata.managedFields);
  const managers = recorded.length > 0 ? recorded : [beforeFirstApply(kind, object)];
  const fields = fieldsOf(applied, schema);
  const own = newEntry(context, call, fields);
  const previous = managers.find((each) => sameManager(each, own));
  const others = managers.filter((each) => each !== previous);
  const laid = mergeValues(ownable(live), applied, schema);
  const elsewhere = others.reduce<FieldTree>((sum, each) => unionOf(sum, each.fields), fields);
  const merged = previous ? removeFields(laid, differenceOf(previous.fields, elsewhere), schema) : laid;
  const contested = intersectionOf(changedFields(ownable(live), merged, schema).changed, fields);
  const conflicts = others
    .map((manager) => ({ manager, fields: intersectionOf(contested, manager.fields) }))
    .filter((each) => !isEmptyTree(each.fields));
  if (conflicts.length > 0 && !request.options?.force) throw conflictOf(conflicts);
  const left = others.map((each) => {
    const lost = conflicts.find(({ manager }) => manager === each);
    return lost ? { ...each, fields: differenceOf(each.fields, lost.fields) } : each;
  });
  const unchanged =
    previous &&
    isEmptyTree(differenceOf(previous.fields, fields)) &&
    isEmptyTree(differenceOf(fields, previous.fields));
  const metadata = { ...(isObject(merged) ? (merged['metadata'] as object | undefined) : {}) };
  const { managedFields: _managed, ...identity } = object.metadata;
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) delete identity[field];
  const whole: Json = {
    ...(isObject(merged) ? merged : {}),
    apiVersion: kind.apiVersion,
    kind: kind.served.kind,
    metadata: { ...identity, ...metadata },
  };
  const draft = decodePatched(call, whole as JsonValue);
  return { draft, owners: writeManagers([...left, unchanged ? previous : own]) };
}

function conflictOf(conflicts: readonly { readonly manager: Manager; readonly fields: FieldTree }[]): StatusError {
  const described = conflicts.map(({ manager, fields }) => {
    const using = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : '';
    return { who: `${JSON.stringify(manager.name)}${using}`, paths: pathsOf(fields) };
  });
  const count = described.reduce((sum, each) => sum + each.paths.length, 0);
  const [only] = described;
  const text =
    count === 1 && only
      ? `conflict with ${only.who}: ${only.paths[0]}`
      : described
          .map(({ who, paths }) => `conflicts with ${who}:\n${paths.map((each) => `- ${each}`).join('\n')}`)
          .join('\n');
  return new StatusError({
    status: 'Failure',
    message: `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${text}`,
    reason: 'Conflict',
    details: {
      causes: described.flatMap(({ who, paths }) =>
        paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
      ),
    },
    code: 409,
  });
}
