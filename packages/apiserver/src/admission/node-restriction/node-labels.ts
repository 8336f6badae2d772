type Labels = Readonly<Record<string, string>>;

/** Those of Kubernetes' own that a kubelet knows of its node (KEP-279). */
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

/** Which of the labels that are set, changed or taken away a kubelet may not touch, in their order. */
export function forbiddenLabels(next: Labels | undefined, old: Labels | undefined): readonly string[] {
  const touched = new Set([...Object.keys(next ?? {}), ...Object.keys(old ?? {})]);
  return [...touched].filter((key) => next?.[key] !== old?.[key] && isForbidden(key)).sort();
}

function isForbidden(label: string): boolean {
  const prefix = label.includes('/') ? label.slice(0, label.indexOf('/')) : '';
  if (isWithin(prefix, restrictedPrefix)) return true;
  const reserved = reservedPrefixes.some((each) => isWithin(prefix, each));
  return reserved && !ofKubelets.has(label) && !kubeletPrefixes.some((each) => isWithin(prefix, each));
}

const isWithin = (prefix: string, domain: string) => prefix === domain || prefix.endsWith(`.${domain}`);
