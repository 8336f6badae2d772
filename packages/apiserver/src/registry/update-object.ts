import { deepEqual, type KubernetesObject, type ManagedFieldsEntry, StatusError, timestamp } from '@keelson/core';
import type { WriteTerms } from '@keelson/core/admission';
import { holdsBlank, holdsHollow, isMarkedHollow, sameValues } from '../schema/index.ts';
import { FencedError, RevisionMismatchError } from '../storage/contract.ts';
import { admit, type Call, validateAdmission } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject } from './contract.ts';
import { checkSize, createDecoded, warnOnce, writeContext } from './create-object.ts';
import { refuseOtherType } from './custom-type.ts';
import { decodeBody } from './decode-body.ts';
import { asJson, draftJson, type ObjectDraft } from './draft.ts';
import { type Kind, keyIn, shownKey } from './kind.ts';
import { looksAtMetadata } from './metadata-looks.ts';
import { checkMetadata, checkName, keepServerFields, settleNamespace } from './object-metadata.ts';
import { dedupeOwners } from './owner-references.ts';
import { keepTimes, recordingOwners, setManagedFields } from './ownership/record-owners.ts';
import { checkPathName } from './path-name.ts';
import { recordSent } from './record-sent.ts';
import { keepOtherPart, ofStatus } from './status-part.ts';
import { encodeForStorage, encodeObject, type StoredObject } from './stored-object.ts';
import { readOne, toStored, tried } from './stored-versions.ts';
import { FieldErrors } from './strategy.ts';
import { onTerms, type Put, withFences } from './write-terms.ts';

/** Makes the wanted object out of the current one; called again if somebody else was faster. */
export type Transform = (current: StoredObject) => ObjectDraft | Promise<ObjectDraft>;

export interface UpdateRules {
  /** Which part the request may change. Default: all but the status, where that is a subresource. */
  readonly part?: 'main' | 'status' | 'raw';
  /**
   * Who owns the fields afterwards. Default: the writer what it changes. `applied`, `given`: as the draft says; `kept`:
   * as before.
   */
  readonly owners?: 'applied' | 'given' | 'kept';
  readonly keep?: KeepRest;
  /**
   * Asked in the place of admission, once the object is found valid, where that is about something else than the object:
   * a subresource with a kind of its own, or what the server writes for a request that has been admitted.
   */
  readonly admitted?: (draft: ObjectDraft) => Promise<readonly WriteTerms[] | undefined | void>;
  /** Whether to begin again with the newest object after a conflict. */
  readonly retry: boolean;
}

export interface UpdateOutcome {
  readonly value: EncodedObject;
  readonly created: boolean;
}

/** Puts everything that a subresource does not offer back to what it was. */
export type KeepRest = (wanted: ObjectDraft, old: KubernetesObject) => ObjectDraft;

/** PUT. `keep` is for subresources that change one part of the spec. */
export async function replaceObject(context: RegistryContext, call: Call, keep?: KeepRest): Promise<UpdateOutcome> {
  const { kind, request } = call;
  const draft = decodeBody(kind, request.body, request, (text) => call.warnings.push(text));
  recordSent(context, call, draft);
  settleNamespace(kind, draft, request.namespace);
  const { name } = draft.metadata;
  checkName(draft, request.name ?? '');
  const asked = draft.metadata.resourceVersion;
  const current = await find(context, call);
  if (!current) {
    if (kind.strategy.createOnUpdate && (!request.subresource || request.subresource === 'status')) {
      checkUid(call, draft, undefined);
      checkVersionText(asked);
    } else throw StatusError.notFound(kind.names, name ?? '');
    return { value: await createDecoded(context, call, draft), created: true };
  }
  const unconditional = namesNoVersion(asked);
  if (unconditional) {
    checkUid(call, draft, current.object);
    checkConditional(kind, draft);
  }
  const original = draft;
  let first = true;
  const transform: Transform = (latest) => {
    checkUid(call, original, latest.object);
    checkVersion(kind, asked, latest.object);
    // The pipeline writes into the draft, so that a second attempt decodes the body anew.
    if (!first) return decodeBody(kind, request.body, request, () => undefined);
    first = false;
    return original;
  };
  const part = keep ? 'raw' : request.subresource === 'status' ? 'status' : 'main';
  return {
    value: await updateObject(context, call, transform, { part, retry: unconditional, ...(keep && { keep }) }, current),
    created: false,
  };
}

/** The version that a write is meant for must be the newest; none, or 0, is meant for whatever there is. */
export function checkVersion(kind: Kind, asked: string | undefined, old: KubernetesObject): void {
  if (asked === old.metadata.resourceVersion) return;
  checkVersionText(asked);
  if (namesNoVersion(asked)) return;
  throw StatusError.conflict(kind.names, old.metadata.name);
}

/** Whether it is meant for whatever there is. */
export const namesNoVersion = (asked: string | undefined) => asked === undefined || /^0*$/.test(asked);

const mostVersion = 2n ** 64n - 1n;

/** A version that is no number is an error of its own, also where there is nothing yet. */
export function checkVersionText(asked: string | undefined): void {
  if (asked === undefined || asked === '') return;
  const wrong = /^\d+$/.test(asked)
    ? BigInt(asked) > mostVersion
      ? 'value out of range'
      : undefined
    : 'invalid syntax';
  if (wrong === undefined) return;
  const message = `strconv.ParseUint: parsing ${JSON.stringify(asked)}: ${wrong}`;
  throw new StatusError({ status: 'Failure', message, code: 500 });
}

/** Kinds of which each write must name the version that it is meant for. */
export function checkConditional(kind: Kind, { metadata }: ObjectDraft): void {
  if (kind.strategy.unconditionalUpdate !== false || !namesNoVersion(metadata.resourceVersion)) return;
  throw StatusError.invalid(kind.names, metadata.name ?? '', [
    {
      type: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0: must be specified for an update',
    },
  ]);
}

function checkUid(call: Call, { metadata }: ObjectDraft, old: KubernetesObject | undefined): void {
  const { kind } = call;
  const { uid, name, namespace } = metadata;
  if (uid === undefined || uid === '' || uid === old?.metadata.uid) return;
  throw StatusError.conflict(
    kind.names,
    name,
    `StorageError: invalid object, Code: 4, Key: ${shownKey(call, keyIn(kind, old?.metadata.namespace ?? namespace, name))}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old?.metadata.uid ?? ''}`,
  );
}

export async function find(context: RegistryContext, { kind, request }: Call): Promise<StoredObject | undefined> {
  checkPathName(request.name ?? '');
  const { entry } = await context.storage.get(keyIn(kind, request.namespace, request.name ?? ''));
  return entry && readOne(kind, context.cache.get(entry));
}

/** Reads, transforms, and writes if something changed. Throws NotFound and Conflict. */
export async function updateObject(
  context: RegistryContext,
  call: Call,
  transform: Transform,
  rules: UpdateRules,
  known?: StoredObject,
): Promise<EncodedObject> {
  const { strategy } = call.kind;
  const isAlone = rules.part === 'status' && strategy.aloneForStatus && !call.within;
  if (!isAlone || !strategy.aloneForStatus) return updateUntilWritten(context, call, transform, rules, known);
  // Read anew: what was read before it was alone may have changed since.
  return strategy.aloneForStatus(call.request.namespace, () => updateUntilWritten(context, call, transform, rules));
}

async function updateUntilWritten(
  context: RegistryContext,
  call: Call,
  transform: Transform,
  rules: UpdateRules,
  known?: StoredObject,
): Promise<EncodedObject> {
  const { kind, request } = call;
  for (let attempt = 0; ; attempt++) {
    const current = known ?? (await find(context, call));
    known = undefined;
    if (!current) throw StatusError.notFound(kind.names, request.name ?? '');
    try {
      return await updateOnce(context, call, current, await transform(current), rules);
    } catch (error) {
      if (error instanceof FencedError) throw StatusError.conflict(kind.names, request.name ?? '');
      if (!(error instanceof RevisionMismatchError)) throw error;
      if (error.current === undefined && !rules.retry) throw StatusError.notFound(kind.names, request.name ?? '');
      if (!rules.retry || attempt >= 20) throw StatusError.conflict(kind.names, request.name ?? '');
    }
  }
}

async function updateOnce(
  context: RegistryContext,
  call: Call,
  current: StoredObject,
  wanted: ObjectDraft,
  rules: UpdateRules,
): Promise<EncodedObject> {
  const { kind } = call;
  const old = current.object;
  const part = rules.part ?? 'main';
  const patched = call.request.verb === 'patch';
  if (!patched) warnOnce(call, dedupeOwners(wanted));
  kind.strategy.defaults?.(wanted, () => timestamp(context.clock));
  if (rules.owners === 'kept') setManagedFields(wanted, old.metadata.managedFields);
  else if (rules.owners === undefined) await recordingOwners(context, call, wanted, old);
  if (patched) warnOnce(call, dedupeOwners(wanted, true));
  const admitted = rules.admitted ? wanted : await admit(context, call, 'UPDATE', wanted, old);
  if (admitted !== wanted) checkAdmitted(kind, admitted, old);
  const draft = rules.keep ? keepOwners(rules.keep(admitted, old), admitted) : admitted;
  keepServerFields(draft, old);
  if (part !== 'raw') keepOtherPart(kind, draft, old, part);
  if (part === 'main') kind.strategy.prepareUpdate?.(draft, old, writeContext(context, call));
  if (part === 'status') kind.strategy.prepareStatusUpdate?.(draft, old, writeContext(context, call));
  const { subresource } = call.request;
  if (part === 'raw' && subresource) {
    kind.strategy.prepareSubresource?.(subresource, draft, old, writeContext(context, call));
  }
  const bumps = kind.strategy.generation === 'spec' && part !== 'status' && call.request.subresource !== 'binding';
  if (bumps && (mainChanged(kind, draft, old) || (kind.strategy.hollowChanges && hollowed(draft)))) {
    draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  const errors = new FieldErrors();
  const reserves = part === 'main' && kind.strategy.reserve !== undefined;
  const reservation = reserves
    ? await kind.strategy.reserve?.(draft, old, errors, writeContext(context, call))
    : undefined;
  try {
    if (part === 'status') await kind.strategy.askBeforeStatus?.(draft, old, errors);
    validateChanged(call, draft, old, part, errors);
    draft.metadata.resourceVersion ??= old.metadata.resourceVersion;
    if (part === 'status' && !call.within) {
      await kind.strategy.settleStatus?.(draft, old, writeContext(context, call));
    }
    const terms = rules.admitted
      ? await rules.admitted(draft)
      : await validateAdmission(context, call, 'UPDATE', draft, old);
    const value = await onTerms(context, terms || undefined, (put) => write(context, call, current, draft, put));
    if (call.dryRun) await reservation?.release();
    else await reservation?.commit();
    return value;
  } catch (error) {
    await reservation?.release();
    throw error;
  }
}

/** What a webhook or policy may not make of an object, though a client's request may not say it at all. */
function checkAdmitted(kind: Kind, draft: ObjectDraft, old: KubernetesObject): void {
  const { metadata } = draft;
  if (kind.served.namespaced) settleNamespace(kind, draft, old.metadata.namespace);
  checkVersion(kind, metadata.resourceVersion, old);
  const { name } = metadata;
  if (name === old.metadata.name) return;
  const immutable = {
    type: 'FieldValueInvalid',
    field: 'metadata.name',
    message: `Invalid value: ${JSON.stringify(name ?? '')}: field is immutable`,
  } as const;
  throw StatusError.invalid(kind.kindName, name ?? '', [immutable, immutable]);
}

/** What a subresource puts back to what it was does not take the owners back with it. */
function keepOwners(kept: ObjectDraft, wanted: ObjectDraft): ObjectDraft {
  if (kept !== wanted)
    setManagedFields(kept, wanted.metadata.managedFields as readonly ManagedFieldsEntry[] | undefined);
  return kept;
}

/** Groups that Kubernetes does not store in protobuf, which alone tells empty bytes from none. */
const storedAsJson = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);

async function write(
  context: RegistryContext,
  call: Call,
  current: StoredObject,
  draft: ObjectDraft,
  put: Put,
): Promise<EncodedObject> {
  const { kind } = call;
  const key = keyIn(kind, draft.metadata.namespace, draft.metadata.name);
  if (isFinished(draft)) {
    draft.metadata.resourceVersion = current.object.metadata.resourceVersion;
    if (call.dryRun) return encodeObject(await tried(kind, draft));
    await context.storage.delete(key, current.revision);
    await kind.strategy.released?.(current.object);
    return encodeObject(await tried(kind, draft));
  }
  draft.metadata.resourceVersion = current.object.metadata.resourceVersion;
  if (draft.metadata.selfLink !== undefined && !call.dryRun) delete draft.metadata.selfLink;
  keepTimes(draft, current.object);
  const mustWrite = current.isFirst && kind.strategy.writesFirstUpdate === true;
  const stored = kind.stored ? await toStored(kind, draft) : draft;
  const isHollow = isMarkedHollow(stored);
  const isBlank = isHollow && !storedAsJson.has(kind.served.group) && holdsBlank(stored);
  const isCurrent = !mustWrite && isBlank === current.isBlank && !current.isStale(key, context.storage);
  if (isCurrent && deepEqual(stored, current.source.object)) return kind.serve(current);
  if (call.dryRun) return encodeObject(await tried(kind, draft));
  const bytes = encodeForStorage(stored);
  checkSize(bytes);
  if (!isHollow) context.cache.expect(bytes, stored);
  if (isBlank) context.cache.expectBlank(bytes);
  const written = context.cache.get(
    await put((fences) =>
      context.storage.update(key, bytes, current.revision, withFences(context.writeOptions(kind), fences, call.within)),
    ),
  );
  return kind.serve(kind.stored ? await readOne(kind, written) : written);
}

/** What waited only for its finalizers goes when the last of them is taken away. */
export function isFinished(object: KubernetesObject): boolean {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) return false;
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const spec = asJson(object)['spec'] as { finalizers?: readonly string[] } | undefined;
  return object.kind !== 'Namespace' || (spec?.finalizers?.length ?? 0) === 0;
}

/** Something besides the metadata was given that is empty: what is stored never has such. */
function hollowed(draft: ObjectDraft): boolean {
  if (!isMarkedHollow(draft)) return false;
  const { metadata: _metadata, ...rest } = draft;
  return holdsHollow(rest);
}

/** Something besides metadata and status was changed; an amount that is written otherwise is the same one. */
function mainChanged({ hasStatus, storedDefinition }: Kind, draft: ObjectDraft, old: KubernetesObject): boolean {
  const before = asJson(old);
  const after = draftJson(draft);
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const counts = !ofStatus.has(field) || (field === 'status' && !hasStatus);
    if (!counts || deepEqual(before[field], after[field])) continue;
    const same =
      storedDefinition && sameValues(storedDefinition, { [field]: before[field] }, { [field]: after[field] });
    if (!same) return true;
  }
  return false;
}

function validateChanged(
  call: Call,
  object: KubernetesObject,
  old: KubernetesObject,
  part: 'main' | 'status' | 'raw',
  errors: FieldErrors,
): void {
  const { kind } = call;
  const { strategy } = kind;
  const looks = looksAtMetadata(kind, part === 'status' ? 'status' : 'update');
  checkMetadata(kind, object, looks.before, errors, old);
  if (part === 'main') strategy.validateFixed?.(object, old, errors);
  checkMetadata(kind, object, looks.between, errors, old);
  if (call.request.verb === 'update' && part !== 'raw') {
    refuseOtherType(kind, call.request.body, object.metadata.name, errors);
  }
  const warn = (text: string) => call.warnings.push(text);
  kind.validateSchema?.(object, errors, old, warn, part === 'status' ? part : 'main');
  const { subresource } = call.request;
  if (part === 'status') strategy.validateStatusUpdate?.(object, old, errors);
  else if (part === 'raw' && subresource !== undefined && strategy.validateSubresource) {
    strategy.validateSubresource(subresource, object, old, errors);
  } else strategy.validate?.(object, errors, old);
  checkMetadata(kind, object, looks.after, errors, old);
  if (part === 'main') strategy.validateUpdate?.(object, old, errors);
  if (errors.list.length > 0) throw StatusError.invalid(kind.kindName, object.metadata.name, errors.list);
  if (part !== 'main') return;
  const warnings = strategy.warnings?.(object, old);
  if (warnings) for (const each of warnings) call.warnings.push(each);
}
