import {
  type Container,
  type LabelSelector,
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
  type ObjectMeta,
  type Pod,
  type PodSpec,
  type PodTemplateSpec,
  validateDnsLabel,
  validateLabelValue,
} from '@keelson/core';
import { fractionalBytes } from '../claim-warnings.ts';
import { addressWarnings } from '../ip-checks.ts';
import { appArmorWarning } from './app-armor-fields.ts';
import { appArmorPrefix, seccompContainerPrefix, seccompPodAnnotation } from './pod-annotations.ts';
import { portWarnings } from './port-warnings.ts';
import { volumeWarnings } from './volume-warnings.ts';

type Warn = (text: string) => void;

const renamedLabels: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
    'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  }),
);

export function nodeTermWarnings(term: NodeSelectorTerm | undefined, at: string, warn: Warn): void {
  term?.matchExpressions?.forEach((each, index) => {
    renamedKeyWarning(each, `${at}.matchExpressions[${index}]`, warn);
  });
}

function renamedKeyWarning({ key }: NodeSelectorRequirement, at: string, warn: Warn): void {
  const why = renamedLabels.get(key);
  if (why) warn(`${at}.key: ${key} is ${why}`);
}

/** What is only preferred may name values that no label has. */
function preferenceWarnings(term: NodeSelectorTerm | undefined, at: string, warn: Warn): void {
  term?.matchExpressions?.forEach((each, index) => {
    const here = `${at}.matchExpressions[${index}]`;
    renamedKeyWarning(each, here, warn);
    each.values?.forEach((value, number) => {
      for (const why of validateLabelValue(value)) warn(`${here}.values[${number}]: ${value} is invalid, ${why}`);
    });
  });
}

function placementWarnings(
  { nodeSelector, affinity, topologySpreadConstraints }: PodSpec,
  at: string,
  warn: Warn,
): void {
  for (const key of Object.keys(nodeSelector ?? {})) {
    if (renamedLabels.get(key)) warn(`${at}.nodeSelector[${key}]: ${renamedLabels.get(key)}`);
  }
  const nodes = affinity?.nodeAffinity;
  const here = `${at}.affinity.nodeAffinity`;
  nodes?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((term, index) => {
    nodeTermWarnings(term, `${here}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`, warn);
  });
  nodes?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ preference }, index) => {
    preferenceWarnings(
      preference,
      `${here}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`,
      warn,
    );
  });
  topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, index) => {
    const why = renamedLabels.get(topologyKey);
    const spread = `${at}.topologySpreadConstraints[${index}]`;
    if (why) warn(`${spread}.topologyKey: ${topologyKey} is ${why}`);
    nullSelectorWarning(labelSelector, spread, warn);
  });
}

function nullSelectorWarning(selector: LabelSelector | undefined, at: string, warn: Warn): void {
  if (!selector) warn(`${at}.labelSelector: a null labelSelector results in matching no pod`);
}

function duplicateWarnings({ hostAliases, imagePullSecrets }: PodSpec, at: string, warn: Warn): void {
  const addresses = new Set<string>();
  hostAliases?.forEach(({ ip }, index) => {
    if (addresses.has(ip)) warn(`${at}.hostAliases[${index}].ip: duplicate ip "${ip}"`);
    else addresses.add(ip);
  });
  const names = new Set<string>();
  imagePullSecrets?.forEach(({ name = '' }, index) => {
    if (names.has(name)) warn(`${at}.imagePullSecrets[${index}].name: duplicate name "${name}"`);
    else names.add(name);
  });
  imagePullSecrets?.forEach(({ name }, index) => {
    if (!name) warn(`${at}.imagePullSecrets[${index}].name: invalid empty name ""`);
  });
}

const retiredAnnotations: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
    'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
    'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  }),
);
const useSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead';

type Annotations = NonNullable<ObjectMeta['annotations']>;

function oldAppArmorWarning(
  annotations: Annotations,
  { name, securityContext }: Container,
  at: string,
  warn: Warn,
): void {
  const key = appArmorPrefix + name;
  if (key in annotations && !securityContext?.appArmorProfile) warn(appArmorWarning(`${at}[${key}]`));
}

function seccompWarning(annotations: Annotations, { name, securityContext }: Container, at: string, warn: Warn): void {
  const key = seccompContainerPrefix + name;
  if (key in annotations && !securityContext?.seccompProfile) warn(`${at}[${key}]: ${useSeccomp}`);
}

function containerWarnings({ resources, env }: Pick<Container, 'resources' | 'env'>, at: string, warn: Warn): void {
  for (const name of ['memory', 'ephemeral-storage']) {
    fractionalBytes(resources?.limits?.[name], `${at}.resources.limits[${name}]`, warn);
    fractionalBytes(resources?.requests?.[name], `${at}.resources.requests[${name}]`, warn);
  }
  if (!env || env.length < 2) return;
  const seen = new Set<string>();
  env.forEach(({ name, value }, index) => {
    // A variable that extends its own earlier value needs both.
    if (seen.has(name) && !value?.includes(`$(${name})`)) {
      warn(`${at}.env[${index}]: hides previous definition of "${name}", which may be dropped when using apply`);
    }
    seen.add(name);
  });
}

function affinityWarnings({ affinity }: PodSpec, at: string, warn: Warn): void {
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity?.[name];
    terms?.requiredDuringSchedulingIgnoredDuringExecution?.forEach(({ labelSelector }, index) => {
      const here = `${at}.affinity.${name}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`;
      nullSelectorWarning(labelSelector, here, warn);
    });
    terms?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ podAffinityTerm }, index) => {
      const here = `${at}.affinity.${name}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm`;
      nullSelectorWarning(podAffinityTerm?.labelSelector, here, warn);
    });
  }
}

/** Where things stand: `spec` and `metadata`, or `spec.template.spec` and `spec.template.metadata`. */
interface Places {
  readonly at: string;
  readonly metadataAt: string;
}

function specWarnings({ metadata, spec = noSpec }: PodTemplateSpec, { at, metadataAt }: Places, warn: Warn): void {
  const annotations = metadata?.annotations ?? {};
  const annotationsAt = `${metadataAt}.annotations`;
  placementWarnings(spec, at, warn);
  for (const key of Object.keys(annotations)) {
    const why = retiredAnnotations.get(key);
    if (why) warn(`${annotationsAt}[${key}]: ${why}`);
  }
  volumeWarnings(spec.volumes, at, warn);
  duplicateWarnings(spec, at, warn);
  for (const name of ['memory', 'ephemeral-storage']) {
    fractionalBytes(spec.overhead?.[name], `${at}.overhead[${name}]`, warn);
  }
  if (seccompPodAnnotation in annotations && !spec.securityContext?.seccompProfile) {
    warn(`${annotationsAt}[${seccompPodAnnotation}]: ${useSeccomp}`);
  }
  for (const list of ['initContainers', 'containers'] as const) {
    spec[list]?.forEach((each, index) => {
      seccompWarning(annotations, each, annotationsAt, warn);
      // Of pods it has been told already, when it became a field.
      if (at !== 'spec' && !spec.securityContext?.appArmorProfile)
        oldAppArmorWarning(annotations, each, annotationsAt, warn);
      containerWarnings(each, `${at}.${list}[${index}]`, warn);
    });
  }
  portWarnings(spec, at, warn);
  const { terminationGracePeriodSeconds: grace } = spec;
  if (grace !== undefined && grace < 0) {
    warn(`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  affinityWarnings(spec, at, warn);
  spec.dnsConfig?.nameservers?.forEach((each, index) => {
    addressWarnings(each, `${at}.dnsConfig.nameservers[${index}]`).forEach(warn);
  });
  spec.hostAliases?.forEach(({ ip }, index) => {
    addressWarnings(ip, `${at}.hostAliases[${index}].ip`).forEach(warn);
  });
}

const noSpec: PodSpec = { containers: [] };

/** What Kubernetes tells who creates or changes a Pod; a change that leaves the spec alone says nothing. */
export function podWarnings(pod: Pod, old: Pod | undefined): readonly string[] {
  const found: string[] = [];
  // Pods are updated by programs, which nobody reads along with.
  if (old) return found;
  const warn = (text: string) => void found.push(text);
  const sentences = validateDnsLabel(pod.metadata.name);
  if (sentences.length > 0) {
    warn(
      `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${sentences.join(' ')}]`,
    );
  }
  specWarnings(pod, { at: 'spec', metadataAt: 'metadata' }, warn);
  return found;
}

/** The same for a template, by those who make Pods of it. `at`: `spec.template`. */
export function podTemplateWarnings(template: PodTemplateSpec | undefined, at: string): readonly string[] {
  if (!template?.spec) return [];
  const found: string[] = [];
  specWarnings(template, { at: `${at}.spec`, metadataAt: `${at}.metadata` }, (text) => void found.push(text));
  return found;
}
