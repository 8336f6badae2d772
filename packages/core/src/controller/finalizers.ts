import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { isStatusError } from '../machinery/index.ts';

/** Whether the object carries the finalizer. */
export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/**
 * Adds the finalizer in a patch that is refused (`Conflict`) where the object is no longer the one that was read;
 * resolves to the object as it then is.
 */
export async function addFinalizer<T extends KubernetesObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  return write(client, type, object, [...(object.metadata.finalizers ?? []), finalizer], signal);
}

/** Takes the finalizer away, guarded likewise; `undefined` if the object went with it or had gone before. */
export async function removeFinalizer<T extends KubernetesObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  if (!hasFinalizer(object, finalizer)) return object;
  const left = object.metadata.finalizers?.filter((each) => each !== finalizer) ?? [];
  try {
    return await write(client, type, object, left, signal);
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function write<T extends KubernetesObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  finalizers: readonly string[],
  signal: AbortSignal | undefined,
): Promise<T> {
  // The list is replaced whole, so it may only be written over the version that it was made from.
  const { uid, resourceVersion } = object.metadata;
  return client.patch(
    type,
    object.metadata,
    { merge: { metadata: { uid, resourceVersion, finalizers } } },
    { ...(signal && { signal }) },
  );
}
