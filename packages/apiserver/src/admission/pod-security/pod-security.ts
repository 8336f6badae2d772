import { type KubernetesObject, Namespace, type ObjectMeta, Pod, type PodSpec, StatusError } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import { FieldErrors } from '../../registry/strategy.ts';
import type { AdmissionEnvironment } from '../contract.ts';
import { refuse } from '../refuse.ts';
import { violationsOf, violationsText } from './evaluate.ts';
import { existingPodWarnings } from './existing-pods.ts';
import { PodSecurityOptions, type PodSecuritySettings, podSecuritySettings } from './options.ts';
import { podTemplateIn, templateKinds } from './pod-templates.ts';
import {
  isOpen,
  isStricter,
  type LevelAndVersion,
  labelledPolicyText,
  type ParsedPolicy,
  policyOf,
  policyText,
} from './policy.ts';
import { isSignificantChange } from './significant-change.ts';
import type { Subject } from './subject.ts';

const key = (name: string) => `pod-security.kubernetes.io/${name}`;

/** Subresources that write a pod's spec; by all others it stays as it was judged. */
const judgedSubresources: ReadonlySet<string> = new Set(['', 'ephemeralcontainers', 'resize']);

/** Holds pods to the Pod Security Standards that their namespace asks for by its labels (KEP-2579). */
export function podSecurity({ reader, clock, podSecurity: options }: AdmissionEnvironment): AdmissionPlugin {
  const settings = podSecuritySettings(options ?? PodSecurityOptions.parse({}));
  const parsed = new WeakMap<Namespace, ParsedPolicy>();

  /** A namespace's object is shared by all who read it, as long as it is not written. */
  async function policyIn(namespace: string): Promise<ParsedPolicy> {
    const found = await reader.get(Namespace, namespace);
    // Without the gate that looks after namespaces there may be none.
    if (!found) return { policy: settings.defaults, problems: [] };
    let policy = parsed.get(found);
    if (!policy) {
      policy = policyOf(found.metadata.labels, settings.defaults);
      parsed.set(found, policy);
    }
    return policy;
  }

  /** Why nothing is judged, for the audit log. */
  function exemptOf({ user }: AdmissionAttributes, namespace: string): string | undefined {
    if (settings.exempt.namespaces.has(namespace)) return 'namespace';
    return settings.exempt.users.has(user.name) ? 'user' : undefined;
  }

  async function judge(attributes: AdmissionAttributes, subject: Subject, enforces: boolean): Promise<void> {
    const { namespace = '' } = attributes;
    const exempt = exemptOf(attributes, namespace);
    if (exempt !== undefined) {
      attributes.annotate?.(key('exempt'), exempt);
      return;
    }
    const { policy, problems } = await policyIn(namespace);
    const { audit, warn } = policy;
    if (!enforces && audit.level === 'privileged' && warn.level === 'privileged') return;
    if (settings.exempt.runtimeClasses.has(subject.spec.runtimeClassName ?? '')) {
      attributes.annotate?.(key('exempt'), 'runtimeClass');
      return;
    }
    if (problems.length > 0) {
      const told = problems.map(({ label, value, why }) => `${label}: Invalid value: ${JSON.stringify(value)}: ${why}`);
      attributes.annotate?.(key('error'), `Failed to parse policy: ${told.join(', ')}`);
    }
    if (enforces) attributes.annotate?.(key('enforce-policy'), policyText(policy.enforce));
    if (isOpen(policy)) return;
    const judged = new Map<string, string>();
    const textOf = (level: LevelAndVersion): string => {
      const name = policyText(level);
      const known = judged.get(name) ?? violationsText(violationsOf(subject, level));
      judged.set(name, known);
      return known;
    };
    const refused = enforces ? textOf(policy.enforce) : '';
    const audited = attributes.annotate ? textOf(audit) : '';
    if (audited !== '') attributes.annotate?.(key('audit-violations'), wouldViolate(audit, audited));
    if (refused !== '') {
      throw refuse(attributes, `violates PodSecurity ${JSON.stringify(policyText(policy.enforce))}: ${refused}`);
    }
    const warned = textOf(warn);
    if (warned !== '') attributes.warn(wouldViolate(warn, warned));
  }

  async function validatePod(attributes: AdmissionAttributes): Promise<void> {
    const { operation, subresource = '', object, oldObject } = attributes;
    if (!judgedSubresources.has(subresource)) return;
    // The resource is pods: the registry has decoded both as such.
    const pod = object as Pod;
    if (operation === 'UPDATE' && !isSignificantChange(pod, oldObject as Pod)) return;
    await judge(attributes, subjectOf(pod), true);
  }

  async function validateTemplate(attributes: AdmissionAttributes, object: KubernetesObject): Promise<void> {
    if (attributes.subresource) return;
    const template = podTemplateIn(attributes.group, attributes.resource, object);
    if (template?.spec) await judge(attributes, subjectOf({ metadata: template.metadata, spec: template.spec }), false);
  }

  return {
    name: 'PodSecurity',
    resources: [Namespace, Pod, ...templateKinds],
    async validate(attributes) {
      const { operation, group, resource, subresource, object } = attributes;
      if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object) return;
      if (group !== '') await validateTemplate(attributes, object);
      else if (resource === 'pods') await validatePod(attributes);
      else if (resource !== 'namespaces') await validateTemplate(attributes, object);
      else if (!subresource) {
        for (const each of await namespaceWarnings(attributes, object, settings, { reader, clock })) {
          attributes.warn(each);
        }
      }
    },
  };
}

const wouldViolate = (level: LevelAndVersion, violations: string) =>
  `would violate PodSecurity ${JSON.stringify(policyText(level))}: ${violations}`;

function subjectOf({
  metadata,
  spec,
}: {
  readonly metadata?: Pick<Partial<ObjectMeta>, 'annotations'>;
  readonly spec: PodSpec;
}): Subject {
  return { annotations: metadata?.annotations ?? {}, spec };
}

/** Throws for labels that cannot be read; warns of what a stricter level finds in pods that are there. */
async function namespaceWarnings(
  { operation, name, oldObject }: AdmissionAttributes,
  next: KubernetesObject,
  settings: PodSecuritySettings,
  { reader, clock }: Pick<AdmissionEnvironment, 'reader' | 'clock'>,
): Promise<readonly string[]> {
  const { labels } = next.metadata;
  const { policy, problems } = policyOf(labels, settings.defaults);
  const namespace = next.metadata.name ?? name;
  const ignored = () => exemptWarnings(namespace, labels, policy, settings);
  if (operation === 'CREATE') {
    if (problems.length > 0) throw invalidLabels(namespace, problems);
    return ignored();
  }
  const old = policyOf(oldObject?.metadata.labels, settings.defaults);
  // What cannot be read but was there before does not stop other changes.
  if (problems.length > 0 && old.problems.length === 0) throw invalidLabels(namespace, problems);
  const [to, from] = [policy.enforce, old.policy.enforce];
  const same = to.level === from.level && to.version === from.version;
  if (same || to.level === 'privileged') return [];
  if (to.version === from.version && isStricter(from.level, to.level)) return [];
  if (settings.exempt.namespaces.has(namespace)) return ignored();
  return existingPodWarnings(namespace, to, await reader.list(Pod, namespace), settings, clock);
}

function exemptWarnings(
  namespace: string,
  labels: KubernetesObject['metadata']['labels'],
  policy: ParsedPolicy['policy'],
  { exempt }: PodSecuritySettings,
): readonly string[] {
  const text = exempt.namespaces.has(namespace) ? labelledPolicyText(labels, policy) : '';
  if (text === '') return [];
  return [
    `namespace ${JSON.stringify(namespace)} is exempt from Pod Security, and the policy (${text}) will be ignored`,
  ];
}

function invalidLabels(namespace: string, problems: ParsedPolicy['problems']): StatusError {
  const errors = new FieldErrors();
  for (const { label, value, why } of problems) errors.invalid(`metadata.labels[${label}]`, value, why);
  return StatusError.invalid({ group: '', resource: 'Namespace' }, namespace, errors.list);
}
