import {
  type CertificateSigningRequest,
  type CertificateSigningRequestCondition,
  type KubernetesObject,
  timestamp,
} from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';
import type { SubresourceHandler } from './contract.ts';
import { specPart } from './part.ts';

/** certificatesigningrequests/approval: conditions, and metadata; neither the request nor its certificate. */
export const approval: SubresourceHandler = (context, call) => {
  const now = timestamp(context.clock);
  return specPart((wanted, old) => keepApproval(wanted, old, now))(context, call);
};

function keepApproval(wanted: ObjectDraft, old: KubernetesObject, now: string): ObjectDraft {
  // The kind is that of the subresource: both have been decoded by its schema.
  const next = wanted as Draft<CertificateSigningRequest>;
  const before = structuredClone(old) as Draft<CertificateSigningRequest>;
  const conditions = withTimes(next.status?.conditions ?? [], before.status?.conditions ?? [], now);
  next.spec = before.spec;
  next.status = { ...before.status, conditions };
  if (conditions.length === 0) delete next.status.conditions;
  return next;
}

type Condition = Draft<CertificateSigningRequestCondition>;

/** The server writes the times that nobody has given: of the update now, of the transition when the status changed. */
function withTimes(conditions: readonly Condition[], before: readonly Condition[], now: string): Condition[] {
  return conditions.map((each) => {
    const old = before.find((one) => one.type === each.type && one.status === each.status);
    return {
      ...each,
      lastUpdateTime: each.lastUpdateTime || now,
      lastTransitionTime: each.lastTransitionTime || old?.lastTransitionTime || now,
    };
  });
}
