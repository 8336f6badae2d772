import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { GarbageCollectorController } from './garbage-collector-controller.ts';

/** Deletes objects whose owners are gone, of every kind that is served, custom resources included. */
export const garbageCollectorPlugin = definePlugin({
  name: 'garbage-collector',
  user: 'system:serviceaccount:kube-system:generic-garbage-collector',
  register({ provide }) {
    provide(Controllers, GarbageCollectorController, [Client, Informers, EventRecorder, Clock]);
  },
});
