import { type Pod, ServiceAccount, type ServiceAccountTokenProjection } from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import type { Clock, Random } from '@keelson/core/machinery';
import { z } from 'zod';
import { parseTime } from '../time.ts';
import type { PodTokens } from './content.ts';

const response = z.object({
  status: z.object({ token: z.string().min(1), expirationTimestamp: z.string().optional() }),
});

interface Issued {
  readonly token: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** A little earlier for each token, so that a node does not renew all at once. */
  readonly jitterMs: number;
}

/**
 * Tokens from the TokenRequest API, kept until 80 % of their life or 24 h are over
 * (kubernetes.io/docs/concepts/storage/projected-volumes#serviceaccounttoken).
 */
export class ServiceAccountTokens implements PodTokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #issued = new Map<string, Issued>();

  constructor(client: Client, clock: Clock, random: Random) {
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
  }

  async token(
    pod: Pod,
    projection: Pick<ServiceAccountTokenProjection, 'audience' | 'expirationSeconds'>,
    signal: AbortSignal,
  ): Promise<string> {
    const { name, namespace = '', uid = '' } = pod.metadata;
    const { audience = '', expirationSeconds = 3600 } = projection;
    const key = `${uid}/${audience}/${expirationSeconds}`;
    const now = this.#clock.now();
    const kept = this.#issued.get(key);
    if (kept && !isStale(kept, now)) return kept.token;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const account = { name: pod.spec.serviceAccountName || 'default', namespace };
    const answer = await this.#client.createSubresource(ServiceAccount, account, 'token', body, { signal });
    const { status } = response.parse(answer);
    const expiresAt = parseTime(status.expirationTimestamp) ?? now + expirationSeconds * 1000;
    this.#issued.set(key, { token: status.token, issuedAt: now, expiresAt, jitterMs: this.#random() * 10_000 });
    return status.token;
  }

  forget(uid: string): void {
    for (const key of this.#issued.keys()) if (key.startsWith(`${uid}/`)) this.#issued.delete(key);
  }
}

function isStale({ issuedAt, expiresAt, jitterMs }: Issued, now: number): boolean {
  const life = expiresAt - issuedAt;
  return now >= Math.min(issuedAt + life * 0.8, issuedAt + 86_400_000) - jitterMs;
}
