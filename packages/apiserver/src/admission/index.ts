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
import { podSecurity } from './pod-security/pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { mutatingPolicies } from './policy/mutating-policies.ts';
import { validatingPolicies } from './policy/validating-policies.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota/resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import { mutatingWebhooks } from './webhook/mutating-webhooks.ts';
import { validatingWebhooks } from './webhook/validating-webhooks.ts';

export { AdmissionMetrics } from './admission-metrics.ts';
export type { AdmissionEnvironment, ObjectReader } from './contract.ts';
export { matchConditionProblem, matchConditionsCompiler } from './match-conditions.ts';
export { PodSecurityOptions } from './pod-security/options.ts';
export * from './policy/index.ts';
export { Quotas } from './resource-quota/quotas.ts';
export * from './webhook/index.ts';

type BuiltIn = readonly [name: string, make: (environment: AdmissionEnvironment) => AdmissionPlugin];

/** The gates that are on by default in Kubernetes, in its order; those of others stand before what asks the outside. */
const beforeOthers: readonly BuiltIn[] = [
  ['NamespaceLifecycle', namespaceLifecycle],
  ['LimitRanger', limitRanger],
  ['ServiceAccount', serviceAccount],
  ['NodeRestriction', nodeRestriction],
  ['TaintNodesByCondition', taintNodesByCondition],
  ['PodSecurity', podSecurity],
  ['Priority', priority],
  ['DefaultTolerationSeconds', defaultTolerationSeconds],
  ['DefaultStorageClass', defaultStorageClass],
  ['StorageObjectInUseProtection', storageObjectInUseProtection],
  ['PersistentVolumeClaimResize', persistentVolumeClaimResize],
  ['RuntimeClass', runtimeClass],
  ['CertificateApproval', certificateApproval],
  ['CertificateSigning', certificateSigning],
  ['CertificateSubjectRestriction', certificateSubjectRestriction],
  ['DefaultIngressClass', defaultIngressClass],
  ['PodTopologyLabels', podTopologyLabels],
];

/** Policies stand before the webhooks of their kind; the quota is charged last, for what is really written. */
const afterOthers: readonly BuiltIn[] = [
  ['MutatingAdmissionPolicy', mutatingPolicies],
  ['MutatingAdmissionWebhook', mutatingWebhooks],
  ['ValidatingAdmissionPolicy', validatingPolicies],
  ['ValidatingAdmissionWebhook', validatingWebhooks],
  ['ResourceQuota', resourceQuota],
];

/** Names that `disabled` may hold. */
export const builtinAdmissionNames: readonly string[] = [...beforeOthers, ...afterOthers].map(([name]) => name);

/** What is wrong with a list of plugins of the configuration; nothing where all of them are known. */
export function admissionNameProblems(names: readonly string[]): readonly string[] {
  return names
    .filter((each) => !builtinAdmissionNames.includes(each))
    .map(
      (each) =>
        `the admission plugin ${JSON.stringify(each)} is unknown; known are ${builtinAdmissionNames.join(', ')}`,
    );
}

/** Those that a configuration leaves out; enabling wins over nothing but the default. Throws where both name one. */
export function disabledAdmission(options: {
  readonly disableAdmissionPlugins: readonly string[];
  readonly enableAdmissionPlugins: readonly string[];
}): readonly string[] {
  const { disableAdmissionPlugins: off, enableAdmissionPlugins: on } = options;
  const both = off.find((each) => on.includes(each));
  if (both !== undefined) {
    throw new Error(`the admission plugin ${JSON.stringify(both)} cannot be both enabled and disabled`);
  }
  return off;
}

/** All gates in the order in which they are asked. */
export function builtinAdmission(
  environment: AdmissionEnvironment,
  others: readonly AdmissionPlugin[],
  disabled: readonly string[] = [],
): readonly AdmissionPlugin[] {
  const make = (builtin: readonly BuiltIn[]) =>
    builtin.filter(([name]) => !disabled.includes(name)).map(([, each]) => each(environment));
  return [...make(beforeOthers), ...others, ...make(afterOthers)];
}
