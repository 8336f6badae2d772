import {
  type Clock,
  generateName,
  type KubernetesObject,
  type ObjectMeta,
  type Random,
  StatusError,
  timestamp,
  validateDnsSubdomain,
  validateObjectMeta,
} from '@keelson/core';
import type { Draft, ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';
import type { FieldErrors } from './strategy.ts';

const hex = Array.from({ length: 256 }, (_, each) => each.toString(16).padStart(2, '0'));

/** A version 4 UUID (RFC 9562) out of the given randomness. */
export function randomUid(random: Random): string {
  let text = '';
  for (let at = 0; at < 16; at++) {
    let byte = Math.floor(random() * 256);
    if (at === 6) byte = (byte & 0x0f) | 0x40;
    if (at === 8) byte = (byte & 0x3f) | 0x80;
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-';
    text += hex[byte];
  }
  return text;
}

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

/** Gives a new object what only the server may give. */
export function stampNew(draft: ObjectDraft, clock: Clock, random: Random, generation: boolean): void {
  const { metadata } = draft;
  if (!metadata.name && metadata.generateName) metadata.name = generateName(metadata.generateName, random);
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.resourceVersion;
  metadata.uid = randomUid(random);
  metadata.creationTimestamp = timestamp(clock);
  if (generation) metadata.generation = 1;
  else delete metadata.generation;
}

/** Keeps what an update may not change. */
export function keepServerFields(draft: ObjectDraft, old: KubernetesObject): void {
  const { metadata } = draft;
  const from = old.metadata as Draft<ObjectMeta>;
  metadata.name = from.name;
  for (const field of ['namespace', 'creationTimestamp', 'deletionTimestamp', 'generateName', 'uid'] as const) {
    if (from[field] === undefined) delete metadata[field];
    else metadata[field] = from[field];
  }
  for (const field of ['generation', 'deletionGracePeriodSeconds'] as const) {
    if (from[field] === undefined) delete metadata[field];
    else metadata[field] = from[field];
  }
  delete metadata.selfLink;
}

/** The rules for names and metadata that hold for every kind. */
export function checkMetadata(kind: Kind, object: KubernetesObject, errors: FieldErrors): void {
  const { metadata } = object;
  const rule = kind.strategy.nameRule ?? validateDnsSubdomain;
  if (!metadata.name) errors.required('metadata.name', 'name or generateName is required');
  else errors.rule('metadata.name', metadata.name, rule(metadata.name));
  if (metadata.labels || metadata.annotations || metadata.finalizers || metadata.ownerReferences) {
    for (const each of validateObjectMeta(metadata)) {
      if (each.field !== 'metadata.name') errors.list.push(each);
    }
  }
}

/** Nothing may newly hold back an object that is being deleted. */
export function checkFinalizers(object: KubernetesObject, old: KubernetesObject, errors: FieldErrors): void {
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
