export { type AuthenticationFile, parseAuthenticationFile } from './authentication-file.ts';
export { celExpressions } from './cel-expressions.ts';
export type { Evaluate, ExpressionCompiler } from './contract.ts';
export { Issuers } from './issuers.ts';
export { JwtAuthenticator, type JwtAuthenticatorOptions } from './jwt-authenticator.ts';
export { AllJwtOptions, JwtOptions } from './jwt-options.ts';
