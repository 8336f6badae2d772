import type { AdmissionPlugin } from '@keelson/core/admission';
import { certificateApproval } from './certificate-approval.ts';
import { certificateSigning } from './certificate-signing.ts';
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts';
import type { AdmissionEnvironment } from './contract.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction/node-restriction.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export type { AdmissionEnvironment, ObjectReader } from './contract.ts';

/** The gates that are on by default in Kubernetes, in its order; `others` stand where webhooks do, before the quota. */
export function builtinAdmission(
  environment: AdmissionEnvironment,
  others: readonly AdmissionPlugin[],
): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle(environment),
    limitRanger(environment),
    serviceAccount(environment),
    nodeRestriction(environment),
    taintNodesByCondition(),
    priority(environment),
    defaultTolerationSeconds(),
    defaultStorageClass(environment),
    storageObjectInUseProtection(),
    persistentVolumeClaimResize(environment),
    runtimeClass(environment),
    certificateApproval(environment),
    certificateSigning(environment),
    certificateSubjectRestriction(),
    defaultIngressClass(environment),
    ...others,
    resourceQuota(environment),
  ];
}
