import type { RequestedIdentity } from './certificate-authority.ts';

/** Signers that the cluster itself serves: kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers. */
export const signers = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const;

const checks: Readonly<Record<string, (who: RequestedIdentity, usages: readonly string[]) => string | undefined>> = {
  [signers.client]: (_, usages) =>
    usages.includes('client auth') && usages.every((each) => clientUsages.includes(each))
      ? undefined
      : `usages did not match [${clientUsages.join(' ')}]`,
  [signers.kubeletClient]: kubeletClientProblem,
  [signers.kubeletServing]: kubeletServingProblem,
  [signers.legacy]: () => undefined,
};

const clientUsages = ['client auth', 'digital signature', 'key encipherment'];

export function isOwnSigner(name: string): boolean {
  return checks[name] !== undefined;
}

/** Why a signer may not sign this; undefined if it may. */
export function signingProblem(signer: string, who: RequestedIdentity, usages: readonly string[]): string | undefined {
  return checks[signer]?.(who, usages);
}

function nodeProblem({ organizations, commonName }: RequestedIdentity): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    return 'subject organization is not system:nodes';
  return commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';
}

function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const needed = [purpose, 'digital signature'].sort();
  const given = [...new Set(usages)].filter((each) => each !== 'key encipherment').sort();
  return given.join() === needed.join() ? undefined : `usages did not match [${needed.join(' ')}]`;
}

/** Why this is not what a kubelet asks for to be a client; undefined if it is. */
export function kubeletClientProblem(who: RequestedIdentity, usages: readonly string[]): string | undefined {
  if (who.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
  if (who.emails.length > 0) return 'email subjectAltNames are not allowed';
  if (who.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
  if (who.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return nodeProblem(who) ?? usageProblem(usages, 'client auth');
}

function kubeletServingProblem(who: RequestedIdentity, usages: readonly string[]): string | undefined {
  if (who.dnsNames.length === 0 && who.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
  if (who.emails.length > 0) return 'email subjectAltNames are not allowed';
  if (who.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return nodeProblem(who) ?? usageProblem(usages, 'server auth');
}
