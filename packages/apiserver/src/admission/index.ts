import type { AdmissionPlugin } from '@keelson/core/admission';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import type { AdmissionEnvironment } from './contract.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { defaultTolerationSeconds, priority, taintNodesByCondition } from './pod-admission.ts';
import { resourceQuota } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import {
  defaultIngressClass,
  defaultStorageClass,
  persistentVolumeClaimResize,
  storageObjectInUseProtection,
} from './storage-admission.ts';

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
