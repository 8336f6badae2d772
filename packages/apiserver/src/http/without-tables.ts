/** By API group: what Kubernetes gives in no Table, as a real v1.35 server answers (406). */
const withoutTables: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  [
    '',
    new Set([
      'bindings',
      'namespaces/finalize',
      'pods/binding',
      'pods/ephemeralcontainers',
      'pods/eviction',
      'pods/resize',
      'serviceaccounts/token',
    ]),
  ],
  ['apiextensions.k8s.io', new Set(['customresourcedefinitions/status'])],
  ['apiregistration.k8s.io', new Set(['apiservices/status'])],
  ['authentication.k8s.io', new Set(['selfsubjectreviews', 'tokenreviews'])],
  [
    'authorization.k8s.io',
    new Set([
      'localsubjectaccessreviews',
      'selfsubjectaccessreviews',
      'selfsubjectrulesreviews',
      'subjectaccessreviews',
    ]),
  ],
  ['certificates.k8s.io', new Set(['certificatesigningrequests/approval'])],
  ['resource.k8s.io', new Set(['resourceclaims/status'])],
]);

/** Whether objects of a resource, or of a subresource of it, can be given as rows of a Table. */
export function hasTables(group: string, resource: string, subresource?: string): boolean {
  const found = withoutTables.get(group);
  return !found?.has(subresource ? `${resource}/${subresource}` : resource);
}
