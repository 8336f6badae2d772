import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '@keelson/core';

export type Condition = CustomResourceDefinitionCondition;

/** A condition without the time of its last transition, which depends on what was there before. */
export type Finding = Omit<Condition, 'lastTransitionTime'>;

export const finding = (type: string, status: 'True' | 'False', reason: string, message: string): Finding => ({
  type,
  status,
  reason,
  message,
});

/** The conditions with these in their places, new ones at the end; a time is kept where the status stays. */
export function withConditions(
  conditions: readonly Condition[] | undefined,
  findings: readonly Finding[],
  now: string,
): Condition[] {
  const result = [...(conditions ?? [])];
  for (const found of findings) {
    const at = result.findIndex(({ type }) => type === found.type);
    const old = result[at];
    const since = old?.status === found.status ? old.lastTransitionTime : undefined;
    const { type, status, ...why } = found;
    const next: Condition = { type, status, lastTransitionTime: since ?? now, ...why };
    if (old) result[at] = next;
    else result.push(next);
  }
  return result;
}

export function conditionOf({ status }: CustomResourceDefinition, type: string): Condition | undefined {
  return status?.conditions?.find((each) => each.type === type);
}

export function isTrue(definition: CustomResourceDefinition, type: string): boolean {
  return conditionOf(definition, type)?.status === 'True';
}

const group = /(^|\.)(k8s|kubernetes)\.io$/;

/** Groups that only the Kubernetes project may use without saying so. */
export const isProtectedGroup = (name: string): boolean => group.test(name);

export const approvalAnnotation = 'api-approved.kubernetes.io';

/** Whether `text` says where an API of a protected group was approved, that it was not, or neither. */
export function approvalOf(text: string | undefined): 'missing' | 'invalid' | 'unapproved' | 'approved' {
  if (!text) return 'missing';
  if (text.startsWith('unapproved')) return 'unapproved';
  return isAddress(text) ? 'approved' : 'invalid';
}

function isAddress(text: string): boolean {
  try {
    const { host, protocol } = new URL(text);
    return host !== '' && protocol !== '';
  } catch {
    return false;
  }
}

/** What is to be said of the approval of a definition in a protected group; undefined of any other. */
export function approvalFinding({ metadata, spec }: CustomResourceDefinition): Finding | undefined {
  if (!isProtectedGroup(spec.group)) return undefined;
  const text = metadata.annotations?.[approvalAnnotation];
  const say = (status: 'True' | 'False', reason: string, message: string) =>
    finding('KubernetesAPIApprovalPolicyConformant', status, reason, message);
  const required = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const where = 'see https://github.com/kubernetes/enhancements/pull/1111';
  switch (approvalOf(text)) {
    case 'missing':
      return say('False', 'MissingAnnotation', `${required}, ${where}`);
    case 'invalid':
      return say(
        'False',
        'InvalidAnnotation',
        `${required} with either a URL or a reason starting with "unapproved", ${where}`,
      );
    case 'unapproved':
      return say('False', 'UnapprovedAnnotation', `not approved: ${JSON.stringify(text)}`);
    case 'approved':
      return say('True', 'ApprovedAnnotation', `approved in ${text}`);
  }
}
