import { type ApiRequest, isStatusError, type KubernetesObject } from '@keelson/core';
import { apiServerUser } from '../registry/api-server-user.ts';
import type { ApiHandler } from '../registry/contract.ts';

/** An object as it is stored now, for the server itself; `undefined`: there is none. */
export async function readObject(
  handler: ApiHandler,
  target: Omit<ApiRequest, 'verb'>,
): Promise<KubernetesObject | undefined> {
  try {
    const answer = await handler.handle({ ...target, verb: 'get' }, apiServerUser);
    return answer.type === 'object' ? answer.value.object : undefined;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}
