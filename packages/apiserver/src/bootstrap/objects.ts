import type { ClusterRole, ClusterRoleBinding, KubernetesObject, PluginGrant, PolicyRule } from '@keelson/core';
import { z } from 'zod';
import { bootstrapJson } from '../schema/generated/bootstrap.ts';

/** An object that has to be there after the start, and where it goes. */
export interface BootstrapObject {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly object: KubernetesObject & Readonly<Record<string, unknown>>;
  /** What happens to one that is there already: nothing, or what is missing is added (RBAC), or it is made equal. */
  readonly existing: 'keep' | 'extend' | 'replace';
}

const Listed = z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) }));
const Bootstrap = z.object({
  clusterroles: Listed,
  clusterrolebindings: Listed,
  roles: Listed,
  rolebindings: Listed,
  priorityclasses: Listed,
});

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const kinds = {
  clusterroles: { ...rbac, kind: 'ClusterRole', existing: 'extend' },
  clusterrolebindings: { ...rbac, kind: 'ClusterRoleBinding', existing: 'extend' },
  roles: { ...rbac, kind: 'Role', existing: 'extend' },
  rolebindings: { ...rbac, kind: 'RoleBinding', existing: 'extend' },
  priorityclasses: { group: 'scheduling.k8s.io', version: 'v1', kind: 'PriorityClass', existing: 'keep' },
} as const;

export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

export function namespaceObjects(): BootstrapObject[] {
  return systemNamespaces.map((name) => ({
    group: '',
    version: 'v1',
    resource: 'namespaces',
    kind: 'Namespace',
    existing: 'keep',
    object: { metadata: { name } },
  }));
}

/** The roles, bindings and priority classes that every cluster of this version has. */
export function defaultObjects(): BootstrapObject[] {
  const lists = Bootstrap.parse(JSON.parse(bootstrapJson));
  return (['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings', 'priorityclasses'] as const).flatMap(
    (resource) =>
      lists[resource].map((object) => {
        const { group, version, kind, existing } = kinds[resource];
        return { group, version, resource, kind, existing, object: withoutNull(object) };
      }),
  );
}

function withoutNull<T extends object>(object: T): T {
  const kept = { ...object };
  for (const key in kept) if (kept[key] === null) delete kept[key];
  return kept;
}

const label = { 'app.kubernetes.io/managed-by': 'keelson' };
const roleRef = (name: string) => ({ apiGroup: rbac.group, kind: 'ClusterRole', name });

/** What the plugins of the host may do: a ClusterRole and its binding each. */
export function grantObjects(grants: readonly PluginGrant[]): BootstrapObject[] {
  return grants.flatMap(({ plugin, user, rules }) => {
    const name = `system:keelson:plugin:${plugin}`;
    const metadata = { name, labels: label };
    const bound = rules === 'cluster-admin' ? 'cluster-admin' : name;
    const subjects = [{ apiGroup: rbac.group, kind: 'User', name: user }];
    const binding: ClusterRoleBinding & Record<string, unknown> = { metadata, roleRef: roleRef(bound), subjects };
    const role: (ClusterRole & Record<string, unknown>)[] = rules === 'cluster-admin' ? [] : [{ metadata, rules }];
    return [
      ...role.map((object) => ({
        ...rbac,
        resource: 'clusterroles',
        kind: 'ClusterRole',
        existing: 'replace' as const,
        object,
      })),
      {
        ...rbac,
        resource: 'clusterrolebindings',
        kind: 'ClusterRoleBinding',
        existing: 'replace' as const,
        object: binding,
      },
    ];
  });
}

/** What extension servers must know of the front proxy that passes requests on to them. */
export interface FrontProxyFacts {
  /** PEM. */
  readonly ca: string;
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

export interface ServerAddress {
  /** Where pods and Services reach the API server. */
  readonly host: string;
  readonly port: number;
  readonly serviceIp: string;
  /** PEM of the authority of client certificates. */
  readonly clientCa: string;
  readonly frontProxy?: FrontProxyFacts;
}

/** The Service `kubernetes` with its endpoints, and what else tells of the server itself. */
export function serverObjects({ host, port, serviceIp, clientCa, frontProxy }: ServerAddress): BootstrapObject[] {
  const ipv6 = host.includes(':');
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  const core = { group: '', version: 'v1' };
  const objects: BootstrapObject[] = [
    {
      ...core,
      resource: 'services',
      kind: 'Service',
      existing: 'keep',
      object: {
        metadata: { ...metadata, labels },
        spec: {
          type: 'ClusterIP',
          clusterIP: serviceIp,
          clusterIPs: [serviceIp],
          sessionAffinity: 'None',
          ipFamilyPolicy: 'SingleStack',
          ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
        },
      },
    },
    {
      ...core,
      resource: 'endpoints',
      kind: 'Endpoints',
      existing: 'replace',
      object: {
        metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
        subsets: [{ addresses: [{ ip: host }], ports }],
      },
    },
    {
      group: 'discovery.k8s.io',
      version: 'v1',
      resource: 'endpointslices',
      kind: 'EndpointSlice',
      existing: 'replace',
      object: {
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
        addressType: ipv6 ? 'IPv6' : 'IPv4',
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports,
      },
    },
    {
      ...core,
      resource: 'configmaps',
      kind: 'ConfigMap',
      existing: 'replace',
      object: {
        metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
        data: { 'client-ca-file': clientCa, ...(frontProxy && frontProxyData(frontProxy)) },
      },
    },
  ];
  // No endpoint may be a loopback address: what listens there alone is no endpoint for anybody else.
  return isLoopback(host) ? objects.filter(({ resource }) => !resource.startsWith('endpoint')) : objects;
}

/** As kube-apiserver writes its own flags down, for extension servers. */
const frontProxyData = (facts: FrontProxyFacts) => ({
  'requestheader-client-ca-file': facts.ca,
  'requestheader-allowed-names': JSON.stringify(facts.allowedNames),
  'requestheader-username-headers': JSON.stringify(facts.usernameHeaders),
  'requestheader-uid-headers': JSON.stringify(facts.uidHeaders),
  'requestheader-group-headers': JSON.stringify(facts.groupHeaders),
  'requestheader-extra-headers-prefix': JSON.stringify(facts.extraHeaderPrefixes),
});

const isLoopback = (host: string) => /^127\./.test(host) || host === '::1';

/** Rules that RBAC objects made by this server need to hold at least. */
export const rulesOf = (object: Readonly<Record<string, unknown>>): readonly PolicyRule[] =>
  Rules.safeParse(object['rules']).data ?? [];

const strings = z.array(z.string());
const Rules: z.ZodType<readonly PolicyRule[]> = z.array(
  z.object({
    verbs: strings,
    apiGroups: strings.optional(),
    resources: strings.optional(),
    resourceNames: strings.optional(),
    nonResourceURLs: strings.optional(),
  }),
);
