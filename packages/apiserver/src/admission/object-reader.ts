import type { KubernetesObject, ResourceType } from '@keelson/core';

/** Reads for admission: straight from the store, decoded once, past authorization. */
export interface ObjectReader {
  get<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace?: string): Promise<T | undefined>;
  list<T extends KubernetesObject>(type: ResourceType<T>, namespace?: string): Promise<readonly T[]>;
}
