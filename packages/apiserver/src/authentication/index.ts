export { AnonymousOptions, healthOnly } from './anonymous-policy.ts';
export { bearerWarning } from './bearer-token.ts';
export { BootstrapTokens } from './bootstrap-tokens.ts';
export { certificatesIn } from './certificate-chain.ts';
export { ClientCertificateAuthenticator } from './client-certificate.ts';
export {
  type AuthenticatedToken,
  type Authenticator,
  anonymous,
  authenticated,
  type HttpRequest,
  type TokenAuthenticator,
} from './contract.ts';
export { FrontProxyAuthenticator, FrontProxyOptions, ownFrontProxy } from './front-proxy.ts';
export { impersonate } from './impersonation.ts';
export {
  AllJwtOptions,
  celExpressions,
  type Evaluate,
  type ExpressionCompiler,
  Issuers,
  JwtAuthenticator,
  parseAuthenticationFile,
} from './jwt/index.ts';
export { CredentialsError, inTurn, RequestAuthenticator } from './request-authenticator.ts';
export type { ServiceAccountKeys } from './service-account-keys.ts';
export {
  type ObjectReader,
  ServiceAccountTokens,
  type ServiceAccountTokensOptions,
  type TokenIssuer,
  type TokenSpec,
} from './service-account-tokens.ts';
export { StaticTokens } from './static-tokens.ts';
export { TokenCache, type TokenCacheObserver } from './token-cache.ts';
export { TokenMetrics } from './token-metrics.ts';
export { WebhookTokens } from './webhook/webhook-tokens.ts';
