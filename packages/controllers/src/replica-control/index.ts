export { ReplicaController, type ReplicaKind } from './replica-controller.ts';
export { type ReplicaOwner, replicaStatus } from './replica-status.ts';
