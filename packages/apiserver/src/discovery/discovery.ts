import { type Extensions, mergedGroups } from '../aggregation/index.ts';
import { type MediaType, mediaTypes, parseAccept } from '../http/negotiate.ts';
import type { Reply } from '../http/reply.ts';
import type { Typed } from '../http/serialize.ts';
import type { ResourceCatalog } from '../registry/contract.ts';
import { AggregatedDiscovery, aggregatedParameters } from './aggregated.ts';
import { apiGroupList, apiResourceList, apiVersions, singleApiGroup } from './resource-lists.ts';

export interface DiscoveryRequest {
  readonly path: string;
  readonly accept: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** `host:port` as the client sees it. */
  readonly address: string;
}

/** `/api` and `/apis` and what is below them: which kinds are served. */
export class Discovery {
  readonly #catalog: ResourceCatalog;
  readonly #extensions: Extensions | undefined;
  readonly #aggregated: AggregatedDiscovery;

  constructor(catalog: ResourceCatalog, extensions?: Extensions) {
    this.#catalog = catalog;
    this.#extensions = extensions;
    this.#aggregated = new AggregatedDiscovery(catalog, extensions);
  }

  /** A whole reply for the aggregated form, a plain object for the others; `undefined`: no such path. */
  answer(request: DiscoveryRequest): { readonly reply: Reply } | { readonly object: Typed } | undefined {
    const path = request.path.replace(/\/+$/, '');
    // A group without a name is none.
    if (path === '/apis' && request.path.startsWith('/apis//')) return undefined;
    if (path === '/api' || path === '/apis') {
      const aggregated = aggregatedIn(request.accept);
      if (aggregated) return { reply: this.#aggregatedReply(path, aggregated, request.ifNoneMatch) };
      return { object: path === '/api' ? apiVersions(request.address) : apiGroupList(this.#groups()) };
    }
    const [, prefix, first = '', second, ...rest] = path.split('/');
    if (rest.length > 0) return undefined;
    if (prefix === 'api' && second === undefined) return wrap(apiResourceList(this.#catalog, '', first));
    if (prefix !== 'apis') return undefined;
    return wrap(
      second === undefined ? singleApiGroup(this.#groups(), first) : apiResourceList(this.#catalog, first, second),
    );
  }

  /** Whether a group is one of Kubernetes' own. */
  hasBuiltIn(group: string): boolean {
    return this.#catalog.hasBuiltIn(group);
  }

  paths(): string[] {
    const groups = this.#groups().flatMap(({ group, versions }) => [
      `/apis/${group}`,
      ...versions.map(({ version }) => `/apis/${group}/${version}`),
    ]);
    return ['/api', '/api/v1', '/apis', '/apis/', ...groups];
  }

  #groups() {
    return mergedGroups(this.#catalog, this.#extensions);
  }

  #aggregatedReply(path: '/api' | '/apis', mediaType: MediaType, ifNoneMatch: string | undefined): Reply {
    const { etag } = this.#aggregated.get(path);
    const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
    const contentType = `${mediaType};${aggregatedParameters}`;
    const same = ifNoneMatch?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
    if (same) return { code: 304, contentType, body: '', headers };
    return { code: 200, contentType, body: this.#aggregated.body(path, mediaType), headers };
  }
}

const wrap = (object: Typed | undefined) => object && { object };

/** The first clause that can be given decides: aggregated, in this media type, or not. */
function aggregatedIn(accept: string | undefined): MediaType | undefined {
  if (!accept) return undefined;
  for (const { mediaType, parameters } of parseAccept(accept)) {
    const wild = mediaType === '*/*' || mediaType === 'application/*';
    const given = wild ? 'application/json' : mediaTypes.find((each) => each === mediaType);
    if (!given) continue;
    const as = parameters.get('as');
    if (as === undefined) return undefined;
    const exact = parameters.get('g') === 'apidiscovery.k8s.io' && parameters.get('v') === 'v2';
    if (as === 'APIGroupDiscoveryList' && exact) return given;
  }
  return undefined;
}
