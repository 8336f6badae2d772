import { createHash } from 'node:crypto';
import type { MediaType } from '../http/negotiate.ts';
import { serialize, type Typed } from '../http/serialize.ts';
import type { ResourceCatalog, ServedResource } from '../registry/contract.ts';

export const aggregatedParameters = 'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** One document of `apidiscovery.k8s.io/v2` with its ETag (KEP-3352). */
export interface DiscoveryDocument {
  readonly object: Typed;
  readonly etag: string;
  /** By media type. */
  readonly bodies: Map<MediaType, Uint8Array>;
}

/** All of `/api` or `/apis` at once, made anew only when the catalog has changed. */
export class AggregatedDiscovery {
  readonly #catalog: ResourceCatalog;
  #core: DiscoveryDocument | undefined;
  #groups: DiscoveryDocument | undefined;

  constructor(catalog: ResourceCatalog) {
    this.#catalog = catalog;
    catalog.changes$.subscribe(() => {
      this.#core = undefined;
      this.#groups = undefined;
    });
  }

  get(path: '/api' | '/apis'): DiscoveryDocument {
    if (path === '/api') {
      this.#core ??= document(this.#catalog, [{ group: '', versions: ['v1'] }]);
      return this.#core;
    }
    this.#groups ??= document(
      this.#catalog,
      this.#catalog.groups().filter(({ group }) => group !== ''),
    );
    return this.#groups;
  }

  body(path: '/api' | '/apis', mediaType: MediaType): Uint8Array {
    const { object, bodies } = this.get(path);
    const known = bodies.get(mediaType);
    if (known) return known;
    const made = serialize(object, { mediaType, pretty: false });
    bodies.set(mediaType, made);
    return made;
  }
}

type Groups = ReturnType<ResourceCatalog['groups']>;

function document(catalog: ResourceCatalog, groups: Groups): DiscoveryDocument {
  const byGroupVersion = new Map<string, ServedResource[]>();
  for (const resource of catalog.list()) {
    const key = `${resource.group}/${resource.version}`;
    const found = byGroupVersion.get(key);
    if (found) found.push(resource);
    else byGroupVersion.set(key, [resource]);
  }
  const items = groups.map(({ group, versions }) => ({
    metadata: group === '' ? {} : { name: group },
    versions: versions.map((version) => ({
      version,
      resources: (byGroupVersion.get(`${group}/${version}`) ?? [])
        .toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
        .map(discoveryOf),
      freshness: 'Current',
    })),
  }));
  const list = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  const body = serialize(list, { mediaType: 'application/json', pretty: false });
  const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
  return { object: list, etag, bodies: new Map([['application/json', body]]) };
}

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
