import { type Client, type Clock, type EventRecorder, type Informers, ReplicaSet } from '@keelson/core';
import { ReplicaController, type ReplicaKind } from '../replica-control/index.ts';

const replicaSetKind: ReplicaKind<ReplicaSet> = {
  type: ReplicaSet,
  name: 'replicaset',
  component: 'replicaset-controller',
  replicas: ({ spec }) => spec.replicas ?? 1,
  selector: ({ spec }) => spec.selector,
  template: ({ spec }) => spec.template ?? {},
  observed: ({ metadata, spec, status }) => ({
    generation: metadata.generation,
    minReadySeconds: spec.minReadySeconds,
    templateLabels: spec.template?.metadata?.labels ?? {},
    status,
  }),
  withStatus: (replicaSet, status) => ({ ...replicaSet, status }),
};

/** Keeps `spec.replicas` pods of a ReplicaSet alive. */
export class ReplicaSetController extends ReplicaController<ReplicaSet> {
  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    super(replicaSetKind, client, informers, recorder, clock);
  }
}
