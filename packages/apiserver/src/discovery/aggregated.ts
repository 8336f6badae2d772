import { createHash } from 'node:crypto';
import type { Extensions, ExtensionVersion } from '../aggregation/contract.ts';
import { type MergedGroup, mergedGroups } from '../aggregation/group-order.ts';
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
      this.#core ??= document(this.#catalog, [{ group: '', versions: [{ version: 'v1', extension: undefined }] }]);
      return this.#core;
    }
    this.#groups ??= document(this.#catalog, mergedGroups(this.#catalog, this.#extensions));
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

function document(catalog: ResourceCatalog, groups: readonly MergedGroup[]): DiscoveryDocument {
  const byGroupVersion = new Map<string, ServedResource[]>();
  for (const resource of catalog.list()) {
    const key = `${resource.group}/${resource.version}`;
    const found = byGroupVersion.get(key);
    if (found) found.push(resource);
    else byGroupVersion.set(key, [resource]);
  }
  const items = groups.map(({ group, versions }) => ({
    metadata: group === '' ? {} : { name: group },
    versions: versions.map(({ version, extension }) =>
      extension
        ? ofExtension(extension)
        : {
            version,
            resources: (byGroupVersion.get(`${group}/${version}`) ?? [])
              .toSorted((a, b) => (a.resource < b.resource ? -1 : 1))
              .map(knownDiscovery),
            freshness: 'Current',
          },
    ),
  }));
  const list = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
  const body = serialize(list, { mediaType: 'application/json', pretty: false });
  const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
  return { object: list, etag, bodies: new Map([['application/json', body]]) };
}

const ofExtension = ({ version, resources }: ExtensionVersion) => ({
  version,
  ...(resources && { resources }),
  freshness: resources ? 'Current' : 'Stale',
});

const known = new WeakMap<ServedResource, ReturnType<typeof discoveryOf>>();

/** Made once: thousands of custom resources stay as they are when one more comes. */
function knownDiscovery(resource: ServedResource): ReturnType<typeof discoveryOf> {
  let made = known.get(resource);
  if (!made) {
    made = discoveryOf(resource);
    known.set(resource, made);
  }
  return made;
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
