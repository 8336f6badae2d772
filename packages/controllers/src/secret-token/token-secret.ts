import type { Secret } from '@keelson/core';

/** kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets. */
export const secretType = 'kubernetes.io/service-account-token';
export const accountUidKey = 'kubernetes.io/service-account.uid';

/** The account that a Secret holds the token of; `undefined`: it is no such Secret. */
export function accountNameOf({ type, metadata }: Secret): string | undefined {
  return type === secretType ? metadata.annotations?.['kubernetes.io/service-account.name'] : undefined;
}

/** What must be written into it: what is not there, and the certificates if they are others now. */
export function missingData({ data = {} }: Secret, ca: string): ('ca.crt' | 'namespace' | 'token')[] {
  const lacks = (name: string) => (data[name] ?? '') === '';
  const missing: ('ca.crt' | 'namespace' | 'token')[] = [];
  if (data['ca.crt'] !== Buffer.from(ca).toString('base64')) missing.push('ca.crt');
  if (lacks('namespace')) missing.push('namespace');
  if (lacks('token')) missing.push('token');
  return missing;
}
