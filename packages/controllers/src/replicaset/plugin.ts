import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { ReplicaSetController } from './replicaset-controller.ts';

/** Keeps `spec.replicas` pods of one template alive. */
export const replicaSetPlugin = definePlugin({
  name: 'replicaset',
  user: 'system:serviceaccount:kube-system:replicaset-controller',
  register({ provide }) {
    provide(Controllers, ReplicaSetController, [Client, Informers, EventRecorder, Clock]);
  },
});
