import {
  type NodeSelectorTerm,
  type PodAffinityTerm,
  type PodSpec,
  type Toleration,
  validateDnsLabel,
  validateDnsSubdomain,
  validateLabelSelector,
  validateLabels,
  validateQualifiedName,
} from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkIp, checkOneOf, checkRange } from './checks.ts';
import { validateContainer } from './container-validation.ts';
import { validateVolumes } from './volume-validation.ts';

/** Everything that is wrong with a pod spec, in a Pod or a template. */
export function validatePodSpec(spec: PodSpec, at: string, errors: FieldErrors): void {
  const volumes = validateVolumes(spec.volumes ?? [], `${at}.volumes`, errors);
  const scope = { volumes, names: new Set<string>() };
  if (!spec.containers || spec.containers.length === 0) errors.required(`${at}.containers`);
  (spec.containers ?? []).forEach(
    (each, index) => void validateContainer(each, `${at}.containers[${index}]`, 'containers', scope, errors),
  );
  (spec.initContainers ?? []).forEach(
    (each, index) => void validateContainer(each, `${at}.initContainers[${index}]`, 'initContainers', scope, errors),
  );
  checkOneOf(`${at}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never'], errors);
  checkOneOf(`${at}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], errors);
  if (spec.nodeSelector) errors.list.push(...validateLabels(spec.nodeSelector, `${at}.nodeSelector`));
  if (spec.nodeName) errors.rule(`${at}.nodeName`, spec.nodeName, validateDnsSubdomain(spec.nodeName));
  if (spec.serviceAccountName) {
    errors.rule(`${at}.serviceAccountName`, spec.serviceAccountName, validateDnsSubdomain(spec.serviceAccountName));
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    checkRange(`${at}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, 2147483647, errors);
  }
  if (spec.hostname) errors.rule(`${at}.hostname`, spec.hostname, validateDnsLabel(spec.hostname));
  if (spec.subdomain) errors.rule(`${at}.subdomain`, spec.subdomain, validateDnsLabel(spec.subdomain));
  (spec.tolerations ?? []).forEach(
    (each, index) => void validateToleration(each, `${at}.tolerations[${index}]`, errors),
  );
  (spec.hostAliases ?? []).forEach((each, index) => void checkIp(`${at}.hostAliases[${index}].ip`, each.ip, errors));
  validateAffinity(spec, `${at}.affinity`, errors);
  validateSpread(spec, `${at}.topologySpreadConstraints`, errors);
  (spec.dnsConfig?.nameservers ?? []).forEach(
    (each, index) => void checkIp(`${at}.dnsConfig.nameservers[${index}]`, each, errors),
  );
}

function validateToleration(toleration: Toleration, at: string, errors: FieldErrors): void {
  const { key, operator = 'Equal', value, effect, tolerationSeconds } = toleration;
  if (key) errors.rule(`${at}.key`, key, validateQualifiedName(key));
  else if (operator !== 'Exists') {
    errors.invalid(
      `${at}.operator`,
      operator,
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    );
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (operator === 'Exists') {
    if (value) errors.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
  } else checkOneOf(`${at}.operator`, operator, ['Equal', 'Exists'], errors);
  if (effect) checkOneOf(`${at}.effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'], errors);
}

function validateAffinity({ affinity }: PodSpec, at: string, errors: FieldErrors): void {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required) {
    const here = `${at}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    if (!required.nodeSelectorTerms?.length) errors.required(here, 'must have at least one node selector term');
    (required.nodeSelectorTerms ?? []).forEach((each, index) => void validateTerm(each, `${here}[${index}]`, errors));
  }
  (affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((each, index) => {
    const here = `${at}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    if (each.weight < 1 || each.weight > 100)
      errors.invalid(`${here}.weight`, each.weight, 'must be in the range 1-100');
    validateTerm(each.preference, `${here}.preference`, errors);
  });
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    (affinity?.[kind]?.requiredDuringSchedulingIgnoredDuringExecution ?? []).forEach(
      (each, index) =>
        void validatePodTerm(each, `${at}.${kind}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, errors),
    );
    (affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? []).forEach((each, index) => {
      const here = `${at}.${kind}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      if (each.weight < 1 || each.weight > 100) {
        errors.invalid(`${here}.weight`, each.weight, 'must be in the range 1-100');
      }
      validatePodTerm(each.podAffinityTerm, `${here}.podAffinityTerm`, errors);
    });
  }
}

const nodeOperators = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']);

function validateTerm(term: NodeSelectorTerm, at: string, errors: FieldErrors): void {
  (term.matchExpressions ?? []).forEach(({ key, operator, values = [] }, index) => {
    const here = `${at}.matchExpressions[${index}]`;
    if (!nodeOperators.has(operator)) errors.invalid(`${here}.operator`, operator, 'not a valid selector operator');
    else if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator.endsWith('Exist') || operator === 'Exists') {
      if (values.length > 0) {
        errors.forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) {
      errors.required(`${here}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
    errors.rule(`${here}.key`, key, validateQualifiedName(key));
  });
}

function validatePodTerm(term: PodAffinityTerm, at: string, errors: FieldErrors): void {
  if (term.labelSelector) errors.list.push(...validateLabelSelector(term.labelSelector, `${at}.labelSelector`));
  if (term.namespaceSelector) {
    errors.list.push(...validateLabelSelector(term.namespaceSelector, `${at}.namespaceSelector`));
  }
  const key = term.topologyKey ?? '';
  if (key === '') errors.required(`${at}.topologyKey`, 'can not be empty');
  errors.rule(`${at}.topologyKey`, key, validateQualifiedName(key));
}

function validateSpread({ topologySpreadConstraints = [] }: PodSpec, at: string, errors: FieldErrors): void {
  topologySpreadConstraints.forEach((each, index) => {
    const here = `${at}[${index}]`;
    if (each.maxSkew <= 0) errors.invalid(`${here}.maxSkew`, each.maxSkew, 'must be greater than zero');
    if (!each.topologyKey) errors.required(`${here}.topologyKey`, 'can not be empty');
    checkOneOf(`${here}.whenUnsatisfiable`, each.whenUnsatisfiable ?? '', ['DoNotSchedule', 'ScheduleAnyway'], errors);
    if (each.labelSelector) errors.list.push(...validateLabelSelector(each.labelSelector, `${here}.labelSelector`));
  });
}
