/** Labels of Kubernetes' own that a kubelet knows of its node (KEP-279). */
const ofKubelets: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);

const kubeletPrefixes = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const reservedPrefixes = ['kubernetes.io', 'k8s.io'];
const restrictedPrefix = 'node-restriction.kubernetes.io';

/** Whether a kubelet may set a label on its own Node (kubernetes.io/docs/reference/access-authn-authz/admission-controllers, NodeRestriction). */
export function mayKubeletSetLabel(key: string): boolean {
  const prefix = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (isWithin(prefix, restrictedPrefix)) return false;
  const reserved = reservedPrefixes.some((each) => isWithin(prefix, each));
  return !reserved || ofKubelets.has(key) || kubeletPrefixes.some((each) => isWithin(prefix, each));
}

const isWithin = (prefix: string, domain: string) => prefix === domain || prefix.endsWith(`.${domain}`);
