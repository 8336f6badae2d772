import type { ApiRequest, Clock, KubernetesObject } from '@keelson/core';
import {
  type AnonymousOptions,
  BootstrapTokens,
  ClientCertificateAuthenticator,
  FrontProxyAuthenticator,
  type FrontProxyOptions,
  ownFrontProxy,
  RequestAuthenticator,
  ServiceAccountTokens,
  type ServiceAccountTokensOptions,
  type TokenAuthenticator,
  TokenMetrics,
} from '../authentication/index.ts';
import { lastUsedLabel } from '../authentication/legacy-tokens.ts';
import { apiServerUser } from '../registry/api-server-user.ts';
import type { ApiHandler } from '../registry/contract.ts';
import { readObject } from './read-object.ts';

export interface AuthenticationParts {
  readonly tokens: ServiceAccountTokens;
  readonly authenticator: RequestAuthenticator;
  readonly metrics: TokenMetrics;
}

export interface AuthenticationOptions {
  /** Who may ask without credentials. Default: probes. */
  readonly anonymous?: AnonymousOptions | (() => AnonymousOptions);
  /** Where others find the keys of ServiceAccount tokens; default: at the advertised address. */
  readonly jwksUri?: string;
  /** How a front proxy says who asks. */
  readonly frontProxy?: FrontProxyOptions;
  /** PEM of the authority of front proxies, once files are read; default: that of the cluster's own aggregator. */
  readonly frontProxyCa?: () => string | undefined;
  /** The audiences under which tokens are accepted. Default: the issuers of ServiceAccount tokens. */
  readonly audiences?: readonly string[];
  /** Whether tokens of Secrets of the type bootstrap.kubernetes.io/token are taken. Default true. */
  readonly bootstrapTokens?: boolean;
  /** Whether tokens that are mounted into pods live on for a year. Default true. */
  readonly extendTokenExpiration?: boolean;
  /** Where it is counted what becomes of tokens. */
  readonly metrics?: TokenMetrics;
  /** Further authenticators of tokens, asked last. */
  readonly otherTokens?: readonly TokenAuthenticator[];
  /** Calls back whenever files have changed that say who is who. */
  readonly onChange?: (listener: (what: AuthenticationChange) => void) => void;
  /** Metrics of these files. */
  readonly metricsText?: () => string;
}

/** Whose tokens are, or which authorities front proxies have. */
export type AuthenticationChange = 'tokens' | 'authorities';

interface Needs {
  readonly handler: ApiHandler;
  readonly clock: Clock;
  readonly issuer: ServiceAccountTokensOptions['issuer'];
  readonly key: ServiceAccountTokensOptions['key'];
  /** PEM of the authorities of users and of front proxies, once the server listens. */
  readonly authorities: () => { readonly users: string; readonly frontProxies: string | undefined } | undefined;
}

/** Everything that finds out who asks, in Kubernetes' order. */
export function composeAuthentication(needs: Needs, options: AuthenticationOptions = {}): AuthenticationParts {
  const { handler, clock, issuer, key, authorities } = needs;
  const { metrics = new TokenMetrics() } = options;
  const tokens = new ServiceAccountTokens({
    clock,
    issuer,
    key,
    ...(options.audiences && { audiences: options.audiences }),
    read: ({ resource, namespace, name }) =>
      readObject(handler, { group: '', version: 'v1', resource, name, ...(namespace && { namespace }) }),
    markUsed: (secret, day) => markUsed(handler, secret, day),
    used: (kind) => metrics.used(kind),
  });
  const audiences = () => tokens.audiences;
  const bootstrapTokens = new BootstrapTokens({
    clock,
    audiences,
    secret: (name) => readObject(handler, { ...secrets, namespace: 'kube-system', name }),
  });
  const authenticator = new RequestAuthenticator({
    clock,
    authenticators: [
      new FrontProxyAuthenticator({
        clock,
        ...(options.frontProxy ?? ownFrontProxy),
        authorities: () => authorities()?.frontProxies,
      }),
      new ClientCertificateAuthenticator({
        clock,
        authorities: () => authorities()?.users ?? '',
        remaining: (seconds) => metrics.certificate(seconds),
      }),
    ],
    tokens: [tokens, ...(options.bootstrapTokens === false ? [] : [bootstrapTokens]), ...(options.otherTokens ?? [])],
    observer: metrics,
    ...(options.anonymous && { anonymous: options.anonymous }),
  });
  return { tokens, authenticator, metrics };
}

const secrets = { group: '', version: 'v1', resource: 'secrets' };

/** The day on which the token of a Secret was last used, on the Secret; who clears away unused ones looks there. */
async function markUsed(handler: ApiHandler, { metadata }: KubernetesObject, day: string): Promise<void> {
  const { name, namespace } = metadata;
  const request: ApiRequest = {
    ...secrets,
    verb: 'patch',
    name,
    ...(namespace !== undefined && { namespace }),
    patchType: 'application/merge-patch+json',
    body: { metadata: { labels: { [lastUsedLabel]: day } } },
  };
  await handler.handle(request, apiServerUser);
}
