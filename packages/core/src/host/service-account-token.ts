import { z } from 'zod';
import { ServiceAccount } from '../api/index.ts';
import type { Client, IssueToken } from '../client/index.ts';
import { type Clock, isStatusError, type ObjectRef } from '../machinery/index.ts';

const lifetimeSeconds = 3_600;
/** Of its lifetime a token is used for so long. */
const usedFor = 0.8;

const answer = z.object({
  spec: z.object({ expirationSeconds: z.number().positive() }),
  status: z.object({ token: z.string().min(1) }),
});

/**
 * Issues tokens of a ServiceAccount by the TokenRequest API, as kube-controller-manager does for its controllers under
 * `--use-service-account-credentials`; the account is made where it is missing.
 */
export function serviceAccountToken({
  client,
  clock,
  account,
}: {
  /** Who may create the account and its tokens. */
  readonly client: Client;
  readonly clock: Clock;
  readonly account: ObjectRef;
}): IssueToken {
  const request = async (signal: AbortSignal | undefined) => {
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: { expirationSeconds: lifetimeSeconds },
    };
    const options = signal && { signal };
    try {
      return await client.createSubresource(ServiceAccount, account, 'token', body, options);
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
      await client.create(ServiceAccount, { metadata: account }, options).catch((raced: unknown) => {
        if (!isStatusError(raced, 'AlreadyExists')) throw raced;
      });
      return client.createSubresource(ServiceAccount, account, 'token', body, options);
    }
  };
  return async (signal) => {
    const askedAt = clock.now();
    const { spec, status } = answer.parse(await request(signal));
    return { token: status.token, expiresAt: askedAt + spec.expirationSeconds * 1_000 * usedFor };
  };
}
