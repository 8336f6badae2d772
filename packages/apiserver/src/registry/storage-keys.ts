/** Every key of an API object begins with it. */
export const rootPrefix = '/registry/';

/**
 * Where Kubernetes keeps kinds whose place in etcd is not the name of their resource: what was named so before the
 * name changed, and the two that live beneath one another. Facts of a v1.35 control plane's etcd.
 */
const places: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io/customresourcedefinitions': 'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices': 'apiregistration.k8s.io/apiservices',
  '/endpoints': 'services/endpoints',
  '/nodes': 'minions',
  '/replicationcontrollers': 'controllers',
  '/services': 'services/specs',
  'networking.k8s.io/ingresses': 'ingress',
};

/**
 * Keys of a built-in kind begin with it: `/registry/pods/`, whatever the group and version. A namespaced object's key
 * goes on with namespace and name.
 */
export function prefixFor(group: string, resource: string): string {
  return `${rootPrefix}${places[`${group}/${resource}`] ?? resource}/`;
}

/** Keys of a custom kind begin with its group and plural: `/registry/example.com/websites/`. */
export function customPrefixFor(group: string, resource: string): string {
  return `${rootPrefix}${group}/${resource}/`;
}

/** The part of a key below its kind's prefix, cut into namespace and name. */
export function placeIn(prefix: string, key: string): { readonly namespace?: string; readonly name: string } {
  const slash = key.indexOf('/', prefix.length);
  if (slash < 0) return { name: key.slice(prefix.length) };
  return { namespace: key.slice(prefix.length, slash), name: key.slice(slash + 1) };
}
