import type { KubernetesObject, Operator, PolicyRule } from '@keelson/core';
import { type CertificateAuthority, type WebhookParts, webhookParts } from './webhook-manifests.ts';

export interface ManifestOptions {
  /** Of everything that is not cluster-scoped. Default `<name>-system`. */
  readonly namespace?: string;
  /** Default `<name>:latest`. */
  readonly image?: string;
  /** Default 2: one leads, one is warm; with `shards` both work. */
  readonly replicas?: number;
  /** Into so many parts the replicas divide the work among each other. Default: one of them leads and does all. */
  readonly shards?: number;
  /** Who makes the certificate of webhooks. Default `operator`. */
  readonly ca?: CertificateAuthority;
}

/** The objects that run an operator in a cluster, by what they are for; each group in the order in which it is applied. */
export interface OperatorManifests {
  readonly namespace: KubernetesObject;
  readonly crds: readonly KubernetesObject[];
  readonly rbac: readonly KubernetesObject[];
  readonly workload: readonly KubernetesObject[];
  /** Which requests the operators are asked about, and what is needed for it; empty where they have no webhooks. */
  readonly webhooks: readonly KubernetesObject[];
}

/** How long a Service may lead to a pod that is to end. */
const lingerSeconds = 5;
/** Served for probes. */
const healthPort = 8081;
/** Served for Prometheus, without TLS: the network policy says for whom. */
const metricsPort = 8080;

/**
 * What it takes to run operators of one file in a cluster, each field with a value that is safe: no more rights than the
 * definitions need, no root, no writable disk, no network but the API
 * server and DNS, and into it only for webhooks, and for metrics from namespaces that are labelled `metrics: enabled`.
 * @param operators at least one; the first one gives the name
 */
export function operatorManifests(
  operators: readonly Operator[],
  { namespace: place, image, replicas = 2, shards, ca = 'operator' }: ManifestOptions = {},
): OperatorManifests {
  const name = operators[0]?.name ?? 'operator';
  const namespace = place ?? `${name}-system`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/managed-by': 'keelson' };
  const webhooks = webhookParts(operators, { name, namespace, labels, ca });
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
    crds: webhooks.crds,
    rbac: [
      inNamespace('ServiceAccount', 'v1', {}),
      cluster('ClusterRole', `${rbac}/v1`, { rules: withoutRepeats(webhooks.rules) }),
      cluster('ClusterRoleBinding', `${rbac}/v1`, bound('ClusterRole')),
      inNamespace('Role', `${rbac}/v1`, { rules: [...leaseRules(name, shards), ...webhooks.ownRules] }),
      inNamespace('RoleBinding', `${rbac}/v1`, bound('Role')),
    ],
    workload: [
      inNamespace('Deployment', 'apps/v1', {
        spec: deploymentSpec(name, image ?? `${name}:latest`, { replicas, shards }, webhooks),
      }),
      inNamespace('NetworkPolicy', 'networking.k8s.io/v1', { spec: networkPolicySpec(name, webhooks) }),
      ...webhooks.services,
    ],
    webhooks: [...webhooks.certificates, ...webhooks.configurations],
  };
}

export function allManifests({
  namespace,
  crds,
  rbac,
  workload,
  webhooks,
}: OperatorManifests): readonly KubernetesObject[] {
  return [namespace, ...crds, ...rbac, ...workload, ...webhooks];
}

function withoutRepeats(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  return [...new Map(rules.map((each) => [JSON.stringify(each), each])).values()];
}

/**
 * Leader election: the one lease of its name. What is created has no name yet that a rule could hold. With shards there
 * is one for each process as well, whose name is not known before.
 */
function leaseRules(name: string, shards: number | undefined): readonly PolicyRule[] {
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  if (shards !== undefined) return [{ ...leases, verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'] }];
  return [
    { ...leases, verbs: ['create'] },
    { ...leases, resourceNames: [name], verbs: ['get', 'update'] },
  ];
}

const selector = (name: string) => ({ 'app.kubernetes.io/name': name });

function deploymentSpec(
  name: string,
  image: string,
  { replicas, shards }: { readonly replicas: number; readonly shards: number | undefined },
  { container: asked, volumes }: WebhookParts,
): object {
  const probe = (path: string) => ({ httpGet: { path, port: 'health' } });
  const container = {
    name: 'operator',
    image,
    args: [
      shards === undefined ? '--leader-elect' : `--shards=${shards}`,
      `--health-probe-bind-address=:${healthPort}`,
      `--metrics-bind-address=:${metricsPort}`,
      ...asked.args,
    ],
    ...(asked.env.length > 0 && { env: asked.env }),
    ports: [
      { name: 'health', containerPort: healthPort },
      { name: 'metrics', containerPort: metricsPort },
      ...asked.ports,
    ],
    readinessProbe: probe('/readyz'),
    livenessProbe: { ...probe('/healthz'), initialDelaySeconds: 15, periodSeconds: 20 },
    resources: { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    ...(asked.volumeMounts.length > 0 && { volumeMounts: asked.volumeMounts }),
    // It is asked until everybody has heard that it goes.
    ...(asked.ports.length > 0 && { lifecycle: { preStop: { sleep: { seconds: lingerSeconds } } } }),
  };
  return {
    replicas,
    selector: { matchLabels: selector(name) },
    template: {
      metadata: { labels: selector(name) },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 15 + (asked.ports.length > 0 ? lingerSeconds : 0),
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [container],
        ...(volumes.length > 0 && { volumes }),
      },
    },
  };
}

function networkPolicySpec(name: string, { ingress }: WebhookParts): object {
  const anyNamespace = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } };
  const port = (number: number, protocol = 'TCP') => ({ port: number, protocol });
  return {
    podSelector: { matchLabels: selector(name) },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      ...ingress,
      { from: [{ namespaceSelector: { matchLabels: { metrics: 'enabled' } } }], ports: [port(metricsPort)] },
    ],
    egress: [
      // The API server is no pod in most clusters: only its ports can be named.
      { ports: [port(443), port(6443)] },
      { to: [anyNamespace], ports: [port(53), port(53, 'UDP')] },
    ],
  };
}
