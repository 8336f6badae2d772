import { type Client, type Clock, type EventRecorder, type Informers, ReplicationController } from '@keelson/core';
import { ReplicaController, type ReplicaKind } from '../replica-control/index.ts';

const replicationKind: ReplicaKind<ReplicationController> = {
  type: ReplicationController,
  name: 'replication',
  component: 'replication-controller',
  replicas: ({ spec }) => spec?.replicas ?? 1,
  selector: ({ spec }) => ({ matchLabels: spec?.selector ?? {} }),
  template: ({ spec }) => spec?.template ?? {},
  observed: ({ metadata, spec, status }) => ({
    generation: metadata.generation,
    minReadySeconds: spec?.minReadySeconds,
    templateLabels: spec?.template?.metadata?.labels ?? {},
    status,
  }),
  withStatus: (owner, { terminatingReplicas: _unknownToThem, ...status }) => ({ ...owner, status }),
};

/** Keeps `spec.replicas` pods of a ReplicationController alive. */
export class ReplicationControllerController extends ReplicaController<ReplicationController> {
  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    super(replicationKind, client, informers, recorder, clock);
  }
}
