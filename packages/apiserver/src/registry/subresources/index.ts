import type { KubernetesObject, Namespace } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';
import type { Kind } from '../kind.ts';
import { approval } from './approval.ts';
import { binding } from './binding.ts';
import type { SubresourceHandler } from './contract.ts';
import { keepEphemeral } from './ephemeral-containers.ts';
import { eviction } from './eviction.ts';
import { specPart, statusPart } from './part.ts';
import { keepResources } from './resize.ts';
import { scaleHandler } from './scale.ts';

export { legacyBinding } from './binding.ts';
export type { SubresourceAnswer, SubresourceHandler } from './contract.ts';

/** namespaces/finalize: who takes away the last of the spec's finalizers lets the namespace go. */
function keepFinalizers(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  const next = wanted as Draft<Namespace>;
  const { status } = structuredClone(old) as Draft<Namespace>;
  const { finalizers } = next.spec ?? {};
  next.spec = { ...(finalizers?.length && { finalizers }) };
  if (status === undefined) delete next.status;
  else next.status = status;
  return next;
}

const byName: Readonly<Record<string, SubresourceHandler>> = {
  'pods/binding': binding,
  'pods/eviction': eviction,
  'pods/ephemeralcontainers': specPart(keepEphemeral),
  'pods/resize': specPart(keepResources),
  'namespaces/finalize': specPart(keepFinalizers),
  'certificatesigningrequests/approval': approval,
};

/** Undefined for subresources that are no objects: streams into a node, and what other rooms answer. */
export function subresourceHandler(kind: Kind, name: string): SubresourceHandler | undefined {
  if (name === 'status') return statusPart;
  if (name === 'scale' && kind.scale) return scaleHandler(kind.scale);
  return kind.served.custom ? undefined : byName[`${kind.served.resource}/${name}`];
}
