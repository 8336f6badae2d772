import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { ReplicationControllerController } from './replication-controller.ts';

/** Keeps `spec.replicas` pods of a ReplicationController alive. */
export const replicationPlugin = definePlugin({
  name: 'replication',
  user: 'system:serviceaccount:kube-system:replication-controller',
  register({ provide }) {
    provide(Controllers, ReplicationControllerController, [Client, Informers, EventRecorder, Clock]);
  },
});
