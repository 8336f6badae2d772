import type { MergedGroup } from '../aggregation/index.ts';
import type { Typed } from '../http/serialize.ts';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';

type Document = Typed & Readonly<Record<string, unknown>>;

/** One entry of an APIResourceList (`meta.k8s.io/v1`). */
interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** The resources of one group version with their subresources, `pods` before `pods/log`; `undefined`: not served. */
export function apiResourceList(catalog: ResourceCatalog, group: string, version: string): Document | undefined {
  const served = catalog.inVersion(group, version);
  const known = () => catalog.groups().some((each) => each.group === group && each.versions.includes(version));
  if (served.length === 0 && !known()) return undefined;
  let made = lists.get(served);
  if (!made) {
    made = {
      kind: 'APIResourceList',
      ...(group !== '' && { apiVersion: 'v1' }),
      groupVersion: group === '' ? version : `${group}/${version}`,
      resources: listed(served),
    };
    lists.set(served, made);
  }
  return made;
}

/** The catalog gives the same list until something in it changes. */
const lists = new WeakMap<readonly ServedResource[], Document>();

/** Kubernetes' own are sorted with their subresources; those of a custom resource come in the order of its definition. */
function listed(served: readonly ServedResource[]): ApiResource[] {
  if (!served.some((each) => each.custom)) return served.flatMap(entries).sort(byName);
  return served.toSorted((a, b) => (a.resource < b.resource ? -1 : 1)).flatMap(entries);
}

function entries(resource: ServedResource): ApiResource[] {
  const main: ApiResource = {
    name: resource.resource,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(resource.storageVersionHash && { storageVersionHash: resource.storageVersionHash }),
  };
  const subresources = resource.subresources.map(({ name, kind, verbs }): ApiResource => {
    const foreign = kind.group !== '' || kind.version !== '' ? !sameGroupVersion(kind, resource) : false;
    return {
      name: `${resource.resource}/${name}`,
      singularName: '',
      namespaced: resource.namespaced,
      ...(foreign && { group: kind.group, version: kind.version }),
      kind: kind.kind,
      verbs,
    };
  });
  return [main, ...subresources];
}

const sameGroupVersion = (kind: { group: string; version: string }, resource: ServedResource) =>
  kind.group === resource.group && kind.version === resource.version;

interface ApiGroup {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string };
}

function apiGroup({ group, versions }: MergedGroup): ApiGroup {
  const entriesOf = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entriesOf, preferredVersion: entriesOf[0] ?? { groupVersion: group, version: '' } };
}

/** What `/apis` answers without aggregation. */
export function apiGroupList(groups: readonly MergedGroup[]): Document {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) };
}

/** What `/apis/GROUP` answers. */
export function singleApiGroup(groups: readonly MergedGroup[], name: string): Document | undefined {
  const found = groups.find(({ group }) => group === name);
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(found) };
}

/** What `/api` answers without aggregation. `address` is `host:port` as the client sees it. */
export function apiVersions(address: string): Document {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}
