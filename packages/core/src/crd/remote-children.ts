import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { type ReconcileContext, type Watch, watch } from '../controller/index.ts';
import type { Informers } from '../informer/index.ts';
import { clusterKey, keyOf, type ObjectKey, objectKey } from '../machinery/index.ts';
import { type ChildApplier, type ChildObject, type ChildOwner, placeOf } from './child-applier.ts';
import type { ClusterPeer, ClusterPeers } from './cluster-peers.ts';
import { deleteChild } from './delete-child.ts';
import { eachInTurn } from './each-in-turn.ts';

/** On children in another cluster than their owner: its uid. Owner references do not reach over there. */
const ownerUidLabel = 'keelson.dev/owner-uid';
/** … and the operator with the owner's key: `shop east:default/corner`. */
const ownerAnnotation = 'keelson.dev/owner';
/** On an object: other clusters in which it has children, by their names with commas between. */
export const clustersAnnotation = 'keelson.dev/clusters';

/** Informers of children have an index of this name: by the uid of an owner in another cluster. */
const remoteIndex = 'owner elsewhere';
const remoteOwnerUid = ({ metadata }: KubernetesObject): readonly string[] => {
  const uid = metadata.labels?.[ownerUidLabel];
  return uid === undefined ? [] : [uid];
};

/** Other clusters in which an object has, or may have, children. */
export function clustersOf({ metadata }: KubernetesObject): readonly string[] {
  return (metadata.annotations?.[clustersAnnotation] ?? '').split(',').filter((each) => each !== '');
}

/** Children here whose owners are in other clusters: a change of one reconciles its owner there. */
export function watchRemoteChildren(operator: string, type: ResourceType, informers: Informers): Watch {
  const informer = informers.for(type);
  informer.addIndex(remoteIndex, remoteOwnerUid);
  const built = watch(informer).map((child) => {
    const key = ownerKeyOf(operator, child);
    return key === undefined ? [] : [key];
  });
  return { ...built, name: `${type.kind} → its owner in another cluster`, placed: true };
}

function ownerKeyOf(operator: string, { metadata }: KubernetesObject): ObjectKey | undefined {
  const [name, key] = metadata.annotations?.[ownerAnnotation]?.split(' ') ?? [];
  return name === operator ? key : undefined;
}

export interface RemoteChildrenParts {
  readonly operator: string;
  readonly type: ResourceType;
  readonly owns: readonly ResourceType[];
  readonly cluster: string | undefined;
  readonly peers: ClusterPeers | undefined;
  readonly applier: ChildApplier;
}

/** One reconcile's hold on an object's children in other clusters. */
export class RemoteChildren {
  readonly #parts: RemoteChildrenParts;
  readonly #reconcile: ReconcileContext;
  /** What this reconcile made, which the caches do not know yet. */
  readonly #written = new Map<string, KubernetesObject>();
  readonly #applied = new Set<string>();

  constructor(parts: RemoteChildrenParts, reconcile: ReconcileContext) {
    this.#parts = parts;
    this.#reconcile = reconcile;
  }

  /** @throws Error when the cluster is away or unknown, or when an object of that name belongs to somebody else */
  async apply<C extends KubernetesObject>(
    object: KubernetesObject,
    cluster: string,
    type: ResourceType<C>,
    desired: ChildObject<C>,
  ): Promise<C> {
    const { operator, applier, type: ownerType, cluster: own = '' } = this.#parts;
    const { uid = '' } = object.metadata;
    const { informers, client } = this.peer(cluster);
    const owner: ChildOwner = {
      type: ownerType,
      object,
      labels: { [ownerUidLabel]: uid },
      elsewhere: {
        cluster,
        annotations: { [ownerAnnotation]: `${operator} ${clusterKey(own, keyOf(object))}` },
        isMine: ({ metadata }) => metadata.labels?.[ownerUidLabel] === uid,
      },
    };
    const key = objectKey(placeOf(object, type, desired.metadata));
    // Also where the request fails: it is wanted, and not to be pruned.
    this.#applied.add(idOf(cluster, type, key));
    const { signal } = this.#reconcile;
    // Filed under the type that the server answered for.
    const written = this.#written.get(idOf(cluster, type, key)) as C | undefined;
    const known = written ?? informers.for(type).lister.get(key);
    const made = await applier.apply(this.#quiet(client, cluster), owner, type, desired, known, signal);
    this.#written.set(idOf(cluster, type, key), made);
    return made;
  }

  /** From the cluster's cache. */
  list<C extends KubernetesObject>(object: KubernetesObject, cluster: string, type: ResourceType<C>): readonly C[] {
    const { uid } = object.metadata;
    if (uid === undefined) return [];
    const { lister } = this.peer(cluster).informers.for(type);
    const { operator } = this.#parts;
    return lister.by(remoteIndex, uid).filter((each) => ownerKeyOf(operator, each) !== undefined);
  }

  /** Whether it is gone. */
  remove(cluster: string, type: ResourceType, child: KubernetesObject): Promise<boolean> {
    const client = this.#quiet(this.peer(cluster).client, cluster);
    return deleteChild(client, type, child, 'Background', this.#reconcile.signal);
  }

  /** Those that were not applied by this reconcile, of some kinds, in the clusters where the object has any. */
  async prune(object: KubernetesObject, types: readonly ResourceType[]): Promise<void> {
    const pruneIn = (cluster: string) => async () => {
      const surplus = types.flatMap((type) =>
        this.list(object, cluster, type)
          .filter((each) => !this.#applied.has(idOf(cluster, type, keyOf(each))))
          .map((each) => () => this.remove(cluster, type, each)),
      );
      await eachInTurn(this.#reconcile.signal, surplus);
    };
    await eachInTurn(this.#reconcile.signal, clustersOf(object).map(pruneIn));
  }

  /** All of an object, in every cluster. What is left, and why; nothing: all are gone. */
  async removeAll(object: KubernetesObject): Promise<readonly string[]> {
    const left: string[] = [];
    const acts: (() => Promise<unknown>)[] = [];
    for (const cluster of clustersOf(object)) {
      if (!this.#parts.peers?.get(cluster)) {
        left.push(`the cluster ${cluster} is away`);
        continue;
      }
      const removals = this.#parts.owns.flatMap((type) =>
        this.list(object, cluster, type).map((each) => async () => {
          if (await this.remove(cluster, type, each)) return;
          left.push(`${type.kind} ${each.metadata.name} in ${cluster} is being deleted`);
        }),
      );
      acts.push(() => eachInTurn(this.#reconcile.signal, removals));
    }
    await eachInTurn(this.#reconcile.signal, acts);
    return left;
  }

  /** @throws Error when the cluster is away or unknown */
  peer(cluster: string): ClusterPeer {
    const peer = this.#parts.peers?.get(cluster);
    if (!peer) throw new Error(`there is no cluster "${cluster}", or it is away`);
    return peer;
  }

  #quiet(client: Client, cluster: string): Client {
    return this.#reconcile.track(client, { quiet: true, cluster });
  }
}

const idOf = (cluster: string, { group, plural }: ResourceType, key: ObjectKey) =>
  `${cluster}:${plural}.${group}/${key}`;
