import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { GarbageCollectorController } from './garbage-collector-controller.ts';

export const garbageCollectorPlugin = definePlugin({
  name: 'garbage-collector',
  user: 'system:serviceaccount:kube-system:generic-garbage-collector',
  register({ provide }) {
    provide(Controllers, GarbageCollectorController, [Client, Informers, EventRecorder, Clock]);
  },
});
