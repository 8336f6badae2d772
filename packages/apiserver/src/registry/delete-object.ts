import { deepEqual, type KubernetesObject, type RequestOptions, type Status, StatusError } from '@keelson/core';
import { questionAbout } from '../authorization/selection.ts';
import { RevisionMismatchError, UnreadableEntryError } from '../storage/contract.ts';
import { admit, type Call, validateAdmission } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject, ListAnswer } from './contract.ts';
import { decideDeletion } from './deletion.ts';
import type { ObjectDraft } from './draft.ts';
import { type Kind, keyIn } from './kind.ts';
import { answerOf, listPage } from './read-objects.ts';
import { encodeForStorage, encodeObject, type StoredObject } from './stored-object.ts';
import { readOne, toStored, tried } from './stored-versions.ts';
import { find } from './update-object.ts';

/** Kinds whose deletion answers with the object instead of a Status; and all of resource.k8s.io. */
const returnsObject = new Set([
  'pods',
  'services',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'podtemplates',
  'resourcequotas',
  'storageclasses',
  'csidrivers',
  'csinodes',
  'volumeattachments',
  'volumeattributesclasses',
]);

export interface DeleteOutcome {
  readonly value: EncodedObject;
  /** Whether it is gone, and not only marked. */
  readonly removed: boolean;
}

export interface DeletionRules {
  /** One of many that go together. */
  readonly collective?: boolean;
  /** Admission has let through what it goes for: an eviction. */
  readonly admitted?: boolean;
}

/** DELETE: at once, or only marked where a grace period or finalizers stand in the way. */
export async function deleteObject(
  context: RegistryContext,
  call: Call,
  options: DeletionRules = {},
): Promise<DeleteOutcome> {
  const { kind, request } = call;
  checkDeleteOptions(request.options ?? {});
  warnOfDeletion(call);
  for (let attempt = 0; ; attempt++) {
    const current = await findReadable(context, call);
    if (current instanceof UnreadableEntryError) return deleteUnread(context, call, current);
    if (!current) throw StatusError.notFound(kind.names, request.name ?? '');
    try {
      return await deleteOnce(context, call, current, options);
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) throw error;
      if (attempt >= 20) throw StatusError.conflict(kind.names, request.name ?? '');
    }
  }
}

/** What is stored or, where the request says that it may be deleted all the same, that it cannot be read. */
async function findReadable(
  context: RegistryContext,
  call: Call,
): Promise<StoredObject | UnreadableEntryError | undefined> {
  try {
    return await find(context, call);
  } catch (error) {
    const asked = call.request.options?.ignoreStoreReadErrorWithClusterBreakingPotential === true;
    if (!(error instanceof UnreadableEntryError) || !asked) throw error;
    return error;
  }
}

/** Deletes what cannot be decrypted, for who has leave for just that (KEP-3926). */
async function deleteUnread(
  { authorizer, storage }: RegistryContext,
  { kind, request, user, dryRun }: Call,
  { key, revision }: UnreadableEntryError,
): Promise<DeleteOutcome> {
  const { group, version, resource, namespace, name = '' } = request;
  const verb = 'unsafe-delete-ignore-read-errors';
  const decision = await authorizer.authorize(questionAbout(user, { verb, group, version, resource, namespace, name }));
  if (!decision.allowed) {
    const why = `not permitted to do ${JSON.stringify(verb)}, reason: ${decision.reason}`;
    throw StatusError.forbidden(kind.names, name, why);
  }
  request.record?.annotate('apiserver.k8s.io/unsafe-delete-ignore-read-error', '');
  if (!dryRun) await storage.delete(key, revision);
  const details = { name, ...(kind.names.group !== '' && { group: kind.names.group }), kind: kind.names.resource };
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  return { value: encodeStatus(status), removed: true };
}

/** 202 where the client asked by `orphanDependents` that dependents go, too, and the object has to wait. */
export function codeOfDeletion({ options }: Call['request'], { removed }: DeleteOutcome): 200 | 202 {
  return options?.orphanDependents === false && !removed ? 202 : 200;
}

function warnOfDeletion({ kind, request, warnings }: Call): void {
  const { propagationPolicy, orphanDependents } = request.options ?? {};
  const { deletionWarning: text } = kind.strategy;
  if (text === undefined || propagationPolicy !== undefined || orphanDependents !== undefined) return;
  if (!warnings.includes(text)) warnings.push(text);
}

async function deleteOnce(
  context: RegistryContext,
  call: Call,
  current: StoredObject,
  { collective = false, admitted = false }: DeletionRules,
): Promise<DeleteOutcome> {
  const { kind, request } = call;
  const options = request.options ?? {};
  const { object } = current;
  checkPreconditions(kind, object, options, collective);
  const deletion = decideDeletion(kind, object, options, context.clock.now(), collective);
  if (deletion.type === 'pending') return { value: kind.serve(current), removed: false };
  if (!admitted) {
    await admit(context, call, 'DELETE', undefined, object);
    await validateAdmission(context, call, 'DELETE', undefined, object);
  }
  const marked = deletion.type === 'marked' ? deletion.object : deletion.marked;
  if (call.dryRun) {
    const removed = deletion.type === 'removed';
    const shown = marked ?? (deletion.type === 'removed' ? deletion.shown : undefined);
    if (shown) return { value: encodeObject(await tried(kind, shown)), removed };
    return { value: deletedAnswer(kind, object), removed };
  }
  let last = current;
  if (marked && !deepEqual(marked, object)) last = await writeMarked(context, kind, marked, current);
  if (deletion.type === 'marked') return { value: kind.serve(last), removed: false };
  const { revision } = await context.storage.delete(keyOf(kind, object), last.revision);
  await kind.strategy.released?.(last.object);
  return { value: deletedAnswer(kind, last.deletedAt(revision).object), removed: true };
}

const keyOf = (kind: Kind, { metadata }: KubernetesObject) => keyIn(kind, metadata.namespace, metadata.name);

async function writeMarked(
  context: RegistryContext,
  kind: Kind,
  marked: ObjectDraft,
  current: StoredObject,
): Promise<StoredObject> {
  const stored = await toStored(kind, marked);
  const bytes = encodeForStorage(stored);
  context.cache.expect(bytes, stored);
  const written = context.cache.get(
    await context.storage.update(keyOf(kind, marked), bytes, current.revision, context.writeOptions(kind)),
  );
  return readOne(kind, written);
}

function deletedAnswer(kind: Kind, object: KubernetesObject): EncodedObject {
  const { group, resource } = kind.names;
  if (!kind.served.custom && (group === 'resource.k8s.io' || returnsObject.has(resource))) {
    return encodeObject(kind.view(object));
  }
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: object.metadata.name,
      ...(group !== '' && { group }),
      kind: resource,
      ...(object.metadata.uid !== undefined && { uid: object.metadata.uid }),
    },
  };
  return encodeStatus(status);
}

/** A Status travels where otherwise an object would; it has the metadata of a list. */
export function encodeStatus(status: Status): EncodedObject {
  return encodeObject(status as KubernetesObject);
}

function checkPreconditions(
  kind: Kind,
  { metadata }: KubernetesObject,
  { preconditions }: RequestOptions,
  collective: boolean,
): void {
  if (!preconditions) return;
  // Kinds with a way of their own to be deleted look first, in other words.
  const own = kind.strategy.beginDeletion !== undefined && !collective;
  const conflict = (text: string) =>
    StatusError.conflict(
      own ? kind.names : { group: kind.kindName.group, resource: kind.kindName.resource },
      metadata.name,
      text,
    );
  const { uid, resourceVersion } = preconditions;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      own
        ? `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`
        : `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      own
        ? `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`
        : `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ''}). The object might have been modified`,
    );
  }
}

export function checkDeleteOptions({ propagationPolicy }: RequestOptions): void {
  if (propagationPolicy === undefined || ['Orphan', 'Background', 'Foreground'].includes(propagationPolicy)) return;
  throw StatusError.invalid({ group: 'meta.k8s.io', resource: 'DeleteOptions' }, '', [
    {
      type: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      message: `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    },
  ]);
}

/** DELETE of all that a selection holds; goes on where one has gone already. The answer has them as they were. */
export async function deleteCollection(context: RegistryContext, call: Call): Promise<ListAnswer> {
  const { request } = call;
  checkDeleteOptions(request.options ?? {});
  warnOfDeletion(call);
  const page = await listPage(context, call);
  for (const { object } of page.objects) {
    const { preconditions, propagationPolicy, orphanDependents, gracePeriodSeconds, dryRun } = request.options ?? {};
    try {
      const one: Call = {
        ...call,
        collective: true,
        request: {
          ...request,
          verb: 'delete',
          name: object.metadata.name,
          ...(object.metadata.namespace !== undefined && { namespace: object.metadata.namespace }),
          options: { preconditions, propagationPolicy, orphanDependents, gracePeriodSeconds, dryRun },
        },
      };
      await deleteObject(context, one, { collective: true });
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
    }
  }
  return answerOf(call, page);
}
