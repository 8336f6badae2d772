import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceAccountTokens } from '../authentication/index.ts';
import type { Discovery } from '../discovery/index.ts';
import type { FlowDump } from '../fairness/index.ts';
import type { OpenApi } from '../openapi/index.ts';
import type { Health } from './health.ts';
import type { ApiMetrics } from './metrics.ts';
import { checkAccept, mediaTypes, negotiatePlain, onlyAccepted, produced } from './negotiate.ts';
import { jsonReply, type LongReply, notFoundReply, type Reply } from './reply.ts';
import { methodNotAllowed, unknownResource } from './route-resource.ts';
import { serialize, type Typed } from './serialize.ts';
import { version } from './version.ts';

export interface RouteRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  readonly pretty: boolean;
}

export interface NonResourceRoutesOptions {
  readonly discovery: Discovery;
  readonly openApi: OpenApi;
  readonly health: Health;
  readonly metrics: ApiMetrics;
  readonly tokens: ServiceAccountTokens;
  /**
   * Where others find the keys of ServiceAccount tokens; `undefined` where nobody can ask over the network. Never what a
   * client calls this server: the answer may be kept for others.
   */
  readonly jwksUri: () => string | undefined;
  readonly flows: FlowDump;
}

/** Every path that is no resource: index, version, health, metrics, discovery, OpenAPI and OpenID. */
export class NonResourceRoutes {
  readonly #options: NonResourceRoutesOptions;

  constructor(options: NonResourceRoutesOptions) {
    this.#options = options;
  }

  async answer(request: RouteRequest): Promise<Reply | LongReply> {
    const { path, query, headers, method } = request;
    const { health, openApi, metrics } = this.#options;
    // These mind no method, in Kubernetes neither.
    const healthy = await health.answer(path, query);
    if (healthy) return healthy;
    if (path === '/openapi/v2' || path === '/openapi/v3' || path.startsWith('/openapi/v3/')) {
      return openApi.answer(path, query, headers.accept, headers['if-none-match']);
    }
    const dump = this.#options.flows.answer(path, query);
    if (dump !== undefined) return { code: 200, contentType: 'text/plain; charset=utf-8', body: dump };
    switch (path) {
      case '/':
      case '/index.html':
        return { ...jsonReply({ paths: this.#paths() }, true), contentType: 'application/json' };
      case '/metrics':
        return { code: 200, contentType: metrics.contentType, body: await metrics.text() };
      case '/metrics/slis':
        return { code: 200, contentType: metrics.contentType, body: await health.metrics() };
      default:
        break;
    }
    const known = await this.#document(request);
    if (!known) return isApiPath(path) ? this.#nothing(path) : notFoundReply();
    if (method !== 'GET' && !isAggregated(path)) throw methodNotAllowed();
    return known();
  }

  /** Paths below `/api` and below a group that is served say in JSON that they are none. */
  #nothing(path: string): Reply {
    const group = path.startsWith('/apis/') ? path.split('/')[2] : undefined;
    if (group === '' || !this.#options.discovery.hasBuiltIn(group ?? '')) return notFoundReply();
    throw unknownResource();
  }

  async #document(request: RouteRequest): Promise<(() => Reply | Promise<Reply>) | undefined> {
    const { path, headers } = request;
    const { discovery, tokens } = this.#options;
    const { accept } = headers;
    const cached = { 'cache-control': 'public, max-age=3600' };
    const address = String(headers[':authority'] ?? headers.host ?? '');
    switch (path.replace(/\/+$/, '')) {
      case '/version':
        return () => {
          checkAccept(accept, ['application/json']);
          return jsonReply(version, true);
        };
      case '/.well-known/openid-configuration':
        return () => {
          checkAccept(accept, ['application/json']);
          const configuration = {
            issuer: tokens.issuer,
            jwks_uri: this.#options.jwksUri() ?? `https://${address}/openid/v1/jwks`,
            response_types_supported: ['id_token'],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: tokens.signingAlgorithms,
          };
          return { ...jsonReply(configuration, false, cached), body: JSON.stringify(configuration) };
        };
      case '/openid/v1/jwks':
        return async () => {
          checkAccept(accept, ['application/jwk-set+json']);
          const body = JSON.stringify(await tokens.jwks());
          return { code: 200, contentType: 'application/jwk-set+json', body, headers: cached };
        };
      default:
        break;
    }
    const found = discovery.answer({ path, accept, ifNoneMatch: headers['if-none-match'], address });
    if (!found) return undefined;
    return () => ('reply' in found ? found.reply : this.#object(found.object, request));
  }

  #object(object: Typed, { path, headers, pretty }: RouteRequest): Reply {
    // The aggregator's own documents have no description that says what they produce.
    if (!isAggregated(path)) checkAccept(headers.accept, produced(false));
    const format = negotiatePlain(headers.accept, pretty);
    if (!format) throw onlyAccepted(mediaTypes);
    return { code: 200, contentType: format.mediaType, body: serialize(object, format) };
  }

  #paths(): string[] {
    const own = [
      '/.well-known/openid-configuration',
      '/metrics',
      '/metrics/slis',
      '/openapi/v2',
      '/openapi/v3',
      '/openapi/v3/',
      '/openid/v1/jwks',
      '/version',
    ];
    return [...own, ...this.#options.discovery.paths(), ...this.#options.health.paths()].sort();
  }
}

/** The list of groups and a group by itself: Kubernetes' aggregator answers there, which minds no method. Not for its own. */
const isAggregated = (path: string) => /^\/apis(\/(?!apiregistration\.k8s\.io\/*$)[^/]*)?\/*$/.test(path);

const isApiPath = (path: string) => path.startsWith('/api/') || path.startsWith('/apis/');
