import { createHash } from 'node:crypto';
import type { Extensions, ExtensionVersion } from '../aggregation/contract.ts';
import { type MergedGroup, type MergedVersion, mergedGroups } from '../aggregation/group-order.ts';
import type { MediaType } from '../http/negotiate.ts';
import { serialize, type Typed } from '../http/serialize.ts';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';

export const aggregatedParameters = 'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** One document of `apidiscovery.k8s.io/v2` with its ETag (KEP-3352). */
export interface DiscoveryDocument {
  readonly etag: string;
  /** By media type. */
  readonly bodies: Map<MediaType, Uint8Array>;
}

/** All of `/api` or `/apis` at once, made anew only when the catalog has changed, of parts that are made when they have. */
export class AggregatedDiscovery {
  readonly #catalog: ResourceCatalog;
  readonly #extensions: Extensions | undefined;
  #core: DiscoveryDocument | undefined;
  #groups: DiscoveryDocument | undefined;

  constructor(catalog: ResourceCatalog, extensions?: Extensions) {
    this.#catalog = catalog;
    this.#extensions = extensions;
    const forget = () => {
      this.#core = undefined;
      this.#groups = undefined;
    };
    catalog.changes$.subscribe(forget);
    extensions?.changes$.subscribe(forget);
  }

  get(path: '/api' | '/apis'): DiscoveryDocument {
    if (path === '/api') {
      this.#core ??= document(this.#catalog, this.#groupsOf(path));
      return this.#core;
    }
    this.#groups ??= document(this.#catalog, this.#groupsOf(path));
    return this.#groups;
  }

  body(path: '/api' | '/apis', mediaType: MediaType): Uint8Array {
    const { bodies } = this.get(path);
    const known = bodies.get(mediaType);
    if (known) return known;
    const items = this.#groupsOf(path).map(({ group, versions }) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((each) => versionOf(this.#catalog, group, each)),
    }));
    const made = serialize(list(items), { mediaType, pretty: false });
    bodies.set(mediaType, made);
    return made;
  }

  #groupsOf(path: '/api' | '/apis'): readonly MergedGroup[] {
    if (path === '/apis') return mergedGroups(this.#catalog, this.#extensions);
    return [{ group: '', versions: [{ version: 'v1', extension: undefined }] }];
  }
}

const list = (items: readonly object[]): Typed & { readonly items: readonly object[] } => {
  const meta = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {} };
  return { ...meta, items };
};

function document(catalog: ResourceCatalog, groups: readonly MergedGroup[]): DiscoveryDocument {
  const items = groups.map(({ group, versions }) => {
    const metadata = group === '' ? '{}' : JSON.stringify({ name: group });
    return `{"metadata":${metadata},"versions":[${versions.map((each) => versionText(catalog, group, each)).join()}]}`;
  });
  const around = JSON.stringify(list([])).slice(0, -2);
  const body = Buffer.from(`${around}${items.join()}]}\n`);
  const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
  return { etag, bodies: new Map([['application/json', body]]) };
}

function versionOf(catalog: ResourceCatalog, group: string, { version, extension }: MergedVersion): object {
  if (extension) return ofExtension(extension);
  const resources = catalog
    .inVersion(group, version)
    .toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
    .map(discoveryOf);
  return { version, resources, freshness: 'Current' };
}

const texts = new WeakMap<readonly ServedResource[], string>();

/** As JSON. Thousands of custom resources stay as they are when one more comes in another group. */
function versionText(catalog: ResourceCatalog, group: string, merged: MergedVersion): string {
  if (merged.extension) return JSON.stringify(ofExtension(merged.extension));
  const served = catalog.inVersion(group, merged.version);
  let made = texts.get(served);
  if (made === undefined) {
    made = JSON.stringify(versionOf(catalog, group, merged));
    texts.set(served, made);
  }
  return made;
}

const ofExtension = ({ version, resources }: ExtensionVersion) => ({
  version,
  ...(resources && { resources }),
  freshness: resources ? 'Current' : 'Stale',
});

function discoveryOf(resource: ServedResource) {
  const kind = { group: '', version: '', kind: resource.kind };
  return {
    resource: resource.resource,
    responseKind: resource.custom ? { ...kind, group: resource.group, version: resource.version } : kind,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(resource.subresources.length > 0 && {
      subresources: resource.subresources.map(({ name, kind: own, verbs }) => ({
        subresource: name,
        // Built-in kinds leave out their own group version.
        responseKind:
          !resource.custom && own.group === resource.group && own.version === resource.version
            ? { ...kind, kind: own.kind }
            : own,
        verbs,
      })),
    }),
  };
}
