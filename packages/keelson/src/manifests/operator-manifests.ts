import type { KubernetesObject, Operator, PolicyRule } from '@keelson/core';

export interface ManifestOptions {
  /** Of everything that is not cluster-scoped. Default `<name>-system`. */
  readonly namespace?: string;
  /** Default `<name>:latest`. */
  readonly image?: string;
  /** Default 2: one leads, one is warm. */
  readonly replicas?: number;
}

/** The objects that run an operator in a cluster, by what they are for; each group in the order in which it is applied. */
export interface OperatorManifests {
  readonly namespace: KubernetesObject;
  readonly crds: readonly KubernetesObject[];
  readonly rbac: readonly KubernetesObject[];
  readonly workload: readonly KubernetesObject[];
}

/** Probes and metrics are served here. */
export const healthPort = 8081;

/**
 * What it takes to run operators of one file in a cluster, each field with a value that is safe: no more rights than the
 * definitions need, no root, no writable disk, no network but the API server and DNS.
 * @param operators at least one; the first one gives the name
 */
export function operatorManifests(
  operators: readonly Operator[],
  { namespace: place, image, replicas = 2 }: ManifestOptions = {},
): OperatorManifests {
  const name = operators[0]?.name ?? 'operator';
  const namespace = place ?? `${name}-system`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'keelson' };
  const cluster = (kind: string, apiVersion: string, more: object) => ({
    apiVersion,
    kind,
    metadata: { name, labels },
    ...more,
  });
  const inNamespace = (kind: string, apiVersion: string, more: object) => ({
    apiVersion,
    kind,
    metadata: { name, namespace, labels },
    ...more,
  });
  const rbac = 'rbac.authorization.k8s.io';
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  const bound = (kind: string) => ({ roleRef: { apiGroup: rbac, kind, name }, subjects });
  return {
    namespace: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    crds: operators.flatMap((each) => each.crds),
    rbac: [
      inNamespace('ServiceAccount', 'v1', {}),
      cluster('ClusterRole', `${rbac}/v1`, { rules: rulesOf(operators) }),
      cluster('ClusterRoleBinding', `${rbac}/v1`, bound('ClusterRole')),
      inNamespace('Role', `${rbac}/v1`, { rules: leaseRules(name) }),
      inNamespace('RoleBinding', `${rbac}/v1`, bound('Role')),
    ],
    workload: [
      inNamespace('Deployment', 'apps/v1', { spec: deploymentSpec(name, image ?? `${name}:latest`, replicas) }),
      inNamespace('NetworkPolicy', 'networking.k8s.io/v1', { spec: networkPolicySpec(name) }),
    ],
  };
}

export function allManifests({ namespace, crds, rbac, workload }: OperatorManifests): readonly KubernetesObject[] {
  return [namespace, ...crds, ...rbac, ...workload];
}

function rulesOf(operators: readonly Operator[]): readonly PolicyRule[] {
  const seen = new Set<string>();
  return operators
    .flatMap((each) => each.rules ?? [])
    .filter((each) => {
      const text = JSON.stringify(each);
      const fresh = !seen.has(text);
      seen.add(text);
      return fresh;
    });
}

/** Leader election: the one lease of its name. What is created has no name yet that a rule could hold. */
function leaseRules(name: string): readonly PolicyRule[] {
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    { ...leases, verbs: ['create'] },
    { ...leases, resourceNames: [name], verbs: ['get', 'update'] },
  ];
}

const selector = (name: string) => ({ 'app.kubernetes.io/name': name });

function deploymentSpec(name: string, image: string, replicas: number): object {
  const container = {
    name: 'operator',
    image,
    args: ['--leader-elect'],
    resources: { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
  return {
    replicas,
    selector: { matchLabels: selector(name) },
    template: {
      metadata: { labels: selector(name) },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 15,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [container],
      },
    },
  };
}

function networkPolicySpec(name: string): object {
  const anyNamespace = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } };
  const port = (number: number, protocol = 'TCP') => ({ port: number, protocol });
  return {
    podSelector: { matchLabels: selector(name) },
    policyTypes: ['Ingress', 'Egress'],
    egress: [
      // The API server is no pod in most clusters: only its ports can be named.
      { ports: [port(443), port(6443)] },
      { to: [anyNamespace], ports: [port(53), port(53, 'UDP')] },
    ],
  };
}
