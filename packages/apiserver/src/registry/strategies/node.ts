import { deepEqual, Node, type NodeSpec, type Taint, validateLabelValue, validateQualifiedName } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { inGo } from './go-internal.ts';
import { checkLegacyCidr, cidrWarnings, isMapped, masked, parseCidr } from './ip-checks.ts';
import { jsonSyntaxError } from './json-syntax.ts';
import { validateResourceQuantity } from './pods/resource-validation.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const avoidAnnotation = 'scheduler.alpha.kubernetes.io/preferAvoidPods';

/** Kubernetes looks for taints under `metadata`. */
function validateTaints(taints: readonly Taint[] | undefined, errors: FieldErrors): void {
  if (!taints) return;
  const seen = new Set<string>();
  taints.forEach((taint, index) => {
    const { key = '', value = '', effect = '' } = taint;
    const at = `metadata.taints[${index}]`;
    errors.rule(`${at}.key`, key, validateQualifiedName(key));
    const sentences = validateLabelValue(value);
    if (sentences.length > 0) errors.invalid(`${at}.value`, value, sentences.join(';'));
    if (effect === '') errors.required(`${at}.effect`);
    else if (!effects.includes(effect)) errors.notSupported(`${at}.effect`, effect, effects);
    const own = `${effect}/${key}`;
    if (seen.has(own))
      errors.duplicateBecause(at, inGo('Taint', taint), 'taints must be unique by key and effect pair');
    seen.add(own);
  });
}

/** `podCIDR` is the first of `podCIDRs`, whoever wrote which of them; where they differ, `podCIDR` counts. */
function settleCidrs(spec: Draft<NodeSpec> | undefined): void {
  if (!spec) return;
  const { podCIDR, podCIDRs } = spec;
  if (podCIDR && podCIDRs?.[0] !== podCIDR) spec.podCIDRs = [podCIDR];
  else if (!podCIDR && podCIDRs?.[0]) spec.podCIDR = podCIDRs[0];
}

function validateResources(status: Node['status'], errors: FieldErrors): void {
  for (const part of ['capacity', 'allocatable'] as const) {
    for (const [name, value] of Object.entries(status?.[part] ?? {})) {
      validateResourceQuantity(name, value, `status.${part}.${name}`, errors);
    }
  }
}

/** By the network: one of IPv4 may be written as of IPv6. */
function isSixth(text: string): boolean {
  const cidr = parseCidr(text);
  return cidr !== undefined && cidr.bytes.length === 16 && !isMapped(masked(cidr));
}

function validateCidrs({ podCIDRs = [] }: NodeSpec, errors: FieldErrors): void {
  podCIDRs.forEach((each, index) => void checkLegacyCidr(each, `spec.podCIDRs[${index}]`, errors));
  const bad = podCIDRs.findIndex((each) => !parseCidr(each));
  if (podCIDRs.length > 1 && bad >= 0) {
    // Kubernetes takes this for a fault of its own.
    const why = `invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[${bad}]: <nil> (invalid CIDR address: ${podCIDRs[bad]})`;
    errors.internal('spec.podCIDRs', why);
  }
  const families = podCIDRs.map(isSixth);
  if (podCIDRs.length > 2 || (podCIDRs.length === 2 && (bad >= 0 || families[0] === families[1]))) {
    errors.invalid('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family');
  }
}

/** The kubelet is no longer configured through the API: only what was once said of it may stay. */
function dropOldConfig(object: Draft<Node>, old: Node): void {
  if (object.spec && !old.spec?.configSource) delete object.spec.configSource;
  if (object.status && !old.status?.config) delete object.status.config;
}

export const nodeStrategy = strategyFor(Node, {
  keepsStatusOnCreate: true,
  defaults({ spec, status }) {
    settleCidrs(spec);
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  },
  prepareCreate(object) {
    if (object.spec) delete object.spec.configSource;
    if (object.status) delete object.status.config;
  },
  prepareUpdate: dropOldConfig,
  prepareStatusUpdate: dropOldConfig,
  validate({ metadata, spec = {}, status }, errors) {
    const avoid = metadata.annotations?.[avoidAnnotation];
    const why = avoid === undefined || avoid === '' ? undefined : jsonSyntaxError(avoid);
    if (why !== undefined) errors.invalid('metadata.annotations.AvoidPods', avoidAnnotation, why);
    validateTaints(spec.taints, errors);
    validateResources(status, errors);
    validateCidrs(spec, errors);
  },
  validateUpdate({ spec = {}, status }, { spec: old = {} }, errors) {
    validateAddresses(status, errors);
    validateSpecUpdate(spec, old, errors);
  },
  validateStatusUpdate({ status }, _old, errors) {
    validateAddresses(status, errors);
    for (const part of ['capacity', 'allocatable'] as const) {
      for (const [name, value] of Object.entries(status?.[part] ?? {})) {
        validateResourceQuantity(name, value, `status.${part}[${name}]`, errors);
      }
    }
    validateFeatures(status?.declaredFeatures ?? [], errors);
  },
  warnings({ spec }, old) {
    const found: string[] = [];
    if (spec?.configSource) found.push('spec.configSource: the feature is no longer supported');
    if (spec?.externalID) found.push('spec.externalID: this field is deprecated, and is unused by Kubernetes');
    if (old && deepEqual(old.spec?.podCIDRs ?? [], spec?.podCIDRs ?? [])) return found;
    spec?.podCIDRs?.forEach((each, index) => void found.push(...cidrWarnings(each, `spec.podCIDRs[${index}]`)));
    return found;
  },
});

const featureName = /^[A-Z][A-Za-z0-9]*(\/[A-Za-z0-9]+)*$/;

/** What the kubelet says that it can (KEP-5328). */
function validateFeatures(features: readonly string[], errors: FieldErrors): void {
  features.forEach((each, index) => {
    const at = `status.declaredFeatures[${index}]`;
    if (!featureName.test(each)) {
      const why = `invalid feature name "${each}": must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`;
      errors.invalid(at, each, why);
    }
    const before = features[index - 1];
    if (before === undefined) return;
    if (each === before) errors.duplicate(at, each);
    else if (each < before) errors.invalid(at, each, 'list must be sorted alphabetically');
  });
}

function validateAddresses(status: Node['status'], errors: FieldErrors): void {
  const seen = new Set<string>();
  status?.addresses?.forEach((each, index) => {
    const key = `${each.type}/${each.address}`;
    if (seen.has(key)) errors.duplicate(`status.addresses[${index}]`, inGo('NodeAddress', each));
    seen.add(key);
  });
}

function validateSpecUpdate(spec: NodeSpec, old: NodeSpec, errors: FieldErrors): void {
  if ((old.podCIDRs?.length ?? 0) > 0) {
    if (!deepEqual(spec.podCIDRs ?? [], old.podCIDRs ?? [])) {
      errors.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
    }
  }
  if (old.providerID && spec.providerID !== old.providerID) {
    errors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
  validateTaints(spec.taints, errors);
  if ((spec.externalID ?? '') !== (old.externalID ?? '')) errors.forbidden('spec.externalID', 'may not be updated');
}
