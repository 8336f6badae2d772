import { isStatusError, type KubernetesObject, StatusError, timestamp } from '@keelson/core';
import { isMarkedHollow } from '../schema/index.ts';
import { KeyExistsError } from '../storage/contract.ts';
import { admit, type Call, validateAdmission } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject } from './contract.ts';
import { permitCreate } from './create-permission.ts';
import { refuseOtherType } from './custom-type.ts';
import { decodeBody } from './decode-body.ts';
import { draftJson, type ObjectDraft } from './draft.ts';
import { type Kind, keyIn } from './kind.ts';
import { looksAtMetadata } from './metadata-looks.ts';
import { checkMetadata, settleNamespace, stampNew } from './object-metadata.ts';
import { dedupeOwners } from './owner-references.ts';
import { recordingOwners } from './ownership/record-owners.ts';
import { randomUid } from './random-uid.ts';
import { recordSent } from './record-sent.ts';
import { encodeForStorage, encodeObject } from './stored-object.ts';
import { readOne, toStored, tried } from './stored-versions.ts';
import { FieldErrors, type WriteContext } from './strategy.ts';
import { endTerms, onTerms, type Put, withFences } from './write-terms.ts';

const largestObject = 3 * 1024 * 1024;

export function writeContext(context: RegistryContext, call: Call): WriteContext {
  return {
    user: call.user,
    dryRun: call.dryRun,
    now: () => timestamp(context.clock),
    warn: (text) => call.warnings.push(text),
    uid: () => randomUid(context.random),
  };
}

export function warnOnce({ warnings }: Call, text: string | undefined): void {
  if (text !== undefined && !warnings.includes(text)) warnings.push(text);
}

/** Names that are tried for a `generateName` until one is free (KEP-4420). */
const mostNames = 8;

/** POST: decode, default, admit, prepare, validate, store. */
export async function createObject(context: RegistryContext, call: Call): Promise<EncodedObject> {
  const { kind, request, warnings } = call;
  const warned = warnings.length;
  for (let attempt = 1; ; attempt++) {
    const draft = decodeBody(kind, request.body, request, (text) => warnings.push(text));
    if (attempt === 1) recordSent(context, call, draft);
    const generated = !draft.metadata.name && draft.metadata.generateName && !kind.strategy.generatesNoNames;
    try {
      return await createDecoded(context, call, draft);
    } catch (error) {
      if (!generated || attempt === mostNames || !isStatusError(error, 'AlreadyExists')) throw error;
      warnings.splice(warned);
    }
  }
}

export async function createDecoded(
  context: RegistryContext,
  call: Call,
  decoded: ObjectDraft,
): Promise<EncodedObject> {
  const { kind, request } = call;
  settleNamespace(kind, decoded, request.namespace);
  const { resourceVersion, selfLink } = decoded.metadata;
  kind.strategy.defaults?.(decoded, () => timestamp(context.clock));
  const { metadata } = decoded;
  // Who creates by an update or an apply says for itself whether the object is being deleted.
  if (request.verb === 'create') {
    if ('deletionTimestamp' in metadata) delete metadata.deletionTimestamp;
    if ('deletionGracePeriodSeconds' in metadata) delete metadata.deletionGracePeriodSeconds;
  }
  const applied = request.patchType === 'application/apply-patch+yaml';
  if (!applied) await recordingOwners(context, call, decoded, undefined);
  // Who owns them is told by what was sent: as with a real server, the one that is left counts as several.
  warnOnce(call, dedupeOwners(decoded));
  const draft = await admit(context, call, 'CREATE', decoded, undefined);
  if (draft !== decoded) settleNamespace(kind, draft, request.namespace);
  prepareCreate(context, call, draft);
  const errors = new FieldErrors();
  // What is made by way of its status is given nothing, as with a real server.
  const reservation =
    kind.strategy.reserve && !request.subresource
      ? await kind.strategy.reserve(draft, undefined, errors, writeContext(context, call))
      : undefined;
  try {
    validateNew(call, draft, errors);
    await permitCreate(context, call);
    const terms = await validateAdmission(context, call, 'CREATE', draft, undefined);
    if (call.dryRun) {
      if (terms) await endTerms(context, terms, 'failed');
      await refuseExisting(context, call, draft);
      await reservation?.release();
      if (resourceVersion) draft.metadata.resourceVersion = resourceVersion;
      if (selfLink && request.verb !== 'create') draft.metadata.selfLink = selfLink;
      return encodeObject(await tried(kind, draft));
    }
    const stored = await onTerms(context, terms, (put) => {
      // An apply does not mind a version.
      if (isVersion(resourceVersion) && !applied) throw versioned();
      return store(context, call, draft, put);
    });
    await reservation?.commit();
    return kind.serve(kind.stored ? await readOne(kind, stored) : stored);
  } catch (error) {
    await reservation?.release();
    throw error;
  }
}

/** What is no number is nobody's version. */
const isVersion = (text: string | undefined) => /^0*[1-9]\d*$/.test(text ?? '');

/** The storage's own refusal, after all that may be wrong with an object. */
const versioned = () =>
  new StatusError({
    status: 'Failure',
    message: 'resourceVersion should not be set on objects to be created',
    code: 500,
  });

function prepareCreate(context: RegistryContext, call: Call, draft: ObjectDraft): void {
  const { kind } = call;
  const json = draftJson(draft);
  stampNew(draft, context.clock, context.random, kind);
  if (kind.hasStatus && !kind.strategy.keepsStatusOnCreate) {
    if (kind.served.custom) delete json['status'];
    else resetStatus(call, json);
  }
  kind.strategy.prepareCreate?.(draft, writeContext(context, call));
}

/** The status of an object that nobody has looked at yet: what an empty one decodes to. */
function resetStatus({ kind }: Call, json: Record<string, unknown>): void {
  const empty = draftJson(kind.decode({ metadata: {} }).object)['status'];
  if (empty === undefined) delete json['status'];
  else json['status'] = empty;
}

function validateNew(call: Call, object: KubernetesObject, errors: FieldErrors): void {
  const { kind } = call;
  if (call.request.verb === 'create') refuseOtherType(kind, call.request.body, object.metadata.name ?? '');
  const looks = looksAtMetadata(kind, 'create');
  checkMetadata(kind, object, looks.before, errors);
  kind.validateSchema?.(object, errors);
  kind.strategy.validate?.(object, errors);
  if (!looks.onlyIfGood || errors.list.length === 0) checkMetadata(kind, object, looks.after, errors);
  kind.strategy.validateCreate?.(object, errors);
  if (errors.list.length > 0) throw StatusError.invalid(kind.kindName, object.metadata.name ?? '', errors.list);
  const warnings = kind.strategy.warnings?.(object, undefined);
  if (warnings) for (const each of warnings) call.warnings.push(each);
}

async function refuseExisting(context: RegistryContext, { kind }: Call, draft: ObjectDraft): Promise<void> {
  const { entry } = await context.storage.get(keyIn(kind, draft.metadata.namespace, draft.metadata.name));
  if (entry) throw alreadyExists(kind, draft.metadata.name, context.cache.get(entry).object);
}

function alreadyExists({ names }: Kind, name: string, existing: KubernetesObject | undefined): StatusError {
  const error = StatusError.alreadyExists(names, name);
  if (existing?.metadata.deletionTimestamp === undefined) return error;
  return new StatusError({ ...error.status, message: `object is being deleted: ${error.message}` });
}

async function store(context: RegistryContext, { kind }: Call, served: ObjectDraft, put: Put) {
  const draft = kind.stored ? await toStored(kind, served) : served;
  const key = keyIn(kind, draft.metadata.namespace, draft.metadata.name);
  const bytes = encodeForStorage(draft);
  checkSize(bytes);
  if (!isMarkedHollow(draft)) context.cache.expect(bytes, draft);
  try {
    const options = context.writeOptions(kind);
    return context.cache.get(await put((fences) => context.storage.create(key, bytes, withFences(options, fences))));
  } catch (error) {
    if (!(error instanceof KeyExistsError)) throw error;
    const { entry } = await context.storage.get(key);
    throw alreadyExists(kind, draft.metadata.name, entry && context.cache.get(entry).object);
  }
}

export function checkSize(bytes: Uint8Array): void {
  if (bytes.length > largestObject) {
    throw StatusError.of(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${largestObject}`);
  }
}
