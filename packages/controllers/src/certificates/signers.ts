import type { RequestedIdentity } from './certificate-authority.ts';

/** Signers that the cluster itself serves: kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers. */
export const signers = {
  client: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacy: 'kubernetes.io/legacy-unknown',
} as const;

const checks: Readonly<Record<string, (who: RequestedIdentity, usages: readonly string[]) => string | undefined>> = {
  [signers.client]: (_, usages) => clientUsageProblem(usages),
  [signers.kubeletClient]: kubeletClientProblem,
  [signers.kubeletServing]: kubeletServingProblem,
  [signers.legacy]: () => undefined,
};

const clientUsages = ['client auth', 'digital signature', 'key encipherment'];

function clientUsageProblem(usages: readonly string[]): string | undefined {
  const wrong = usages.find((each) => !clientUsages.includes(each));
  if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

export function isOwnSigner(name: string): boolean {
  return checks[name] !== undefined;
}

/** Why a signer may not sign this; undefined if it may. */
export function signingProblem(signer: string, who: RequestedIdentity, usages: readonly string[]): string | undefined {
  return checks[signer]?.(who, usages);
}

const organizationProblem = ({ organizations }: RequestedIdentity) =>
  organizations.length === 1 && organizations[0] === 'system:nodes'
    ? undefined
    : 'subject organization is not system:nodes';

const nameProblem = ({ commonName }: RequestedIdentity) =>
  commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';

const forbiddenName = (names: readonly string[], what: string) =>
  names.length > 0 ? `${what} subjectAltNames are not allowed` : undefined;

/** Enciphering keys is for RSA keys, and may be left out. */
function usageProblem(usages: readonly string[], purpose: string): string | undefined {
  const needed = [purpose, 'digital signature'].sort();
  const given = [...new Set(usages)].filter((each) => each !== 'key encipherment').sort();
  if (given.join() === needed.join()) return undefined;
  return `usages did not match [${[...needed, 'key encipherment'].sort().join(' ')}]`;
}

/** Why this is not what a kubelet asks for to be a client; undefined if it is. In Kubernetes' words and order. */
export function kubeletClientProblem(who: RequestedIdentity, usages: readonly string[]): string | undefined {
  return (
    organizationProblem(who) ??
    forbiddenName(who.dnsNames, 'DNS') ??
    forbiddenName(who.emails, 'Email') ??
    forbiddenName(who.ipAddresses, 'IP') ??
    forbiddenName(who.uris, 'URI') ??
    nameProblem(who) ??
    usageProblem(usages, 'client auth')
  );
}

function kubeletServingProblem(who: RequestedIdentity, usages: readonly string[]): string | undefined {
  const named = who.dnsNames.length > 0 || who.ipAddresses.length > 0;
  return (
    organizationProblem(who) ??
    (named ? undefined : 'DNS or IP subjectAltName is required') ??
    forbiddenName(who.emails, 'Email') ??
    forbiddenName(who.uris, 'URI') ??
    usageProblem(usages, 'server auth') ??
    nameProblem(who)
  );
}
