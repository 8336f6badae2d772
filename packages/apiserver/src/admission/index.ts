import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { defaultTolerationSeconds, priority, taintNodesByCondition } from './pod-admission.ts';
import { serviceAccount } from './service-account.ts';
import {
  defaultIngressClass,
  defaultStorageClass,
  persistentVolumeClaimResize,
  storageObjectInUseProtection,
} from './storage-admission.ts';

export type { AdmissionEnvironment, ObjectReader } from './contract.ts';

/** The gates that are on by default in Kubernetes, in its order. */
export function builtinAdmission(environment: AdmissionEnvironment): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle(environment),
    serviceAccount(environment),
    taintNodesByCondition(),
    priority(environment),
    defaultTolerationSeconds(),
    defaultStorageClass(environment),
    storageObjectInUseProtection(),
    persistentVolumeClaimResize(environment),
    defaultIngressClass(environment),
  ];
}
