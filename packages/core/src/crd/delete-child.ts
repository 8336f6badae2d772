import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { isLeftByDeletion, isStatusError } from '../machinery/index.ts';

/** Deletes this very child. Whether it is gone; else its `deleted` event comes when it is. */
export async function deleteChild(
  client: Client,
  type: ResourceType,
  child: KubernetesObject,
  propagationPolicy: 'Background' | 'Foreground',
  signal: AbortSignal,
): Promise<boolean> {
  const { uid, deletionTimestamp } = child.metadata;
  if (deletionTimestamp !== undefined) return false;
  try {
    const options = { propagationPolicy, signal, ...(uid && { preconditions: { uid } }) };
    return !isLeftByDeletion(await client.delete(type, child.metadata, options));
  } catch (error) {
    // A conflict: another one has its name by now.
    if (isStatusError(error, 'NotFound', 'Conflict')) return true;
    throw error;
  }
}
