import type { PolicyRule } from '@keelson/core';
import type { AuthorizationDecision, AuthorizationRequest } from '../registry/contract.ts';

const read = ['get', 'list', 'watch'];

/**
 * What a kubelet may do: read what pods need, and write its own Node, lease and CSINode, and the status, events and
 * tokens of pods. Simpler than Kubernetes' node authorizer: reading is not narrowed to the objects that pods on that
 * node refer to.
 */
const nodeRules: readonly PolicyRule[] = [
  {
    apiGroups: [''],
    resources: [
      'services',
      'endpoints',
      'pods',
      'nodes',
      'secrets',
      'configmaps',
      'persistentvolumes',
      'persistentvolumeclaims',
      'namespaces',
      'serviceaccounts',
    ],
    verbs: read,
  },
  { apiGroups: [''], resources: ['pods'], verbs: ['create', 'delete'] },
  { apiGroups: [''], resources: ['pods/status'], verbs: ['update', 'patch'] },
  { apiGroups: [''], resources: ['pods/eviction', 'serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims/status'], verbs: ['get', 'update', 'patch'] },
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'update', 'patch'] },
  {
    apiGroups: ['storage.k8s.io'],
    resources: ['volumeattachments', 'csidrivers', 'storageclasses'],
    verbs: read,
  },
  { apiGroups: ['storage.k8s.io'], resources: ['csinodes'], verbs: ['get', 'create', 'update', 'patch', 'delete'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch', 'delete'] },
  { apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'], verbs: read },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: read },
  { apiGroups: ['resource.k8s.io'], resources: ['resourceclaims'], verbs: read },
  {
    apiGroups: ['resource.k8s.io'],
    resources: ['resourceslices'],
    verbs: [...read, 'create', 'update', 'patch', 'delete', 'deletecollection'],
  },
  {
    apiGroups: ['certificates.k8s.io'],
    resources: ['certificatesigningrequests'],
    verbs: ['create', ...read],
  },
  {
    apiGroups: ['authentication.k8s.io'],
    resources: ['tokenreviews'],
    verbs: ['create'],
  },
  {
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews', 'localsubjectaccessreviews'],
    verbs: ['create'],
  },
  { apiGroups: [''], resources: ['nodes'], verbs: ['create', 'update', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['nodes/status'], verbs: ['update', 'patch'] },
];

const prefix = 'system:node:';

/** Which node a user is, if one. */
export function nodeOf(user: AuthorizationRequest['user']): string | undefined {
  return user.name.startsWith(prefix) && user.groups.includes('system:nodes')
    ? user.name.slice(prefix.length)
    : undefined;
}

/** Decides for kubelets; `undefined`: not a kubelet, or not its business. */
export function authorizeNode(
  request: AuthorizationRequest,
  allows: (rule: PolicyRule, request: AuthorizationRequest) => boolean,
): AuthorizationDecision | undefined {
  const node = nodeOf(request.user);
  if (node === undefined || request.resource === undefined) return undefined;
  if (!nodeRules.some((rule) => allows(rule, request))) return undefined;
  const writes = !read.includes(request.verb) && request.verb !== 'create';
  const own = ownedByName(request);
  if (own && writes && request.name !== node) {
    return { allowed: false, reason: `node ${JSON.stringify(node)} can only write its own ${request.resource}` };
  }
  return { allowed: true, reason: '' };
}

/** Objects that carry the name of the node that they belong to. */
function ownedByName({ group, resource, namespace }: AuthorizationRequest): boolean {
  if (resource === 'nodes' && (group ?? '') === '') return true;
  if (resource === 'csinodes') return true;
  return resource === 'leases' && namespace === 'kube-node-lease';
}
