import {
  type Client,
  controllerOf,
  Deployment,
  type Informers,
  isStatusError,
  type KubernetesObject,
  type Lister,
  type OwnerReference,
  type Pod,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '@keelson/core';
import { z } from 'zod';
import { discoverTypes } from '../garbage-collector/discovered-types.ts';

const Scale = z.object({
  metadata: z.object({ uid: z.string() }),
  spec: z.object({ replicas: z.int().default(0) }).default({ replicas: 0 }),
});

export interface OwnerScales {
  /** The replicas of all owners together. */
  readonly replicas: number;
  /** Pods without an owner. */
  readonly unmanaged: readonly Pod[];
}

interface Found {
  readonly uid: string;
  readonly replicas: number;
}

/** How many pods there should be, by the owners of those that there are. */
export class OwnerScaleReader {
  readonly #client: Client;
  readonly #replicaSets: Lister<ReplicaSet>;
  readonly #deployments: Lister<Deployment>;
  readonly #statefulSets: Lister<StatefulSet>;
  readonly #replicationControllers: Lister<ReplicationController>;

  constructor(client: Client, informers: Informers) {
    this.#client = client;
    this.#replicaSets = informers.for(ReplicaSet).lister;
    this.#deployments = informers.for(Deployment).lister;
    this.#statefulSets = informers.for(StatefulSet).lister;
    this.#replicationControllers = informers.for(ReplicationController).lister;
  }

  /** @throws Error where an owner has no replicas that could be read */
  async read(pods: readonly Pod[], signal: AbortSignal): Promise<OwnerScales> {
    const unmanaged: Pod[] = [];
    const owners = new Map<string, { readonly reference: OwnerReference; readonly namespace: string }>();
    for (const pod of pods) {
      const reference = controllerOf(pod);
      if (reference === undefined) unmanaged.push(pod);
      else owners.set(reference.uid, { reference, namespace: pod.metadata.namespace ?? '' });
    }
    const found = new Map<string, number>();
    for (const { reference, namespace } of owners.values()) {
      const scale = this.#cached(reference, namespace) ?? (await this.#ask(reference, namespace, signal));
      if (scale !== undefined) found.set(scale.uid, scale.replicas);
    }
    return { replicas: [...found.values()].reduce((sum, each) => sum + each, 0), unmanaged };
  }

  #cached(reference: OwnerReference, namespace: string): Found | undefined {
    const key = `${namespace}/${reference.name}`;
    const kind = `${reference.apiVersion.split('/')[0]} ${reference.kind}`;
    if (kind === 'apps ReplicaSet') {
      const replicaSet = same(this.#replicaSets.get(key), reference);
      const above = replicaSet && controllerOf(replicaSet);
      if (above?.kind !== 'Deployment') return scaleOf(replicaSet);
      return scaleOf(same(this.#deployments.get(`${namespace}/${above.name}`), above));
    }
    if (kind === 'apps StatefulSet') return scaleOf(same(this.#statefulSets.get(key), reference));
    if (kind === 'v1 ReplicationController') return scaleOf(same(this.#replicationControllers.get(key), reference));
    return undefined;
  }

  /** Any kind with a `scale` subresource may own pods. */
  async #ask({ apiVersion, kind, name, uid }: OwnerReference, namespace: string, signal: AbortSignal) {
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    const types = await discoverTypes(this.#client.transport, signal);
    const type = types.find((each) => each.group === group && each.kind === kind);
    if (type === undefined) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    try {
      const { version, plural: resource } = type;
      const answer = Scale.parse(
        await this.#client.transport.request({
          verb: 'get',
          group,
          version,
          resource,
          subresource: 'scale',
          namespace,
          name,
          signal,
        }),
      );
      return answer.metadata.uid === uid ? { uid, replicas: answer.spec.replicas } : undefined;
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
      const gone = error.status.details?.name === name;
      if (gone) return undefined;
      throw new Error(`${type.plural}${group === '' ? '' : `.${group}`} does not implement the scale subresource`);
    }
  }
}

function same<T extends KubernetesObject>(object: T | undefined, { uid }: OwnerReference): T | undefined {
  return object?.metadata.uid === uid ? object : undefined;
}

function scaleOf(
  owner: (KubernetesObject & { readonly spec?: { readonly replicas?: number } }) | undefined,
): Found | undefined {
  return owner && { uid: owner.metadata.uid ?? '', replicas: owner.spec?.replicas ?? 1 };
}
