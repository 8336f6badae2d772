import { ConfigMap, Secret } from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import type { ReferencedObjects } from './container-environment.ts';

/** Reads Secrets and ConfigMaps as the node itself, always the latest: a node may see only those its pods refer to. */
export function clientObjects(client: Client): ReferencedObjects {
  return {
    secret: (namespace, name, signal) => client.get(Secret, { namespace, name }, { signal }),
    configMap: (namespace, name, signal) => client.get(ConfigMap, { namespace, name }, { signal }),
  };
}
