import {
  type Client,
  ControllerRevision,
  controllerOf,
  type Informer,
  type Informers,
  isStatusError,
  type KubernetesObject,
  type LabelSelector,
  type PodTemplateSpec,
} from '@keelson/core';
import { addOwnerIndexes, claim, controlledBy, orphansFor } from '../pod-control/index.ts';
import { hashOf, inOrder, keepsTemplate, newRevision, type RevisionKind, surplusRevisions } from './revisions.ts';

export interface Latest {
  readonly revision: ControllerRevision;
  readonly collisionCount: number;
}

const mostCollisions = 100;

/** The ControllerRevisions of the owners of one kind. */
export class RevisionHistory {
  readonly revisions: Informer<ControllerRevision>;
  readonly #client: Client;
  readonly #kind: RevisionKind;

  constructor(kind: RevisionKind, client: Client, informers: Informers) {
    this.#kind = kind;
    this.#client = client;
    this.revisions = informers.for(ControllerRevision);
    addOwnerIndexes(this.revisions);
  }

  /** The owner's revisions, oldest first; those that nobody controls and its selector selects become its own. */
  async of(
    owner: KubernetesObject,
    selector: LabelSelector,
    signal: AbortSignal,
  ): Promise<readonly ControllerRevision[]> {
    const { uid = '', namespace = '' } = owner.metadata;
    const { lister } = this.revisions;
    const claimed = await claim({
      client: this.#client,
      ownerType: this.#kind.type,
      owner,
      type: ControllerRevision,
      selector,
      candidates: [...controlledBy(lister, uid), ...orphansFor(lister, namespace, selector)],
      signal,
    });
    return inOrder(claimed);
  }

  /** The revision of the owner's template: found, brought to the front again, or made. */
  async latest(
    owner: KubernetesObject,
    template: PodTemplateSpec,
    known: readonly ControllerRevision[],
    collisions: number,
    signal: AbortSignal,
  ): Promise<Latest> {
    const equal = known.findLast((each) => keepsTemplate(each, template));
    const last = known.at(-1);
    if (equal !== undefined && equal === last) return { revision: equal, collisionCount: collisions };
    const number = (last?.revision ?? 0) + 1;
    if (equal !== undefined) {
      const revision = await this.#client.update(ControllerRevision, { ...equal, revision: number }, { signal });
      return { revision, collisionCount: collisions };
    }
    return this.#create(owner, template, number, collisions, signal);
  }

  async #create(
    owner: KubernetesObject,
    template: PodTemplateSpec,
    number: number,
    collisions: number,
    signal: AbortSignal,
  ): Promise<Latest> {
    for (let count = collisions; count < collisions + mostCollisions; count++) {
      const wanted = newRevision(this.#kind, owner, template, hashOf(template, count), number);
      try {
        const revision = await this.#client.create(ControllerRevision, wanted, { signal });
        return { revision, collisionCount: count };
      } catch (error) {
        if (!isStatusError(error, 'AlreadyExists')) throw error;
        const there = await this.#client.get(
          ControllerRevision,
          { name: wanted.metadata.name ?? '', namespace: owner.metadata.namespace },
          { signal },
        );
        const own = controllerOf(there)?.uid === owner.metadata.uid;
        if (own && keepsTemplate(there, template)) return { revision: there, collisionCount: count };
      }
    }
    throw new Error(`${this.#kind.type.kind} ${owner.metadata.name}: no name is free for a new revision`);
  }

  /** Deletes what is more than `limit`, but for the names in `live`. */
  async truncate(
    known: readonly ControllerRevision[],
    live: ReadonlySet<string>,
    limit: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { metadata } of surplusRevisions(known, live, limit)) {
      try {
        await this.#client.delete(ControllerRevision, metadata, { preconditions: { uid: metadata.uid }, signal });
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
  }
}
