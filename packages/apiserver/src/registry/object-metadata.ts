import {
  type Clock,
  type FieldError,
  generateName,
  type KubernetesObject,
  type ManagedFieldsEntry,
  nameOfPrefix,
  type ObjectMeta,
  type Random,
  StatusError,
  timestamp,
  validateDnsSubdomain,
  validateObjectMeta,
  validatePathSegment,
} from '@keelson/core';
import type { Draft, ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';
import type { MetadataLook } from './metadata-looks.ts';
import { randomUid } from './random-uid.ts';
import { FieldErrors, goQuote } from './strategy.ts';

/** Puts the object into the request's namespace, or refuses another one. */
export function settleNamespace(kind: Kind, draft: ObjectDraft, namespace: string | undefined): void {
  if (!kind.served.namespaced) {
    delete draft.metadata.namespace;
    return;
  }
  if (draft.metadata.namespace === undefined && namespace !== undefined) draft.metadata.namespace = namespace;
  if (draft.metadata.namespace !== namespace) {
    throw StatusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
}

const ownFields = ['selfLink', 'resourceVersion'] as const;

/** Gives a new object what only the server may give. */
export function stampNew(draft: ObjectDraft, clock: Clock, random: Random, { strategy }: Kind): void {
  const { metadata } = draft;
  nameNew(draft, random, strategy.generatesNoNames);
  if (!metadata.name && strategy.namesItself) metadata.name = randomUid(random);
  for (const field of ownFields) if (field in metadata) delete metadata[field];
  metadata.uid = randomUid(random);
  metadata.creationTimestamp = timestamp(clock);
  if (strategy.generation === 'spec') metadata.generation = 1;
}

/** A name for what asks for one. */
export function nameNew({ metadata }: ObjectDraft, random: Random, plain = false): void {
  if (metadata.name || !metadata.generateName) return;
  metadata.name = plain ? metadata.generateName : generateName(metadata.generateName, random);
}

/** The object's name must be given, and be that of the URL. Throws a 400. */
export function checkName(draft: ObjectDraft, url: string): void {
  const { name } = draft.metadata;
  if (!name) {
    throw StatusError.badRequest(
      `the name of the object (${url} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (name !== url) {
    throw StatusError.badRequest(`the name of the object (${name}) does not match the name on the URL (${url})`);
  }
}

/** What an update takes from the object as it is, whatever the client says; what is left is for `checkMetadataUpdate`. */
export function keepServerFields(draft: ObjectDraft, old: KubernetesObject): void {
  const { metadata } = draft;
  const from = old.metadata as Draft<ObjectMeta>;
  metadata.name = from.name;
  for (const field of ['namespace', 'creationTimestamp'] as const) {
    if (from[field] === undefined) delete metadata[field];
    else metadata[field] = from[field];
  }
  if (from.generation === undefined) delete metadata.generation;
  else metadata.generation = from.generation;
  if (!metadata.uid) metadata.uid = from.uid;
  // Who is being deleted stays so.
  if (from.deletionTimestamp !== undefined) metadata.deletionTimestamp = from.deletionTimestamp;
  if (from.deletionGracePeriodSeconds !== undefined && metadata.deletionGracePeriodSeconds === undefined) {
    metadata.deletionGracePeriodSeconds = from.deletionGracePeriodSeconds;
  }
}

/** The rules for names and metadata that hold for every kind. `old` is undefined on create. */
export function checkMetadata(
  kind: Kind,
  object: KubernetesObject,
  looks: readonly MetadataLook[],
  errors: FieldErrors,
  old?: KubernetesObject,
): void {
  if (looks.length === 0) return;
  const { metadata } = object;
  const ofAll = looks.includes('any') ? namesFound(object, validatePathSegment, validatePathSegment, old) : [];
  const rule = kind.strategy.nameRule ?? validateDnsSubdomain;
  const ofPrefix = kind.strategy.freePrefix ? validatePathSegment : rule;
  const ofKind = namesFound(object, rule, old && kind.strategy.freePrefix ? undefined : ofPrefix, old);
  const general = new FieldErrors();
  if (metadata.labels || metadata.annotations || metadata.finalizers || metadata.ownerReferences) {
    for (const each of validateObjectMeta(metadata)) if (each.field !== 'metadata.name') general.list.push(each);
  }
  if (metadata.managedFields) checkManagers(metadata.managedFields, general);
  const late = new FieldErrors();
  if (old) checkUnchanged(object, old, late);
  if (general.list.length + late.list.length + ofAll.length + ofKind.length === 0) return;
  for (const look of looks) {
    const updates = look === 'update' || look === 'namedUpdate';
    if (updates) errors.list.push(...late.list);
    else errors.list.push(...(look === 'any' ? ofAll : ofKind));
    errors.list.push(...general.list.filter(({ field }) => isFoundBy(look, field)));
  }
}

type NameRule = NonNullable<Kind['strategy']['nameRule']>;

/** `ofPrefix` is the rule for generated names; undefined: anything will do. */
function namesFound(
  object: KubernetesObject,
  rule: NameRule,
  ofPrefix: NameRule | undefined,
  old: KubernetesObject | undefined,
): readonly FieldError[] {
  const { name, generateName } = object.metadata;
  const found = new FieldErrors();
  if (generateName && ofPrefix) {
    found.rule('metadata.generateName', generateName, ofPrefix(nameOfPrefix(generateName), object, old));
  }
  if (!name) found.required('metadata.name', 'name or generateName is required');
  else found.rule('metadata.name', name, rule(name, object, old));
  return found.list;
}

function isFoundBy(look: MetadataLook, field: string): boolean {
  if (field === 'metadata.finalizers') return look === 'any' || look === 'general' || look === 'named';
  return !field.startsWith('metadata.finalizers[') || look === 'named' || look === 'namedUpdate';
}

/** Metadata that no update may change. */
function checkUnchanged(object: KubernetesObject, old: KubernetesObject, errors: FieldErrors): void {
  checkFinalizers(object, old, errors);
  for (const field of ['uid', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    const value = object.metadata[field];
    if (value !== old.metadata[field]) errors.invalid(`metadata.${field}`, value, 'field is immutable');
  }
}

const mostManagerBytes = 128;
export const mostSubresourceBytes = 256;

/** Names in managedFields; entries that cannot be read have been left out by now. */
function checkManagers(entries: readonly ManagedFieldsEntry[], errors: FieldErrors): void {
  entries.forEach(({ manager = '', subresource = '' }, at) => {
    if (!plain.test(manager)) checkManagerName(manager, `metadata.managedFields[${at}].manager`, errors.list);
    if (subresource.length > mostSubresourceBytes / 4 && Buffer.byteLength(subresource) > mostSubresourceBytes) {
      errors.tooLong(`metadata.managedFields[${at}].subresource`, mostSubresourceBytes);
    }
  });
}

const plain = /^[\x20-\x7e]{0,128}$/;

/** The name of a field manager: at most 128 bytes, all printable. */
export function checkManagerName(name: string, field: string, errors: FieldError[]): void {
  if (plain.test(name)) return;
  if (Buffer.byteLength(name) > mostManagerBytes) {
    const message = `Too long: may not be more than ${mostManagerBytes} bytes`;
    errors.push({ type: 'FieldValueTooLong', field, message });
  }
  let at = 0;
  for (const each of name) {
    if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(each)) {
      const code = (each.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const message = `Invalid value: ${goQuote(name)}: invalid character U+${code} (at position ${at})`;
      errors.push({ type: 'FieldValueInvalid', field, message });
    }
    at += Buffer.byteLength(each);
  }
}

/** Nothing may newly hold back an object that is being deleted. */
function checkFinalizers(object: KubernetesObject, old: KubernetesObject, errors: FieldErrors): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const before = new Set(old.metadata.finalizers ?? []);
  const added = (object.metadata.finalizers ?? []).filter((each) => !before.has(each));
  if (added.length === 0) return;
  const list = added.map((each) => JSON.stringify(each)).join(', ');
  errors.forbidden(
    'metadata.finalizers',
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
  );
}
