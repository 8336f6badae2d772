import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, KubernetesObject } from '@keelson/core';
import { z } from 'zod';
import { type AuthenticatedToken, forThisServer, type TokenAuthenticator } from './contract.ts';

const format = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const everyGroup = 'system:bootstrappers';
const extraGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

const TokenSecret = z.object({
  type: z.literal('bootstrap.kubernetes.io/token'),
  data: z.record(z.string(), z.string()),
});

export interface BootstrapTokensOptions {
  readonly clock: Clock;
  readonly audiences: () => readonly string[];
  /** A Secret of `kube-system` as it is stored now; `undefined`: no such Secret. */
  readonly secret: (name: string) => Promise<KubernetesObject | undefined>;
}

/**
 * The tokens with which nodes join: `id.secret`, kept in the Secret `bootstrap-token-ID` of `kube-system`, good for
 * authentication if that says so, and until it expires (kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens).
 */
export class BootstrapTokens implements TokenAuthenticator {
  readonly #options: BootstrapTokensOptions;

  constructor(options: BootstrapTokensOptions) {
    this.#options = options;
  }

  async authenticateToken(token: string, audiences?: readonly string[]): Promise<AuthenticatedToken | undefined> {
    const [, id, secret] = format.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const object = await this.#options.secret(`bootstrap-token-${id}`);
    const groups = object && groupsOf(object, id, secret, this.#options.clock.now());
    if (!groups) return undefined;
    return forThisServer({ name: `system:bootstrap:${id}`, groups }, audiences, this.#options.audiences());
  }
}

/** The groups of who knows the secret of a token; `undefined`: the token is not good. */
export function groupsOf(object: KubernetesObject, id: string, secret: string, now: number): string[] | undefined {
  const parsed = TokenSecret.safeParse(object);
  if (!parsed.success || object.metadata.deletionTimestamp) return undefined;
  const read = (name: string) => Buffer.from(parsed.data.data[name] ?? '', 'base64').toString('utf8');
  const matches = sameText(read('token-secret'), secret);
  if (!matches || read('token-id') !== id || read('usage-bootstrap-authentication') !== 'true') return undefined;
  const expiration = read('expiration');
  // What cannot be read has expired: an owner who meant it to end at some time must not get one without end.
  if (expiration !== '' && !(parseTime(expiration) > now)) return undefined;
  const extra = read('auth-extra-groups');
  const asked = extra === '' ? [] : extra.split(',');
  if (!asked.every((each) => extraGroup.test(each))) return undefined;
  return [...new Set([everyGroup, ...asked])].sort();
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const parseTime = (text: string) => (rfc3339.test(text) ? Date.parse(text) : Number.NaN);

const digestOf = (text: string) => createHash('sha256').update(text).digest();
/** Takes as long for every text, whatever it has in common with the other. */
const sameText = (one: string, other: string) => timingSafeEqual(digestOf(one), digestOf(other));
