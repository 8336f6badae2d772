import type { KubernetesObject, ResourceType } from '@keelson/core';
import type { ObjectReader } from '../admission/index.ts';
import type { Storage } from '../storage/contract.ts';
import { prefixFor } from './kind.ts';
import type { DecodeCache } from './stored-object.ts';

/** Reads of built-in kinds by the server itself. Objects are in the version in which they are stored. */
export function objectReader(storage: Storage, cache: DecodeCache): ObjectReader {
  return {
    async get<T extends KubernetesObject>({ group, plural }: ResourceType<T>, name: string, namespace?: string) {
      const prefix = prefixFor(group, plural);
      const { entry } = await storage.get(namespace === undefined ? prefix + name : `${prefix}${namespace}/${name}`);
      // What lies under the prefix of a kind was decoded by its schema when it was written.
      return entry && (cache.get(entry).object as T);
    },
    async list<T extends KubernetesObject>({ group, plural }: ResourceType<T>, namespace?: string) {
      const prefix = prefixFor(group, plural);
      const { entries } = await storage.list(namespace === undefined ? prefix : `${prefix}${namespace}/`);
      return entries.map((entry) => cache.get(entry).object as T);
    },
  };
}
