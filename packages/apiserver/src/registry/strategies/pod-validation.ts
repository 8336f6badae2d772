import {
  type LabelSelector,
  type Pod,
  type PodSpec,
  type PodTemplateSpec,
  validateAnnotations,
  validateDnsSubdomain,
} from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkGiven, checkLabels, checkOneOf, checkRange } from './checks.ts';
import { validateContainers } from './container-validation.ts';
import { validateAffinity } from './pods/affinity-validation.ts';
import { validateEnvironmentVolumes } from './pods/file-environment.ts';
import {
  validateDnsConfig,
  validateHostAliases,
  validateHostnameOverride,
  validateHostnames,
} from './pods/network-validation.ts';
import { validateHostProcess, validateHostUsers, validateOperatingSystem } from './pods/operating-system-validation.ts';
import { validatePodAnnotations, validateProfilesMatch } from './pods/pod-annotations.ts';
import { validatePodClaims, validatePodResources, validateResources } from './pods/resource-validation.ts';
import {
  validateReadinessGates,
  validateSchedulingGates,
  validateTolerations,
  validateTopologySpread,
} from './pods/scheduling-validation.ts';
import { validatePodSecurityContext } from './pods/security-validation.ts';
import { validateVolumes } from './volume-validation.ts';

export interface PodSpecRules {
  /** In a Pod: may be scheduled; in a template: how such Pods will be made. */
  readonly template?: boolean;
  /** Of the Pod, where it is known already. */
  readonly podName?: string;
  /** What was stored before: what it says already may stay even where a later rule forbids it. */
  readonly old?: PodSpec;
  /** Pods get names of hosts from whoever makes them, whatever the template says. */
  readonly named?: boolean;
}

/** Everything that is wrong with a pod spec, in Kubernetes' order. `at`: `spec`, or `spec.template.spec`. */
export function validatePodSpec(spec: PodSpec, at: string, errors: FieldErrors, rules: PodSpecRules = {}): void {
  const { terminationGracePeriodSeconds: grace } = spec;
  if (grace === undefined) errors.required(`${at}.terminationGracePeriodSeconds`);
  const volumes = validateVolumes(spec.volumes, `${at}.volumes`, errors, rules);
  const claims = validatePodClaims(spec, at, errors);
  const scope = { spec, volumes, claims, grace: grace ?? 0, hostUsers: spec.hostUsers !== false };
  validateContainers(scope, at, errors);
  validatePodResources(spec, claims, at, errors);
  if (!spec.restartPolicy) errors.required(`${at}.restartPolicy`);
  else checkOneOf(`${at}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never'], errors);
  checkDnsPolicy(spec.dnsPolicy, `${at}.dnsPolicy`, errors);
  checkLabels(spec.nodeSelector, `${at}.nodeSelector`, errors);
  validatePodSecurityContext(spec, at, errors, rules.old);
  validateAffinity(spec.affinity, `${at}.affinity`, errors);
  validateDnsConfig(spec, at, errors);
  validateReadinessGates(spec, at, errors);
  validateSchedulingGates(spec, at, errors);
  validateTopologySpread(
    spec.topologySpreadConstraints,
    `${at}.topologySpreadConstraints`,
    (selector) => stoodBefore(selector, rules.old),
    errors,
  );
  validateHostProcess(spec, at, errors);
  validateHostUsers(spec, at, errors);
  validateHostnameOverride(spec, at, errors);
  validateNames(spec, at, errors, rules.named);
  validateEnvironmentVolumes(spec, at, errors);
  validateOperatingSystem(spec, at, errors);
}

function stoodBefore(selector: LabelSelector, old: PodSpec | undefined): boolean {
  const text = old && JSON.stringify(selector);
  return old?.topologySpreadConstraints?.some((each) => JSON.stringify(each.labelSelector) === text) ?? false;
}

const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

function checkDnsPolicy(policy: string | undefined, at: string, errors: FieldErrors): void {
  if (!policy) errors.required(at);
  else checkOneOf(at, policy, dnsPolicies, errors);
}

function validateNames(spec: PodSpec, at: string, errors: FieldErrors, named = false): void {
  if (spec.serviceAccountName) {
    errors.rule(`${at}.serviceAccountName`, spec.serviceAccountName, validateDnsSubdomain(spec.serviceAccountName));
  }
  if (spec.nodeName) errors.rule(`${at}.nodeName`, spec.nodeName, validateDnsSubdomain(spec.nodeName));
  if (spec.activeDeadlineSeconds !== undefined) {
    checkRange(`${at}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, 2147483647, errors);
  }
  if (!named) validateHostnames(spec, at, errors);
  validateTolerations(spec.tolerations, `${at}.tolerations`, errors);
  validateHostAliases(spec, at, errors);
  if (spec.priorityClassName) {
    errors.rule(`${at}.priorityClassName`, spec.priorityClassName, validateDnsSubdomain(spec.priorityClassName));
  }
  if (spec.runtimeClassName !== undefined) {
    errors.rule(`${at}.runtimeClassName`, spec.runtimeClassName, validateDnsSubdomain(spec.runtimeClassName));
  }
  if (spec.preemptionPolicy !== undefined) {
    checkGiven(`${at}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never'], errors);
  }
  if (spec.overhead) validateResources({ limits: spec.overhead }, new Set(), `${at}.overhead`, errors);
}

/** What holds for a Pod on its way in, beyond its spec; `old` on an update. */
export function validatePod(pod: Pod, errors: FieldErrors, old?: Pod): void {
  const { metadata, spec } = pod;
  validatePodAnnotations(metadata, spec, 'metadata.annotations', errors, old?.metadata.annotations);
  validatePodSpec(spec, 'spec', errors, { podName: metadata.name, ...(old && { old: old.spec }) });
  if (!spec.serviceAccountName) refuseTokens(spec, errors);
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach(({ image }, index) => {
      if (image !== undefined && image.trim() !== image) {
        errors.invalid(`spec.${list}[${index}].image`, image, 'must not have leading or trailing whitespace');
      }
    });
  }
}

/** What holds for a new Pod only. */
export function validateNewPod(pod: Pod, errors: FieldErrors): void {
  validatePod(pod, errors);
  const { metadata, spec } = pod;
  if ((spec.ephemeralContainers?.length ?? 0) > 0)
    errors.forbidden('spec.ephemeralContainers', 'cannot be set on create');
  if (spec.nodeName && (spec.schedulingGates?.length ?? 0) > 0) {
    errors.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared');
  }
  validateProfilesMatch(metadata.annotations, spec, 'spec', errors);
}

function refuseTokens(spec: PodSpec, errors: FieldErrors): void {
  spec.volumes?.forEach((volume, index) => {
    volume.projected?.sources?.forEach((source, number) => {
      if (!source.serviceAccountToken) return;
      const field = `spec.volumes[${index}].projected.sources[${number}].serviceAccountToken`;
      errors.forbidden(field, 'must not be specified when serviceAccountName is not set');
    });
  });
}

/** `spec.template` of everything that makes Pods. `at`: `spec.template`. */
export function validatePodTemplateSpec(
  template: PodTemplateSpec,
  at: string,
  errors: FieldErrors,
  old?: PodTemplateSpec,
  named = false,
): void {
  const { metadata, spec } = template;
  const own = spec ?? { containers: [] };
  validateTemplateMetadata(template, at, errors);
  validatePodSpec(own, `${at}.spec`, errors, { template: true, named, ...(old?.spec && { old: old.spec }) });
  validateProfilesMatch(metadata?.annotations, own, `${at}.spec`, errors);
  if ((own.ephemeralContainers?.length ?? 0) > 0) {
    errors.forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  }
}

/** Labels and annotations of such a template. */
export function validateTemplateMetadata({ metadata, spec }: PodTemplateSpec, at: string, errors: FieldErrors): void {
  if (!metadata) return;
  checkLabels(metadata.labels, `${at}.labels`, errors);
  if (metadata.annotations) errors.list.push(...validateAnnotations(metadata.annotations, `${at}.annotations`));
  validatePodAnnotations(metadata, spec ?? { containers: [] }, `${at}.annotations`, errors);
}
