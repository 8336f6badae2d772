import type { Container, Pod, ServiceAccount } from '@keelson/core';
import { podReferences } from '../authorization/node/pod-references.ts';

/** Older clusters held pods to the Secrets that their account names; the annotation still asks for that. */
export const limitsSecrets = ({ metadata }: ServiceAccount): boolean =>
  metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] === 'true';

/** What a mirror pod may not have, which nobody but its kubelet has seen before: why it is refused. */
export function mirrorPodProblem(pod: Pod): string | undefined {
  const { spec } = pod;
  if (spec.serviceAccountName) return 'a mirror pod may not reference service accounts';
  if (podReferences(pod).some(([kind]) => kind === 'secrets')) return 'a mirror pod may not reference secrets';
  const projected = spec.volumes?.flatMap((volume) => volume.projected?.sources ?? []) ?? [];
  if (!projected.some(({ serviceAccountToken }) => serviceAccountToken)) return undefined;
  return 'a mirror pod may not use ServiceAccountToken volume projections';
}

/** Why a pod may not use a Secret that its account does not name. */
export function secretProblem({ spec }: Pod, account: ServiceAccount): string | undefined {
  const names = mountable(account);
  for (const { secret } of spec.volumes ?? []) {
    if (!secret || names.has(secret.secretName ?? '')) continue;
    return `volume with ${notReferenced(secret.secretName, account)}`;
  }
  for (const each of spec.initContainers ?? []) {
    const problem = containerProblem(`init container ${each.name}`, each, names, account);
    if (problem !== undefined) return problem;
  }
  for (const each of spec.containers ?? []) {
    const problem = containerProblem(`container ${each.name}`, each, names, account);
    if (problem !== undefined) return problem;
  }
  const pull = new Set(account.imagePullSecrets?.map(({ name }) => name));
  for (const [at, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (pull.has(name)) continue;
    const whose = `because service account ${account.metadata.name} does not reference that imagePullSecret`;
    return `imagePullSecrets[${at}].name=${JSON.stringify(name)} is not allowed ${whose}`;
  }
  return undefined;
}

/** As `secretProblem`, for what is put into a running pod. */
export function ephemeralSecretProblem({ spec }: Pod, account: ServiceAccount): string | undefined {
  const names = mountable(account);
  for (const each of spec.ephemeralContainers ?? []) {
    const problem = containerProblem(`ephemeral container ${each.name}`, each, names, account);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const mountable = ({ secrets }: ServiceAccount) => new Set(secrets?.map(({ name }) => name));

function containerProblem(
  what: string,
  { env = [], envFrom = [] }: Pick<Container, 'env' | 'envFrom'>,
  names: ReadonlySet<string | undefined>,
  account: ServiceAccount,
): string | undefined {
  for (const { name, valueFrom } of env) {
    const secret = valueFrom?.secretKeyRef;
    if (!secret || names.has(secret.name)) continue;
    return `${what} with envVar ${name} referencing ${notReferenced(secret.name, account)}`;
  }
  for (const { secretRef } of envFrom) {
    if (!secretRef || names.has(secretRef.name)) continue;
    return `${what} with envFrom referencing ${notReferenced(secretRef.name, account)}`;
  }
  return undefined;
}

function notReferenced(secret: string | undefined, { metadata }: ServiceAccount): string {
  const whose = `service account ${metadata.name} does not reference that secret`;
  return `secret.secretName=${JSON.stringify(secret ?? '')} is not allowed because ${whose}`;
}
