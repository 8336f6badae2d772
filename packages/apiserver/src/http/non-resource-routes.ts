import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '@keelson/core';
import type { ServiceAccountTokens } from '../authentication/index.ts';
import type { Discovery } from '../discovery/index.ts';
import type { OpenApi } from '../openapi/index.ts';
import { serialize } from './encode-answer.ts';
import type { Health } from './health.ts';
import type { ApiMetrics } from './metrics.ts';
import { negotiate } from './negotiate.ts';
import { jsonReply, notFoundReply, type Reply, statusReply } from './reply.ts';
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
}

/** Every path that is no resource: index, version, health, metrics, discovery, OpenAPI and OpenID. */
export class NonResourceRoutes {
  readonly #options: NonResourceRoutesOptions;

  constructor(options: NonResourceRoutesOptions) {
    this.#options = options;
  }

  async answer(request: RouteRequest): Promise<Reply> {
    const { path, query, headers, method, pretty } = request;
    const { health, openApi, discovery, metrics, tokens } = this.#options;
    if (method !== 'GET' && method !== 'HEAD') {
      const known = this.#paths().includes(path);
      if (!known) return notFoundReply();
      return statusReply(
        StatusError.methodNotAllowed('the server does not allow this method on the requested resource'),
        pretty,
      );
    }
    const healthy = await health.answer(path, query);
    if (healthy) return healthy;
    if (path === '/openapi/v2' || path.startsWith('/openapi/v3')) {
      return openApi.answer(path, query, headers.accept, headers['if-none-match']);
    }
    const cached = { 'cache-control': 'public, max-age=3600' };
    const address = String(headers[':authority'] ?? headers.host ?? '');
    switch (path) {
      case '/':
        return this.#object({ paths: this.#paths() }, request);
      case '/version':
      case '/version/':
        return jsonReply(version, true);
      case '/metrics':
        return {
          code: 200,
          contentType: metrics.registry.contentType,
          body: await metrics.registry.metrics(),
        };
      case '/.well-known/openid-configuration':
        return jsonReply(
          {
            issuer: tokens.issuer,
            jwks_uri: `https://${address}/openid/v1/jwks`,
            response_types_supported: ['id_token'],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: [tokens.signingAlgorithm],
          },
          false,
          cached,
        );
      case '/openid/v1/jwks':
        return { ...jsonReply(await tokens.jwks(), false, cached), contentType: 'application/jwk-set+json' };
      default:
        break;
    }
    const ifNoneMatch = headers['if-none-match'];
    const found = discovery.answer({ path, accept: headers.accept, ifNoneMatch, address });
    if (!found) return notFoundReply();
    return 'reply' in found ? found.reply : this.#object(found.object, request);
  }

  #object(object: object, { headers, pretty }: RouteRequest): Reply {
    const format = negotiate(headers.accept, { pretty });
    if (format.as)
      throw StatusError.of(
        406,
        'NotAcceptable',
        'only the following media types are accepted: application/json, application/yaml',
      );
    return { code: 200, contentType: format.mediaType, body: serialize(object, format) };
  }

  #paths(): string[] {
    const own = [
      '/.well-known/openid-configuration',
      '/metrics',
      '/openapi/v2',
      '/openapi/v3',
      '/openid/v1/jwks',
      '/version',
    ];
    return [...own, ...this.#options.discovery.paths(), ...this.#options.health.paths()].sort();
  }
}
