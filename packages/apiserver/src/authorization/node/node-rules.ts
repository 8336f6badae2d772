const read = ['get', 'list', 'watch'];

/**
 * What every kubelet may do whatever pods it has: verbs by `group/resource` (the ClusterRole `system:node`, less what
 * `NodeAuthorizer` decides by relationship). Of which objects is for the admission plugin NodeRestriction to say.
 */
export const nodeRules: ReadonlyMap<string, readonly string[]> = new Map([
  ['/services', read],
  ['/endpoints', ['get']],
  ['/nodes', ['create', 'update', 'patch']],
  ['/nodes/status', ['update', 'patch']],
  ['/pods', ['create', 'delete']],
  ['/pods/status', ['update', 'patch']],
  ['/pods/eviction', ['create']],
  ['/events', ['create', 'update', 'patch']],
  ['events.k8s.io/events', ['create', 'update', 'patch']],
  ['certificates.k8s.io/certificatesigningrequests', ['create', ...read]],
  ['authentication.k8s.io/tokenreviews', ['create']],
  ['authorization.k8s.io/subjectaccessreviews', ['create']],
  ['authorization.k8s.io/localsubjectaccessreviews', ['create']],
  ['node.k8s.io/runtimeclasses', read],
  ['storage.k8s.io/csidrivers', read],
]);
