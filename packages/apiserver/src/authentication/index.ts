export { ClientCertificateAuthenticator } from './client-certificate.ts';
export {
  type AuthenticatedToken,
  type Authenticator,
  anonymous,
  authenticated,
  type HttpRequest,
  type TokenAuthenticator,
} from './contract.ts';
export { impersonate } from './impersonation.ts';
export { RequestAuthenticator } from './request-authenticator.ts';
export {
  ServiceAccountTokens,
  type ServiceAccountTokensOptions,
  type TokenIssuer,
  type TokenSpec,
  type UidReader,
} from './service-account-tokens.ts';
export { StaticTokens } from './static-tokens.ts';
