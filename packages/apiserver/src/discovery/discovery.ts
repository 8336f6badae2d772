import { parseAccept } from '../http/negotiate.ts';
import type { Reply } from '../http/reply.ts';
import type { ResourceCatalog } from '../registry/contract.ts';
import { AggregatedDiscovery, aggregatedMediaType } from './aggregated.ts';
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
  readonly #aggregated: AggregatedDiscovery;

  constructor(catalog: ResourceCatalog) {
    this.#catalog = catalog;
    this.#aggregated = new AggregatedDiscovery(catalog);
  }

  /** A whole reply for the aggregated form, a plain object for the others; `undefined`: no such path. */
  answer(request: DiscoveryRequest): { readonly reply: Reply } | { readonly object: object } | undefined {
    const path = request.path.replace(/\/$/, '');
    if (path === '/api' || path === '/apis') {
      if (wantsAggregated(request.accept)) return { reply: this.#aggregatedReply(path, request.ifNoneMatch) };
      return { object: path === '/api' ? apiVersions(request.address) : apiGroupList(this.#catalog) };
    }
    const [, prefix, first = '', second, ...rest] = path.split('/');
    if (rest.length > 0) return undefined;
    if (prefix === 'api' && second === undefined) return wrap(apiResourceList(this.#catalog, '', first));
    if (prefix !== 'apis') return undefined;
    return wrap(
      second === undefined ? singleApiGroup(this.#catalog, first) : apiResourceList(this.#catalog, first, second),
    );
  }

  paths(): string[] {
    const groups = this.#catalog.groups().flatMap(({ group, versions }) => {
      const base = group === '' ? '/api' : `/apis/${group}`;
      return [base, ...versions.map((version) => `${base}/${version}`)];
    });
    return ['/apis', ...groups];
  }

  #aggregatedReply(path: '/api' | '/apis', ifNoneMatch: string | undefined): Reply {
    const { body, etag } = this.#aggregated.get(path);
    const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
    const same = ifNoneMatch?.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
    return { code: same ? 304 : 200, contentType: aggregatedMediaType, body: same ? '' : body, headers };
  }
}

const wrap = (object: object | undefined) => object && { object };

/** The first clause that can be given decides: aggregated, or plain JSON. */
function wantsAggregated(accept: string | undefined): boolean {
  for (const { mediaType, parameters } of parseAccept(accept)) {
    if (mediaType !== 'application/json' && mediaType !== '*/*') continue;
    const as = parameters.get('as');
    if (as === undefined) return false;
    const exact = parameters.get('g') === 'apidiscovery.k8s.io' && parameters.get('v') === 'v2';
    if (as === 'APIGroupDiscoveryList' && exact) return true;
  }
  return false;
}
