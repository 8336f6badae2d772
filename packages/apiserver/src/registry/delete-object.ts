import { type KubernetesObject, type RequestOptions, type Status, StatusError } from '@keelson/core';
import { RevisionMismatchError } from '../storage/contract.ts';
import { type Call, validateAdmission } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject, ListAnswer } from './contract.ts';
import { asJson, type Draft, type ObjectDraft } from './draft.ts';
import { type Kind, keyIn } from './kind.ts';
import { answerOf, listPage } from './read-objects.ts';
import { encodeForStorage, encodeObject, type StoredObject } from './stored-object.ts';
import { find } from './update-object.ts';

/** Kinds whose deletion answers with the object instead of a Status. */
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
]);

/** DELETE: at once, or only marked where a grace period or finalizers stand in the way. */
export async function deleteObject(context: RegistryContext, call: Call): Promise<EncodedObject> {
  const { kind, request } = call;
  checkDeleteOptions(request.options ?? {});
  for (let attempt = 0; ; attempt++) {
    const current = await find(context, call);
    if (!current) throw StatusError.notFound(kind.names, request.name ?? '');
    try {
      return await deleteOnce(context, call, current);
    } catch (error) {
      if (!(error instanceof RevisionMismatchError)) throw error;
      if (attempt >= 20) throw StatusError.conflict(kind.names, request.name ?? '');
    }
  }
}

async function deleteOnce(context: RegistryContext, call: Call, current: StoredObject): Promise<EncodedObject> {
  const { kind, request } = call;
  const options = request.options ?? {};
  const { object } = current;
  checkPreconditions(kind, object, options);
  await validateAdmission(context, call, 'DELETE', undefined, object);
  const marked = markDeleted(context, kind, object, options);
  const key = keyIn(kind, object.metadata.namespace, object.metadata.name);
  if (marked === 'gone') {
    if (call.dryRun) return deletedAnswer(kind, object);
    const { revision } = await context.storage.delete(key, current.revision);
    await kind.strategy.released?.(object);
    return deletedAnswer(kind, current.deletedAt(revision).object);
  }
  if (marked === 'unchanged') return kind.serve(current);
  if (call.dryRun) return encodeObject(kind.view(marked));
  const bytes = encodeForStorage(marked);
  context.cache.expect(bytes, marked);
  return kind.serve(
    context.cache.get(await context.storage.update(key, bytes, current.revision, context.writeOptions(kind))),
  );
}

function deletedAnswer(kind: Kind, object: KubernetesObject): EncodedObject {
  if (!kind.served.custom && returnsObject.has(kind.served.resource)) return encodeObject(kind.view(object));
  const { group, resource } = kind.names;
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

function checkPreconditions(kind: Kind, { metadata }: KubernetesObject, { preconditions }: RequestOptions): void {
  if (preconditions?.uid !== undefined && preconditions.uid !== metadata.uid) {
    throw StatusError.conflict(
      kind.names,
      metadata.name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`,
    );
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== metadata.resourceVersion) {
    throw StatusError.conflict(
      kind.names,
      metadata.name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion ?? ''}). The object might have been modified`,
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

/** The object as it waits for its end, unless nothing holds it or it waits already just so. */
function markDeleted(
  context: RegistryContext,
  kind: Kind,
  object: KubernetesObject,
  options: RequestOptions,
): ObjectDraft | 'gone' | 'unchanged' {
  const asked = finalizersAfter(kind, object.metadata.finalizers ?? [], options);
  const own = object.metadata.deletionTimestamp === undefined ? (kind.strategy.finalizersOnDelete ?? []) : [];
  const finalizers = [...asked, ...own.filter((each) => !asked.includes(each))];
  const grace = kind.strategy.gracePeriod?.(object, options.gracePeriodSeconds);
  const held = finalizers.length > 0 || isHeld(object);
  const { metadata } = object;
  if ((grace ?? 0) <= 0 && !held) return 'gone';
  const already = metadata.deletionTimestamp !== undefined;
  const seconds = already
    ? Math.min(
        metadata.deletionGracePeriodSeconds ?? 0,
        options.gracePeriodSeconds ?? Number.POSITIVE_INFINITY,
        grace ?? 0,
      )
    : Math.max(grace ?? 0, 0);
  const sameFinalizers = finalizers.join() === (metadata.finalizers ?? []).join();
  if (already && seconds === (metadata.deletionGracePeriodSeconds ?? 0) && sameFinalizers) return 'unchanged';
  const before = already ? Date.parse(metadata.deletionTimestamp ?? '') : 0;
  const end = already
    ? before - ((metadata.deletionGracePeriodSeconds ?? 0) - seconds) * 1000
    : context.clock.now() + seconds * 1000;
  const draft: ObjectDraft = {
    ...(object as Draft<KubernetesObject>),
    metadata: {
      ...(metadata as ObjectDraft['metadata']),
      deletionTimestamp: `${new Date(end).toISOString().slice(0, 19)}Z`,
      deletionGracePeriodSeconds: seconds,
      finalizers,
    },
  };
  if (finalizers.length === 0) delete draft.metadata.finalizers;
  if (!already && metadata.generation !== undefined) draft.metadata.generation = metadata.generation + 1;
  if (object.kind === 'Namespace') draft.status = { phase: 'Terminating' };
  return draft;
}

/** A Namespace stays until its own finalizers, in its spec, are gone. */
function isHeld(object: KubernetesObject): boolean {
  if (object.kind !== 'Namespace' || object.apiVersion !== 'v1') return false;
  const spec = asJson(object)['spec'] as { finalizers?: readonly string[] } | undefined;
  return (spec?.finalizers?.length ?? 0) > 0;
}

/** Propagation is a finalizer: the garbage collector takes it away when the dependents are dealt with. */
function finalizersAfter(kind: Kind, before: readonly string[], options: RequestOptions): string[] {
  const policy =
    options.propagationPolicy ?? (kind.strategy.orphansByDefault && before.length === 0 ? 'Orphan' : undefined);
  if (policy === undefined) return [...before];
  const kept = before.filter((each) => each !== 'orphan' && each !== 'foregroundDeletion');
  if (policy === 'Orphan') return [...kept, 'orphan'];
  return policy === 'Foreground' ? [...kept, 'foregroundDeletion'] : kept;
}

/** DELETE of all that a selection holds; goes on where one has gone already. The answer has them as they were. */
export async function deleteCollection(context: RegistryContext, call: Call): Promise<ListAnswer> {
  const { request } = call;
  checkDeleteOptions(request.options ?? {});
  const page = await listPage(context, call);
  for (const { object } of page.objects) {
    const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun } = request.options ?? {};
    try {
      await deleteObject(context, {
        ...call,
        request: {
          ...request,
          verb: 'delete',
          name: object.metadata.name,
          ...(object.metadata.namespace !== undefined && { namespace: object.metadata.namespace }),
          options: { preconditions, propagationPolicy, gracePeriodSeconds, dryRun },
        },
      });
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error;
    }
  }
  return answerOf(call, page);
}
