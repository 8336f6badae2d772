import type { CertificateSigningRequest, KubernetesObject, Namespace } from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';
import type { Kind } from '../kind.ts';
import type { SubresourceHandler } from './contract.ts';
import { eviction } from './eviction.ts';
import { specPart, statusPart } from './part.ts';
import { binding, keepEphemeral, keepResources } from './pods.ts';
import { scaleHandler } from './scale.ts';

export type { SubresourceAnswer, SubresourceHandler } from './contract.ts';

/** namespaces/finalize: who takes away the last of the spec's finalizers lets the namespace go. */
function keepFinalizers(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  const next = wanted as Draft<Namespace>;
  const before = structuredClone(old) as Draft<Namespace>;
  before.spec = { ...before.spec, finalizers: next.spec?.finalizers ?? [] };
  if (before.spec.finalizers?.length === 0) delete before.spec.finalizers;
  before.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return before;
}

/** certificatesigningrequests/approval: the conditions Approved and Denied. */
function keepApproval(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  const next = wanted as Draft<CertificateSigningRequest>;
  const before = structuredClone(old) as Draft<CertificateSigningRequest>;
  before.status = { ...before.status, conditions: next.status?.conditions };
  before.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return before;
}

const byName: Readonly<Record<string, SubresourceHandler>> = {
  'pods/binding': binding,
  'pods/eviction': eviction,
  'pods/ephemeralcontainers': specPart(keepEphemeral),
  'pods/resize': specPart(keepResources),
  'namespaces/finalize': specPart(keepFinalizers),
  'certificatesigningrequests/approval': specPart(keepApproval),
};

/** Undefined for subresources that are no objects: streams into a node, and what other rooms answer. */
export function subresourceHandler(kind: Kind, name: string): SubresourceHandler | undefined {
  if (name === 'status') return statusPart;
  if (name === 'scale' && kind.scale) return scaleHandler(kind.scale);
  return kind.served.custom ? undefined : byName[`${kind.served.resource}/${name}`];
}
