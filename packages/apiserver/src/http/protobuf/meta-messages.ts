/**
 * Messages that travel but are no objects: their numbers are those of the `generated.proto` that Kubernetes publishes
 * for `meta/v1`, `runtime` and `apidiscovery`. In the form of the generated table: number, type, 1 for a pointer.
 */
export const metaMessages: Readonly<
  Record<string, Readonly<Record<string, readonly [number, string] | readonly [number, string, 1]>>>
> = {
  'k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta': {
    selfLink: [1, 'string'],
    resourceVersion: [2, 'string'],
    continue: [3, 'string'],
    remainingItemCount: [4, 'int64', 1],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.Status': {
    metadata: [1, 'k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta'],
    status: [2, 'string'],
    message: [3, 'string'],
    reason: [4, 'string'],
    details: [5, 'k8s.io.apimachinery.pkg.apis.meta.v1.StatusDetails', 1],
    code: [6, 'int32'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.StatusDetails': {
    name: [1, 'string'],
    group: [2, 'string'],
    kind: [3, 'string'],
    causes: [4, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.StatusCause'],
    retryAfterSeconds: [5, 'int32'],
    uid: [6, 'string'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.StatusCause': {
    reason: [1, 'string'],
    message: [2, 'string'],
    field: [3, 'string'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata': {
    metadata: [1, 'k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList': {
    metadata: [1, 'k8s.io.apimachinery.pkg.apis.meta.v1.ListMeta'],
    items: [2, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.APIVersions': {
    versions: [1, 'repeated string'],
    serverAddressByClientCIDRs: [2, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR': {
    clientCIDR: [1, 'string'],
    serverAddress: [2, 'string'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.APIGroup': {
    name: [1, 'string'],
    versions: [2, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery'],
    preferredVersion: [3, 'k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery'],
    serverAddressByClientCIDRs: [4, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.ServerAddressByClientCIDR'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.APIGroupList': {
    groups: [1, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.APIGroup'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionForDiscovery': {
    groupVersion: [1, 'string'],
    version: [2, 'string'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.APIResource': {
    name: [1, 'string'],
    namespaced: [2, 'bool'],
    kind: [3, 'string'],
    verbs: [4, 'k8s.io.apimachinery.pkg.apis.meta.v1.Verbs', 1],
    shortNames: [5, 'repeated string'],
    singularName: [6, 'string'],
    categories: [7, 'repeated string'],
    group: [8, 'string'],
    version: [9, 'string'],
    storageVersionHash: [10, 'string'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.Verbs': { items: [1, 'repeated string'] },
  'k8s.io.apimachinery.pkg.apis.meta.v1.APIResourceList': {
    groupVersion: [1, 'string'],
    resources: [2, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.APIResource'],
  },
  'k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionKind': {
    group: [1, 'string'],
    version: [2, 'string'],
    kind: [3, 'string'],
  },
  'k8s.io.api.apidiscovery.v2.APIGroupDiscovery': {
    metadata: [1, 'k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta'],
    versions: [2, 'repeated k8s.io.api.apidiscovery.v2.APIVersionDiscovery'],
  },
  'k8s.io.api.apidiscovery.v2.APIVersionDiscovery': {
    version: [1, 'string'],
    resources: [2, 'repeated k8s.io.api.apidiscovery.v2.APIResourceDiscovery'],
    freshness: [3, 'string'],
  },
  'k8s.io.api.apidiscovery.v2.APIResourceDiscovery': {
    resource: [1, 'string'],
    responseKind: [2, 'k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionKind', 1],
    scope: [3, 'string'],
    singularResource: [4, 'string'],
    verbs: [5, 'repeated string'],
    shortNames: [6, 'repeated string'],
    categories: [7, 'repeated string'],
    subresources: [8, 'repeated k8s.io.api.apidiscovery.v2.APISubresourceDiscovery'],
  },
  'k8s.io.api.apidiscovery.v2.APISubresourceDiscovery': {
    subresource: [1, 'string'],
    responseKind: [2, 'k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionKind', 1],
    acceptedTypes: [3, 'repeated k8s.io.apimachinery.pkg.apis.meta.v1.GroupVersionKind'],
    verbs: [4, 'repeated string'],
  },
};
