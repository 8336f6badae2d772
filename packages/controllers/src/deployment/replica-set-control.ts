import {
  type Client,
  Deployment,
  type EventRecorder,
  isControlledBy,
  isStatusError,
  type Lister,
  ReplicaSet,
  semanticEqual,
  wellKnown,
} from '@keelson/core';
import { messageOf } from '../pod-control/index.ts';
import { newReplicaSet, replicaSetName, sameTemplate } from './new-replica-set.ts';
import { replicasOf } from './replica-math.ts';
import { revisionAnnotations } from './revisions.ts';
import type { Resize } from './rolling-update.ts';
import { sizeAnnotations } from './scaling.ts';

/** `collision`: the name is taken by something else, so the hash must change. */
export type Creation =
  | { readonly type: 'created' | 'existed'; readonly replicaSet: ReplicaSet }
  | { readonly type: 'collision' };

/** Writes a Deployment's ReplicaSets, and says on the Deployment what it did. */
export class ReplicaSetControl {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #replicaSets: Lister<ReplicaSet>;

  constructor(client: Client, recorder: EventRecorder, replicaSets: Lister<ReplicaSet>) {
    this.#client = client;
    this.#recorder = recorder;
    this.#replicaSets = replicaSets;
  }

  /** @throws StatusError as the API answers */
  async create(
    deployment: Deployment,
    size: { readonly revision: bigint; readonly replicas: number },
    signal: AbortSignal,
  ): Promise<Creation> {
    try {
      const replicaSet = await this.#client.create(ReplicaSet, newReplicaSet(deployment, size), { signal });
      if (size.replicas > 0) this.#scaled(deployment, replicaSet.metadata.name, 0, size.replicas);
      return { type: 'created', replicaSet };
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists')) {
        if (!signal.aborted) {
          const name = replicaSetName(deployment, deployment.status?.collisionCount);
          const message = `Failed to create new replica set "${name}": ${messageOf(error)}`;
          this.#recorder.event(Deployment, deployment, 'Warning', 'ReplicaSetCreateError', message);
        }
        throw error;
      }
      return this.#existing(deployment, signal);
    }
  }

  /** A cache that lags does not know the ReplicaSet of the last reconcile yet; the API does. */
  async #existing(deployment: Deployment, signal: AbortSignal): Promise<Creation> {
    const name = replicaSetName(deployment, deployment.status?.collisionCount);
    const ref = { name, namespace: deployment.metadata.namespace };
    const replicaSet =
      this.#replicaSets.get(`${ref.namespace}/${name}`) ?? (await this.#client.get(ReplicaSet, ref, { signal }));
    const ours =
      isControlledBy(replicaSet, deployment) && sameTemplate(replicaSet.spec.template, deployment.spec.template);
    return ours ? { type: 'existed', replicaSet } : { type: 'collision' };
  }

  /** Brings size and size annotations up to date; resolves to the ReplicaSet as it then is. */
  async resize(deployment: Deployment, { replicaSet, replicas }: Resize, signal: AbortSignal): Promise<ReplicaSet> {
    const before = replicasOf(replicaSet);
    const annotations = { ...replicaSet.metadata.annotations, ...sizeAnnotations(deployment) };
    if (before === replicas && semanticEqual(annotations, replicaSet.metadata.annotations)) return replicaSet;
    const updated = await this.#client.update(
      ReplicaSet,
      {
        ...replicaSet,
        metadata: { ...replicaSet.metadata, annotations },
        spec: { ...replicaSet.spec, replicas },
      },
      { signal },
    );
    if (before !== replicas) this.#scaled(deployment, replicaSet.metadata.name, before, replicas);
    return updated;
  }

  /** Hands the Deployment's annotations, revision and `minReadySeconds` down to its new ReplicaSet. */
  async sync(
    deployment: Deployment,
    replicaSet: ReplicaSet,
    revision: bigint,
    signal: AbortSignal,
  ): Promise<ReplicaSet> {
    const existing = replicaSet.metadata.annotations ?? {};
    const annotations = revisionAnnotations(deployment, existing, revision);
    const { minReadySeconds = 0 } = deployment.spec;
    if (semanticEqual(annotations, existing) && (replicaSet.spec.minReadySeconds ?? 0) === minReadySeconds) {
      return replicaSet;
    }
    return this.#client.update(
      ReplicaSet,
      {
        ...replicaSet,
        metadata: { ...replicaSet.metadata, annotations },
        spec: { ...replicaSet.spec, minReadySeconds },
      },
      { signal },
    );
  }

  async delete(replicaSet: ReplicaSet, signal: AbortSignal): Promise<void> {
    try {
      const preconditions = { uid: replicaSet.metadata.uid };
      await this.#client.delete(ReplicaSet, replicaSet.metadata, { preconditions, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  #scaled(deployment: Deployment, name: string, from: number, to: number): void {
    const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`;
    this.#recorder.event(Deployment, deployment, 'Normal', 'ScalingReplicaSet', message);
  }
}

/** The revision that the Deployment wears: its new ReplicaSet's. */
export function wornRevision(current: ReplicaSet): string | undefined {
  return current.metadata.annotations?.[wellKnown.deploymentRevision];
}
